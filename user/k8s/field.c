/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/field.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "user/k8s/names.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* Values in errors are cut to this: a line should stay one. */
#define VALUE_TEXT 80

static const char *type_name(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return "a mapping";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	default:
		return "null";
	}
}

struct field field_root(json_t *json, struct reading *reading)
{
	return (struct field){ .json = json_is_null(json) ? NULL : json, .reading = reading };
}

static bool has_type(const struct field *field, bool is, const char *expected)
{
	if (!field->json || is)
		return field->json;
	field_fail(field, "expected %s, got %s", expected, type_name(field->json));
	return false;
}

bool field_map(const struct field *field)
{
	return has_type(field, json_is_object(field->json), "a mapping");
}

struct field field_get(const struct field *parent, const char *key)
{
	json_t *json = field_map(parent) ? json_object_get(parent->json, key) : NULL;

	return (struct field){
		.parent = parent,
		.key = key,
		.json = json_is_null(json) ? NULL : json,
		.reading = parent->reading,
	};
}

struct field field_entry(const struct field *map, const char *key)
{
	struct field field = field_get(map, key);

	field.entry = true;
	return field;
}

struct field field_at(const struct field *list, size_t index)
{
	json_t *json = json_array_get(list->json, index);

	return (struct field){
		.parent = list,
		.index = index,
		.json = json_is_null(json) ? NULL : json,
		.reading = list->reading,
	};
}

char *field_path(const struct field *field)
{
	cleanup_free char *parent = NULL;

	if (!field->parent)
		return xstrdup("");
	parent = field_path(field->parent);
	if (!field->key)
		return xasprintf("%s[%zu]", parent, field->index);
	if (field->entry)
		return xasprintf("%s[%s]", parent, field->key);
	return xasprintf("%s%s%s", parent, *parent ? "." : "", field->key);
}

/* --------------------------------------------------------------- errors -- */

void field_fail(const struct field *field, const char *format, ...)
{
	struct reading *reading = field->reading;
	char reason[sizeof(reading->err->text)];
	cleanup_free char *path = NULL;
	struct err err;
	va_list args;

	if (reading->code && !reading->each)
		return;
	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	path = field_path(field);
	(void)err_set(&err, -EINVAL, "%s%s%s", path, *path ? ": " : "", reason);
	if (reading->each)
		reading->each(reading->arg, path, err.text);
	if (reading->code)
		return;
	reading->code = -EINVAL;
	*reading->err = err;
	reading->field = TAKE_PTR(path);
}

void field_required(const struct field *field)
{
	if (!field->json || (json_is_string(field->json) && !json_string_length(field->json)))
		field_fail(field, "Required value");
}

