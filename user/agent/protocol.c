/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/protocol.h"

#include <errno.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

static const char *const op_names[] = {
	[PROTOCOL_SYNC] = "sync",
	[PROTOCOL_RELOAD] = "reload",
	[PROTOCOL_STATUS] = "status",
};

int protocol_request_parse(const char *line, size_t length, enum protocol_op *ret_op,
			   struct err *err)
{
	cleanup_json json_t *request = NULL;
	json_error_t error;
	const char *op;

	request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	if (!request)
		return err_set(err, -EINVAL, "not JSON: %s", error.text);
	op = json_string_value(json_object_get(request, "op"));
	if (!op)
		return err_set(err, -EINVAL, "not an object with a string \"op\"");
	for (size_t i = 0; i < ARRAY_LEN(op_names); i++) {
		if (strcmp(op, op_names[i]) == 0) {
			*ret_op = i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "unknown op \"%s\"", op);
}

char *protocol_request_format(enum protocol_op op)
{
	return xasprintf("{\"op\":\"%s\"}\n", op_names[op]);
}

/* Texts may hold what a manifest held, which need not be UTF-8. */
json_t *protocol_text(const char *text)
{
	cleanup_free char *clean = NULL;
	json_t *json = text ? json_string(text) : json_null();

	if (json)
		return json;
	clean = xstrdup(text);
	for (char *c = clean; *c; c++)
		if (*c & 0x80)
			*c = '?';
	return json_string(clean);
}

json_t *protocol_error(const struct err *err)
{
	return json_pack("{s:b, s:o}", "ok", 0, "error", protocol_text(err->text));
}

json_t *protocol_texts(char *const *texts, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, protocol_text(texts[i]));
	return array;
}

json_t *protocol_result(const struct sync_result *result)
{
	return json_pack("{s:b, s:b, s:I, s:o}", "ok", 1, "attached", result->attached,
			 "operations", (json_int_t)result->operations, "warnings",
			 protocol_texts(result->warnings, result->n_warnings));
}

int protocol_answer_parse(const char *line, size_t length, json_t **ret_answer, struct err *err)
{
	cleanup_json json_t *answer = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *ok = json_object_get(answer, "ok");
	const char *why = json_string_value(json_object_get(answer, "error"));

	if (json_is_true(ok)) {
		*ret_answer = TAKE_PTR(answer);
		return 0;
	}
	if (json_is_false(ok) && why)
		return err_set(err, -EIO, "%s", why);
	return err_set(err, -EPROTO, "the agent's answer makes no sense");
}

int protocol_result_parse(const json_t *answer, struct sync_result *ret_result, struct err *err)
{
	const json_t *attached = json_object_get(answer, "attached");
	const json_t *operations = json_object_get(answer, "operations");
	const json_t *warnings = json_object_get(answer, "warnings");
	struct sync_result result = { .by_agent = true, .attached = json_is_true(attached) };

	if (!json_is_boolean(attached) || json_integer_value(operations) < 0 ||
	    !json_is_integer(operations) || !json_is_array(warnings))
		return err_set(err, -EPROTO, "the agent's answer makes no sense");
	result.operations = (size_t)json_integer_value(operations);
	result.warnings = xcalloc(json_array_size(warnings), sizeof(*result.warnings));
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *text = json_string_value(json_array_get(warnings, i));

		result.warnings[result.n_warnings++] = xstrdup(text ? text : "");
	}
	*ret_result = result;
	return 0;
}
