/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "user/agent/protocol.h"
#include "user/util/cleanup.h"

struct request_case {
	const char *name;
	const char *line;
	int code;
	enum protocol_op op;
	const char *error; /* part of the text */
};

static const struct request_case requests[] = {
	{ "sync", "{\"op\":\"sync\"}", 0, PROTOCOL_SYNC, NULL },
	{ "reload", "{\"op\":\"reload\"}", 0, PROTOCOL_RELOAD, NULL },
	{ "status, with blanks", " { \"op\" : \"status\" } \r", 0, PROTOCOL_STATUS, NULL },
	{ "members of later versions", "{\"op\":\"sync\",\"wait\":true}", 0, PROTOCOL_SYNC, NULL },
	{ "empty", "", -EINVAL, 0, "not JSON" },
	{ "not JSON", "sync", -EINVAL, 0, "not JSON" },
	{ "cut short", "{\"op\":\"sy", -EINVAL, 0, "not JSON" },
	{ "two objects", "{\"op\":\"sync\"}{}", -EINVAL, 0, "not JSON" },
	{ "op twice", "{\"op\":\"sync\",\"op\":\"status\"}", -EINVAL, 0, "not JSON" },
	{ "not UTF-8", "{\"op\":\"\xff\"}", -EINVAL, 0, "not JSON" },
	{ "an array", "[\"sync\"]", -EINVAL, 0, "string \"op\"" },
	{ "no op", "{}", -EINVAL, 0, "string \"op\"" },
	{ "op is no string", "{\"op\":1}", -EINVAL, 0, "string \"op\"" },
	{ "unknown op", "{\"op\":\"stop\"}", -EINVAL, 0, "unknown op \"stop\"" },
	{ "op in capitals", "{\"op\":\"SYNC\"}", -EINVAL, 0, "unknown op" },
};

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		const struct request_case *c = &requests[i];
		enum protocol_op op = 77;
		struct err err = { "" };
		int rc = protocol_request_parse(c->line, strlen(c->line), &op, &err);

		if (rc != c->code || op != (c->code ? 77 : c->op))
			fail_msg("%s: code %d, op %d", c->name, rc, op);
		if (c->error && !strstr(err.text, c->error))
			fail_msg("%s: %s", c->name, err.text);
	}
}

static void test_request_format(void **state)
{
	(void)state;
	for (enum protocol_op op = PROTOCOL_SYNC; op <= PROTOCOL_STATUS; op++) {
		cleanup_free char *line = protocol_request_format(op);
		enum protocol_op back = 77;

		assert_int_equal(line[strlen(line) - 1], '\n');
		assert_int_equal(protocol_request_parse(line, strlen(line), &back, NULL), 0);
		assert_int_equal(back, op);
	}
}

struct answer_case {
	const char *name;
	const char *line;
	int code;
	const char *error;
};

static const struct answer_case answers[] = {
	{ "a result", "{\"ok\":true,\"attached\":true,\"operations\":3,\"warnings\":[\"w\"]}", 0,
	  NULL },
	{ "an error", "{\"ok\":false,\"error\":\"maps are full\"}", -EIO, "maps are full" },
	{ "an error without its text", "{\"ok\":false}", -EPROTO, "no sense" },
	{ "no ok", "{\"attached\":true}", -EPROTO, "no sense" },
	{ "cut short", "{\"ok\":true", -EPROTO, "no sense" },
	{ "no attached", "{\"ok\":true,\"operations\":3,\"warnings\":[]}", -EPROTO, "no sense" },
	{ "operations is a text",
	  "{\"ok\":true,\"attached\":true,\"operations\":\"3\",\"warnings\":[]}", -EPROTO,
	  "no sense" },
	{ "operations below zero",
	  "{\"ok\":true,\"attached\":true,\"operations\":-1,\"warnings\":[]}", -EPROTO,
	  "no sense" },
	{ "warnings is no array", "{\"ok\":true,\"attached\":true,\"operations\":3,\"warnings\":1}",
	  -EPROTO, "no sense" },
};

static int answer_read(const char *line, struct sync_result *ret_result, struct err *err)
{
	cleanup_json json_t *answer = NULL;
	int rc = protocol_answer_parse(line, strlen(line), &answer, err);

	return rc ? rc : protocol_result_parse(answer, ret_result, err);
}

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer_case *c = &answers[i];
		struct sync_result result = { 0 };
		struct err err = { "" };
		int rc = answer_read(c->line, &result, &err);

		if (rc != c->code || (c->error && !strstr(err.text, c->error)))
			fail_msg("%s: code %d: %s", c->name, rc, err.text);
		if (rc)
			assert_false(result.by_agent);
		sync_result_done(&result);
	}
}

static void test_result_survives(void **state)
{
	char *warnings[] = { (char *)"one", (char *)"not \xff UTF-8" };
	struct sync_result result = {
		.attached = true, .operations = 12, .warnings = warnings, .n_warnings = 2
	};
	struct sync_result back = { 0 };
	cleanup_json json_t *json = protocol_result(&result);
	cleanup_free char *line = json_dumps(json, JSON_COMPACT);

	(void)state;
	assert_non_null(line);
	assert_int_equal(answer_read(line, &back, NULL), 0);
	assert_true(back.attached);
	assert_true(back.by_agent);
	assert_int_equal(back.operations, 12);
	assert_int_equal(back.n_warnings, 2);
	assert_string_equal(back.warnings[0], "one");
	assert_string_equal(back.warnings[1], "not ? UTF-8");
	sync_result_done(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_request_format),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_result_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
