/* SPDX-License-Identifier: Apache-2.0 */
/* Trees print as kubectl prints them, and printing and parsing are inverse. */
#include "tests/unit/k8s/yaml_test.h"

static char *print(const json_t *json)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(yaml_print(out, json), 0);
	fclose(out);
	return text;
}

/* ---------------------------------------------------------------- print -- */

static const struct {
	const char *json, *yaml;
} prints[] = {
	{ "{\"a\":{\"b\":1}}", "a:\n  b: 1\n" },
	{ "{\"a\":[{\"b\":1,\"c\":2},3]}", "a:\n- b: 1\n  c: 2\n- 3\n" },
	{ "{\"a\":[[1,2],[]]}", "a:\n- - 1\n  - 2\n- []\n" },
	{ "{\"a\":{},\"b\":[],\"c\":null}", "a: {}\nb: []\nc: null\n" },
	{ "{\"b\":1,\"a\":2}", "b: 1\na: 2\n" },
	{ "{\"a\":\"true\",\"b\":\"yes\",\"c\":\"80\"}", "a: \"true\"\nb: \"yes\"\nc: \"80\"\n" },
	{ "{\"a\":\"\",\"b\":\"null\",\"c\":\"~\"}", "a: \"\"\nb: \"null\"\nc: \"~\"\n" },
	{ "{\"y\":\"n\"}", "\"y\": \"n\"\n" },
	{ "{\"80\":1,\"<<\":2}", "\"80\": 1\n\"<<\": 2\n" },
	{ "{\"a\":\"2024-01-31T10:00:00Z\"}", "a: \"2024-01-31T10:00:00Z\"\n" },
	{ "{\"a\":\"1:30\",\"b\":\"1.2.3\"}", "a: \"1:30\"\nb: 1.2.3\n" },
	{ "{\"a\":\"10.96.0.1\",\"b\":\"fd00::1\"}", "a: 10.96.0.1\nb: fd00::1\n" },
	{ "{\"a\":\"x: y\",\"b\":\"# no\",\"c\":\"*\"}", "a: 'x: y'\nb: '# no'\nc: '*'\n" },
	{ "{\"a\":\" x\",\"b\":\"it's\"}", "a: ' x'\nb: it's\n" },
	{ "{\"a\":\"one\\ntwo\\n\"}", "a: |\n  one\n  two\n" },
	{ "{\"a\":\"one\\ntwo\"}", "a: |-\n  one\n  two\n" },
	{ "{\"a\":true,\"b\":false,\"c\":1.5}", "a: true\nb: false\nc: 1.5\n" },
	{ "{\"a\":0.1,\"b\":1e300}", "a: 0.1\nb: 1e+300\n" },
	{ "{\"a\":\"\xc3\xa9\"}", "a: \xc3\xa9\n" },
};

static void test_print(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(prints); i++) {
		cleanup_json json_t *json = json_loads(prints[i].json, 0, NULL);
		cleanup_free char *text = print(json);

		assert_string_equal(text, prints[i].yaml);
	}
}

/* Long lines are not folded: a diff of two states must show what changed alone. */
static void test_print_long(void **state)
{
	char text[400], want[410];
	cleanup_json json_t *json = json_object();
	cleanup_free char *yaml = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 5 ? 'x' : ' ';
	text[0] = 'x';
	text[sizeof(text) - 1] = '\0';
	json_object_set_new(json, "a", json_string(text));
	yaml = print(json);
	snprintf(want, sizeof(want), "a: %s\n", text);
	assert_string_equal(yaml, want);
}

/* ---------------------------------------------------------- round trips -- */

static const char *const pieces[] = {
	"a",
	" ",
	"\n",
	"\t",
	":",
	": ",
	"#",
	" #",
	"-",
	"- ",
	"'",
	"\"",
	"\\",
	"0",
	"1",
	"true",
	"~",
	"|",
	">",
	"&a",
	"*a",
	"!",
	"%",
	"@",
	"`",
	"{",
	"}",
	"[",
	"]",
	",",
	"?",
	"? ",
	"...",
	"---",
	"\n---",
	"\r",
	".",
	"0x1",
	"e1",
	"_",
	"<<",
	"null",
	"\xc3\xa9",
	"\xf0\x9f\x98\x80",
	"\xe2\x80\xa8",
	"\xc2\x85",
	"\x7f",
	"\x01",
	"\xef\xbb\xbf",
	"  \n",
	"\n\n",
	"\n ",
	"+",
	"=",
	"1:30",
};

static void check_round_trip(json_t *json)
{
	cleanup_free char *yaml = print(json);
	cleanup_json json_t *back = parse(yaml);
	cleanup_free char *want = compact(json), *got = compact(back);

	if (!json_equal(json, back))
		fail_msg("%s became %s by\n%s", want, got, yaml);
}

/* Strings of up to three pieces, as value, as item, as key, and nested. */
static void test_round_trip_strings(void **state)
{
	size_t n = ARRAY_LEN(pieces);

	(void)state;
	for (size_t i = 0; i < n * n * n; i += i < n * n ? 1 : 7) {
		char text[64];
		json_t *json;

		snprintf(text, sizeof(text), "%s%s%s", pieces[i % n],
			 i >= n ? pieces[i / n % n] : "", i >= n * n ? pieces[i / n / n] : "");
		json = json_pack("{s:s, s:[s, {s:s}], s:{s:s, s:i}}", "value", text, "list", text,
				 "inner", text, "map", "deep", text, text, 1);
		assert_non_null(json);
		check_round_trip(json);
		json_decref(json);
	}
}

static json_t *random_tree(unsigned int *seed, unsigned int depth)
{
	unsigned int kind = (unsigned int)rand_r(seed) % (depth ? 8 : 6);
	size_t n = (size_t)rand_r(seed) % 4;
	json_t *json;

	switch (kind) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(rand_r(seed) & 1);
	case 2:
		return json_integer((json_int_t)((uint64_t)rand_r(seed) << 32) - rand_r(seed));
	case 3:
		return json_real(rand_r(seed) / 7.0 + 1 / 3.0); /* never integral */
	case 4:
	case 5:
		return json_string(pieces[(size_t)rand_r(seed) % ARRAY_LEN(pieces)]);
	case 6:
		json = json_array();
		while (n--)
			json_array_append_new(json, random_tree(seed, depth - 1));
		return json;
	default:
		json = json_object();
		while (n--)
			json_object_set_new(json, pieces[(size_t)rand_r(seed) % ARRAY_LEN(pieces)],
					    random_tree(seed, depth - 1));
		return json;
	}
}

static void test_round_trip_trees(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		cleanup_json json_t *json = random_tree(&seed, 5);

		check_round_trip(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_print_long),
		cmocka_unit_test(test_round_trip_strings),
		cmocka_unit_test(test_round_trip_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
