/* SPDX-License-Identifier: Apache-2.0 */
/* What the bytes of lists and watches say. */
#include <errno.h>
#include <string.h>

#include "user/api/cut.h"
#include "user/api/reflector_parts.h"
#include "user/k8s/decode.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define INITIAL_END "k8s.io/initial-events-end"

static void text_set(char **text, const char *now)
{
	char *copy = now ? xstrdup(now) : NULL;

	free(*text);
	*text = copy;
}

void reflector_note(struct reflector *reflector, const char *text)
{
	text_set(&reflector->state.error, text);
}

/* Something came that makes sense: the server works, and so do we. */
static void all_is_well(struct reflector *reflector)
{
	reflector->failures = reflector->garbled = 0;
	reflector_note(reflector, NULL);
}

/* ----------------------------------------------------------------- objects -- */

static void object_gone(void *arg, const char *ns, const char *name)
{
	struct reflector *reflector = arg;

	reflector->sink->gone(reflector->arg, reflector->kind, ns, name);
}

static const char *metadata_text(const json_t *json, const char *key)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(json, "metadata"), key));

	return text ? text : "";
}

/* Items of a list have no kind of their own, since the list says it. */
static void kind_complete(const struct reflector *reflector, json_t *json)
{
	if (!json_object_get(json, "kind"))
		json_object_set_new(json, "kind", json_string(k8s_kinds[reflector->kind].kind));
	if (!json_object_get(json, "apiVersion"))
		json_object_set_new(json, "apiVersion",
				    json_string(reflector_api_version(reflector)));
}

static void object_put(struct reflector *reflector, json_t *json)
{
	const char *ns = metadata_text(json, "namespace"), *name = metadata_text(json, "name");
	struct object *object;
	struct err err;

	if (!keys_see(&reflector->keys, ns, name, metadata_text(json, "resourceVersion")))
		return;
	kind_complete(reflector, json);
	if (object_decode(json, "", &object, NULL, &err)) {
		cleanup_free char *why = xasprintf("%s %s/%s: %s", k8s_kinds[reflector->kind].kind,
						   ns, name, err.text);

		reflector->state.unreadable++;
		reflector->sink->unreadable(reflector->arg, why);
		return;
	}
	reflector->sink->put(reflector->arg, object);
}

static void object_remove(struct reflector *reflector, const json_t *json)
{
	const char *ns = metadata_text(json, "namespace"), *name = metadata_text(json, "name");

	if (keys_remove(&reflector->keys, ns, name))
		object_gone(reflector, ns, name);
}

static json_t *text_parse(const char *text, size_t size, json_error_t *error)
{
	cleanup_free char *short_text = xmalloc(size);

	return json_loadb(short_text, cut_managed_fields(text, size, short_text), 0, error);
}

/* ------------------------------------------------------------------- lists -- */

static int item_take(void *arg, const char *text, size_t size, struct err *err)
{
	struct reflector *reflector = arg;
	json_error_t error;
	cleanup_json json_t *json = text_parse(text, size, &error);

	if (!json)
		return err_set(err, -EPROTO, "a list that is not JSON: %s", error.text);
	object_put(reflector, json);
	return 0;
}

void reflector_listed(struct reflector *reflector)
{
	keys_list_end(&reflector->keys, object_gone, reflector);
	text_set(&reflector->next, NULL);
	reflector->step = REFLECTOR_WATCH;
	reflector->fresh_list = false;
	reflector->state.synced = true;
	reflector->state.objects = reflector->keys.n;
	reflector->sink->listed(reflector->arg, reflector->kind);
}

int reflector_page(struct reflector *reflector, struct err *err)
{
	const struct frame_buffer *shell = &reflector->frame.shell;
	cleanup_json json_t *json = NULL;
	json_error_t error;
	const char *rv;

	json = frame_is_torn(&reflector->frame) ? NULL
						: json_loadb(shell->data, shell->n, 0, &error);
	rv = tree_text(json, "metadata.resourceVersion");
	if (!rv || !json_is_array(json_object_get(json, "items")))
		return err_set(err, -EPROTO, "the answer is not a whole list");
	all_is_well(reflector);
	text_set(&reflector->rv, rv);
	text_set(&reflector->next, tree_text(json, "metadata.continue"));
	if (reflector->next && !*reflector->next)
		text_set(&reflector->next, NULL);
	if (!reflector->next)
		reflector_listed(reflector);
	return 0;
}

/* ----------------------------------------------------------------- watches -- */

static void bookmark_read(struct reflector *reflector, const json_t *object)
{
	const json_t *notes = tree_get(object, "metadata.annotations");
	const char *end = json_string_value(json_object_get(notes, INITIAL_END));

	if (reflector->step == REFLECTOR_STREAM && end && !strcmp(end, "true"))
		reflector_listed(reflector);
}

/* A Status in place of an object. It is the last word of this watch. */
static int error_read(struct reflector *reflector, const json_t *status, struct err *err)
{
	const char *reason = tree_text(status, "reason"), *message = tree_text(status, "message");
	long long code = tree_int(status, "code");

	reflector->refused = code > 0 && code < 1000 ? (long)code : 500;
	snprintf(reflector->refused_reason, sizeof(reflector->refused_reason), "%s",
		 reason ? reason : "");
	return err_set(err, -ECONNABORTED, "%s", message ? message : "the server ended the watch");
}

static int event_apply(struct reflector *reflector, const char *type, json_t *object,
		       struct err *err)
{
	const char *rv = metadata_text(object, "resourceVersion");

	if (!strcmp(type, "ERROR"))
		return error_read(reflector, object, err);
	if (!*rv)
		return err_set(err, -EPROTO, "an event without a resourceVersion");
	if (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED"))
		object_put(reflector, object);
	else if (!strcmp(type, "DELETED"))
		object_remove(reflector, object);
	else if (!strcmp(type, "BOOKMARK"))
		bookmark_read(reflector, object);
	else
		return err_set(err, -EPROTO, "an event of unknown type");
	reflector->state.events++;
	reflector->state.objects = reflector->keys.n;
	/* Until a streamed list is whole there is no point in it to go on from. */
	if (reflector->step == REFLECTOR_WATCH) {
		text_set(&reflector->rv, rv);
		all_is_well(reflector);
	}
	return 0;
}

static int event_take(void *arg, const char *text, size_t size, struct err *err)
{
	json_error_t error;
	cleanup_json json_t *json = text_parse(text, size, &error);
	const char *type = json_string_value(json_object_get(json, "type"));
	json_t *object = json_object_get(json, "object");

	if (!json)
		return err_set(err, -EPROTO, "an event that is not JSON: %s", error.text);
	if (!type || !json_is_object(object))
		return err_set(err, -EPROTO, "an event without type or object");
	return event_apply(arg, type, object, err);
}

void reflector_frame(struct reflector *reflector)
{
	bool list = reflector->step == REFLECTOR_LIST;

	frame_done(&reflector->frame);
	frame_init(&reflector->frame, list ? FRAME_ITEMS : FRAME_LINES,
		   list ? item_take : event_take, reflector);
}