/* The value as JSON, cut where it is long. text holds VALUE_TEXT bytes. */
static const char *value_text(const struct field *field, char *text)
{
	cleanup_free char *json =
		field->json ? json_dumps(field->json, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	if (json && strlen(json) >= VALUE_TEXT)
		snprintf(text, VALUE_TEXT, "%.*s...", VALUE_TEXT - 4, json);
	else
		snprintf(text, VALUE_TEXT, "%s", json ? json : "null");
	return text;
}

void field_invalid(const struct field *field, const char *format, ...)
{
	char value[VALUE_TEXT], reason[400];
	va_list args;

	if (field->reading->code && !field->reading->each)
		return;
	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	field_fail(field, "Invalid value: %s: %s", value_text(field, value), reason);
}

void field_forbidden(const struct field *field, const char *reason)
{
	field_fail(field, "Forbidden: %s", reason);
}

void field_duplicate(const struct field *field)
{
	char value[VALUE_TEXT];

	field_fail(field, "Duplicate value: %s", value_text(field, value));
}

/* --------------------------------------------------------------- values -- */

const char *field_string(const struct field *field)
{
	if (!has_type(field, json_is_string(field->json), "a string"))
		return NULL;
	return json_string_length(field->json) ? json_string_value(field->json) : NULL;
}

bool field_bool(const struct field *field, bool fallback)
{
	if (!has_type(field, json_is_boolean(field->json), "a boolean"))
		return fallback;
	return json_is_true(field->json);
}

int64_t field_int(const struct field *field, int64_t min, int64_t max, int64_t fallback)
{
	int64_t value;

	if (!field->json)
		return fallback;
	if (json_is_real(field->json)) {
		field_invalid(field, "must be an integer");
		return fallback;
	}
	if (!has_type(field, json_is_integer(field->json), "a number"))
		return fallback;
	value = json_integer_value(field->json);
	if (value >= min && value <= max)
		return value;
	field_invalid(field, "must be between %" PRId64 " and %" PRId64 ", inclusive", min, max);
	return fallback;
}

uint16_t field_port(const struct field *field)
{
	if (json_is_integer(field->json) && json_integer_value(field->json) == 0)
		return 0;
	return (uint16_t)field_int(field, 1, 65535, 0);
}

size_t field_items(const struct field *list)
{
	return has_type(list, json_is_array(list->json), "a list") ? json_array_size(list->json)
								   : 0;
}

size_t field_limited(const struct field *list, size_t max)
{
	size_t n = field_items(list);

	if (n > max)
		field_fail(list, "Too many: %zu: must have at most %zu items", n, max);
	return n > max ? 0 : n;
}

bool field_addr(const struct field *field, struct lb_addr *ret_addr)
{
	const char *text = field_string(field);

	if (!text)
		return false;
	if (!addr_parse(text, ret_addr))
		return true;
	field_invalid(field, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
	return false;
}

bool field_prefix(const struct field *field, struct prefix *ret_prefix)
{
	const char *text = field_string(field);

	if (!text)
		return false;
	if (!prefix_parse(text, ret_prefix))
		return true;
	field_invalid(field, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
	return false;
}

const char *field_word(const struct field *field, const char *const *words)
{
	const char *text = field_string(field);
	char value[VALUE_TEXT], all[200] = "";
	size_t used = 0;

	if (!text)
		return NULL;
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], text))
			return words[i];
	for (size_t i = 0; words[i] && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s\"%s\"", i ? ", " : "",
					 words[i]);
	field_fail(field, "Unsupported value: %s: supported values: %s", value_text(field, value),
		   all);
	return NULL;
}

const char *field_name(const struct field *field, const char *(*check)(const char *text))
{
	const char *text = field_string(field);
	const char *reason = text ? check(text) : NULL;

	if (!reason)
		return text;
	field_invalid(field, "%s", reason);
	return NULL;
}

bool field_unicast(const struct field *field, struct lb_addr *ret_addr)
{
	static const struct {
		const char *prefix;
		const char *reason;
	} special[] = {
		{ "0.0.0.0/32", "may not be unspecified" },
		{ "::/128", "may not be unspecified" },
		{ "127.0.0.0/8", "may not be in the loopback range (127.0.0.0/8, ::1/128)" },
		{ "::1/128", "may not be in the loopback range (127.0.0.0/8, ::1/128)" },
		{ "169.254.0.0/16",
		  "may not be in the link-local range (169.254.0.0/16, fe80::/10)" },
		{ "fe80::/10", "may not be in the link-local range (169.254.0.0/16, fe80::/10)" },
		{ "224.0.0.0/4", "may not be a multicast address (224.0.0.0/4, ff00::/8)" },
		{ "ff00::/8", "may not be a multicast address (224.0.0.0/4, ff00::/8)" },
	};
	struct lb_addr addr;

	if (!field_addr(field, &addr))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(special); i++) {
		struct prefix prefix;

		if (!prefix_parse(special[i].prefix, &prefix) && prefix_contains(&prefix, &addr)) {
			field_invalid(field, "%s", special[i].reason);
			return false;
		}
	}
	*ret_addr = addr;
	return true;
}

void field_string_map(const struct field *map, const char *(*key_check)(const char *text),
		      const char *(*value_check)(const char *text))
{
	const char *key;
	json_t *value;

	if (!field_map(map))
		return;
	json_object_foreach (map->json, key, value) {
		struct field entry = field_entry(map, key);
		const char *reason = key_check ? key_check(key) : NULL;

		if (reason)
			field_fail(&entry, "Invalid value: \"%.*s\": %s", VALUE_TEXT, key, reason);
		if (!json_is_string(value))
			field_fail(&entry, "expected a string, got %s", type_name(value));
		else if (value_check)
			field_name(&entry, value_check);
	}
}
