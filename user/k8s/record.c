/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/record.h"

#include <errno.h>
#include <string.h>

#include "user/k8s/decode.h"
#include "user/util/age.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"
#include "user/util/version.h"

#define RECORD_VERSION 1

/* ------------------------------------------------------------------ writing -- */

/* Takes json over. */
static void line_write(FILE *out, json_t *json)
{
	json_dumpf(json, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(json);
}

static void secret_redact(json_t *json)
{
	json_t *data = json_object_get(json, "data"), *value;
	const char *key;
	void *next;

	json_object_foreach_safe(data, next, key, value)
	{
		(void)value;
		json_object_set_new(data, key, json_string(""));
	}
	json_object_del(json, "stringData");
	tree_delete(json, "metadata.annotations"); /* kubectl keeps whole manifests there */
}

static void headers_redact(json_t *container)
{
	static const char *const probes[] = {
		"readinessProbe.httpGet.httpHeaders",
		"livenessProbe.httpGet.httpHeaders",
		"startupProbe.httpGet.httpHeaders",
	};
	json_t *header;
	size_t j;

	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		json_array_foreach (tree_get(container, probes[i]), j, header)
			if (json_is_object(header))
				json_object_set_new(header, "value", json_string("redacted"));
	}
}

static void pod_redact(json_t *json)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers" };
	json_t *container;
	size_t j;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		json_array_foreach (tree_get(json, lists[i]), j, container) {
			json_object_del(container, "env");
			json_object_del(container, "envFrom");
			headers_redact(container);
		}
	}
	json_object_del(tree_get(json, "metadata.annotations"),
			"kubectl.kubernetes.io/last-applied-configuration");
}

static json_t *redacted(const struct object *object)
{
	json_t *json = json_deep_copy(object->json);

	if (object->kind == K8S_SECRET)
		secret_redact(json);
	else if (object->kind == K8S_POD)
		pod_redact(json);
	tree_delete(json, "metadata.managedFields");
	return json;
}

void record_begin(FILE *out, const json_t *configuration, bool cluster, time_t at)
{
	char when[TIMESTAMP_TEXT];

	line_write(out, json_pack("{s:s, s:i, s:s, s:s, s:b, s:O}", "lbctl", "record", "version",
				  RECORD_VERSION, "program", version_text(), "time",
				  timestamp_format(at, when), "cluster", cluster, "configuration",
				  configuration));
}

void record_object(FILE *out, const struct object *object)
{
	line_write(out, json_pack("{s:o}", "object", redacted(object)));
}

void record_journal(FILE *out, const char *name, const json_t *line)
{
	line_write(out, json_pack("{s:s, s:O}", "journal", name, "line", line));
}

void record_event(FILE *out, const char *type, const struct object *object,
		  const struct timespec *at)
{
	char seconds[TIMESTAMP_TEXT];
	cleanup_free char *when = xasprintf("%.19s.%03ldZ", timestamp_format(at->tv_sec, seconds),
					    at->tv_nsec / 1000000);

	line_write(out, json_pack("{s:s, s:s, s:o}", "event", type, "time", when, "object",
				  redacted(object)));
}

/* ------------------------------------------------------------------ reading -- */

struct place {
	const char *file;
	unsigned int line;
};

static int header_check(const struct place *place, const json_t *json, struct err *err)
{
	const char *word = tree_text(json, "lbctl");

	if (!word || strcmp(word, "record") != 0)
		return err_set(err, -EINVAL, "%s:%u: no record of lbctl", place->file, place->line);
	if (tree_int(json, "version") != RECORD_VERSION)
		return err_set(err, -EINVAL,
			       "%s:%u: version: %lld is not %d, which this lbctl reads",
			       place->file, place->line, tree_int(json, "version"), RECORD_VERSION);
	if (!json_is_object(json_object_get(json, "configuration")))
		return err_set(err, -EINVAL, "%s:%u: configuration: Required value", place->file,
			       place->line);
	return 0;
}

static int object_read(const struct place *place, json_t *json, struct object **ret_object,
		       struct err *err)
{
	struct err why;
	int r = object_decode(json, "default", ret_object, NULL, &why);

	if (!r)
		return 0;
	return err_set(err, r, "%s:%u: object: %s", place->file, place->line, why.text);
}

static bool is_event(const char *type)
{
	return type &&
	       (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED") || !strcmp(type, "DELETED"));
}

static int line_read(const struct place *place, const json_t *json,
		     const struct record_visitor *visitor, struct err *err)
{
	const char *journal = tree_text(json, "journal"), *type = tree_text(json, "event");
	json_t *body = json_object_get(json, journal ? "line" : "object");
	struct object *object;
	int r;

	if (!json_is_object(body) || (json_object_get(json, "event") && !is_event(type)))
		return err_set(err, -EINVAL, "%s:%u: neither object, journal nor event",
			       place->file, place->line);
	if (journal)
		return visitor->journal ? visitor->journal(visitor->arg, journal, body, err) : 0;
	r = object_read(place, body, &object, err);
	if (r)
		return r;
	if (type && visitor->event)
		return visitor->event(visitor->arg, type, object, err);
	if (!type && visitor->object)
		return visitor->object(visitor->arg, object, err);
	object_free(object);
	return 0;
}

static int json_read(const struct place *place, const char *text, size_t size,
		     const struct record_visitor *visitor, struct err *err)
{
	json_error_t why;
	cleanup_json json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
	int r;

	if (!json_is_object(json))
		return err_set(err, -EINVAL, "%s:%u: %s", place->file, place->line,
			       json ? "not a JSON object" : why.text);
	if (place->line > 1)
		return line_read(place, json, visitor, err);
	r = header_check(place, json, err);
	return r || !visitor->begin ? r : visitor->begin(visitor->arg, json, err);
}

int record_parse(const char *file, const char *text, size_t size,
		 const struct record_visitor *visitor, struct err *err)
{
	struct place place = { .file = file };
	const char *end = text + size;
	int r = 0;

	if (!size)
		return err_set(err, -EINVAL, "%s: empty, no record of lbctl", file);
	while (text < end && !r) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text)) ?: end;

		place.line++;
		r = json_read(&place, text, (size_t)(line_end - text), visitor, err);
		text = line_end + 1;
	}
	return r;
}
