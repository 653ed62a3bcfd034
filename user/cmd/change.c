/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/change.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "user/cmd/merge.h"
#include "user/cmd/resource.h"
#include "user/k8s/decode.h"
#include "user/k8s/state.h"
#include "user/model/alloc.h"
#include "user/util/age.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

#define UUID_TEXT 37

int changes_begin(const struct cli *cli, bool write, struct changes *ret_changes, struct err *err)
{
	struct changes changes = { .cli = cli, .lock = -EBADF };
	int code = resource_origin_check(cli, "change them with kubectl", err);

	if (code)
		return code;
	if (write) {
		changes.lock = state_lock(cli->paths.state, err);
		if (changes.lock < 0)
			return changes.lock;
	}
	code = resource_store_load(cli, &changes.store, err);
	if (code) {
		cleanup_closep(&changes.lock);
		return code;
	}
	*ret_changes = changes;
	return 0;
}

void changes_done(struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		free(changes->items[i].ns);
		free(changes->items[i].name);
	}
	vec_free(changes);
	store_free(changes->store);
	cleanup_closep(&changes->lock);
}

static void record(struct changes *changes, const struct object *object,
		   enum change_outcome outcome)
{
	vec_push(changes, ((struct change){ object->kind, xstrdup(object->ns),
					    xstrdup(object->name), outcome }));
}

const struct object *change_object(const struct changes *changes, const struct change *change)
{
	return store_find(changes->store, change->kind, change->ns, change->name);
}

/* ------------------------------------------------------------- metadata -- */

static int uuid_make(char *text, struct err *err)
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return err_sys(err, -errno, "getrandom");
	b[6] = (b[6] & 0x0f) | 0x40; /* version 4, random */
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(text, UUID_TEXT,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return 0;
}

/* What the API server alone sets: made for a new object, kept of a stored one. */
static int set_metadata(json_t *json, const json_t *stored, struct err *err)
{
	static const char *const fields[] = { "metadata.uid", "metadata.creationTimestamp",
					      "metadata.generation", "metadata.resourceVersion" };
	char uuid[UUID_TEXT], created[TIMESTAMP_TEXT];
	int code = uuid_make(uuid, err);

	if (code)
		return code;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		json_t *value = tree_get(stored, fields[i]);

		if (value)
			tree_set(json, fields[i], json_incref(value));
		else
			tree_delete(json, fields[i]);
	}
	if (!tree_text(json, "metadata.uid"))
		tree_set(json, "metadata.uid", json_string(uuid));
	if (!tree_text(json, "metadata.creationTimestamp"))
		tree_set(json, "metadata.creationTimestamp",
			 json_string(timestamp_format(time(NULL), created)));
	return 0;
}

/* The manifest as the next apply will want to know it. */
static char *last_applied_text(const json_t *given)
{
	cleanup_free char *text = json_dumps(given, JSON_COMPACT | JSON_SORT_KEYS);

	return xasprintf("%s\n", text);
}

static void drop_last_applied(json_t *json)
{
	json_t *annotations = tree_get(json, "metadata.annotations");

	json_object_del(annotations, CHANGE_LAST_APPLIED);
}

/* ---------------------------------------------------------------- merge -- */

/* Completes json and puts it into the store; stored: what is there, or NULL. */
static int put(struct changes *changes, json_t *json, const struct object *given,
	       const struct object *stored, struct err *err)
{
	struct object *object;
	int code = set_metadata(json, stored ? stored->json : NULL, err);

	if (!code && stored && given->kind == K8S_SERVICE)
		code = merge_service(json, stored->json, err);
	if (!code)
		code = object_decode(json, given->ns, &object, NULL, err);
	if (code)
		return err_wrap(err, code, "%s/%s", k8s_kinds[given->kind].singular, given->name);
	if (object->kind == K8S_SERVICE)
		code = alloc_service(changes->store, &changes->cli->config, &object, err);
	if (code) {
		object_free(object);
		return err_wrap(err, code, "%s/%s", k8s_kinds[given->kind].singular, given->name);
	}
	if (stored && json_equal(stored->json, object->json)) {
		record(changes, object, CHANGE_UNCHANGED);
		object_free(object);
		return 0;
	}
	record(changes, object, stored ? CHANGE_CONFIGURED : CHANGE_CREATED);
	store_put(changes->store, object);
	return 0;
}

static const struct object *find_stored(const struct changes *changes, const struct object *given)
{
	return store_find(changes->store, given->kind, given->ns, given->name);
}

int changes_apply(struct changes *changes, const struct object *given, struct err *err)
{
	const struct object *stored = find_stored(changes, given);
	cleanup_json json_t *manifest = json_deep_copy(given->json);
	cleanup_json json_t *original = NULL;
	cleanup_json json_t *merged = NULL;
	cleanup_free char *text = NULL;
	const char *last = stored ? object_annotation(stored, CHANGE_LAST_APPLIED) : NULL;

	if (last)
		original = json_loads(last, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(tree_get(manifest, "metadata.annotations")))
		tree_set(manifest, "metadata.annotations", json_object());
	drop_last_applied(manifest);
	text = last_applied_text(manifest);
	merged = merge_three_way(given->kind, original, manifest, stored ? stored->json : NULL);
	json_object_set_new(tree_get(merged, "metadata.annotations"), CHANGE_LAST_APPLIED,
			    json_string(text));
	return put(changes, merged, given, stored, err);
}

int changes_create(struct changes *changes, const struct object *given, struct err *err)
{
	cleanup_json json_t *json = json_deep_copy(given->json);
	char text[RESOURCE_TEXT];

	if (find_stored(changes, given))
		return err_set(err, -EEXIST, "%s \"%s\" already exists",
			       resource_plural(given->kind, text), given->name);
	return put(changes, json, given, NULL, err);
}

int changes_edit(struct changes *changes, const json_t *before, const struct object *edited,
		 struct err *err)
{
	const struct object *stored = find_stored(changes, edited);
	cleanup_json json_t *merged = NULL;
	char text[RESOURCE_TEXT];

	if (!stored)
		return err_set(err, -ENOENT, "%s \"%s\" not found",
			       resource_plural(edited->kind, text), edited->name);
	merged = merge_three_way(edited->kind, before, edited->json, stored->json);
	return put(changes, merged, edited, stored, err);
}

int changes_delete(struct changes *changes, enum k8s_kind kind, const char *ns, const char *name)
{
	const struct object *object;

	if (!k8s_kinds[kind].namespaced)
		ns = "";
	object = store_find(changes->store, kind, ns, name);
	if (!object)
		return -ENOENT;
	record(changes, object, CHANGE_DELETED);
	store_delete(changes->store, kind, ns, name);
	return 0;
}

/* --------------------------------------------------------------- commit -- */

int changes_commit(struct changes *changes, struct err *err)
{
	struct state_change *items = xcalloc(changes->n, sizeof(*items));
	size_t n = 0, done;
	int code;

	for (size_t i = 0; i < changes->n; i++) {
		const struct change *change = &changes->items[i];

		if (change->outcome != CHANGE_UNCHANGED)
			items[n++] = (struct state_change){ change->kind, change->ns, change->name,
							    change_object(changes, change) };
	}
	code = state_write(changes->cli->paths.state, items, n, &done, err);
	free(items);
	if (code)
		return err_wrap(err, code, "%zu of %zu objects written", done, n);
	/* The lock ends with the changes; the sync that follows needs it no more. */
	cleanup_closep(&changes->lock);
	changes->lock = -EBADF;
	return 0;
}
