/* SPDX-License-Identifier: Apache-2.0 */
/* What scalars mean, which line a field has, what is refused. */
#include "tests/unit/k8s/yaml_test.h"

/* -------------------------------------------------------------- scalars -- */

static const struct {
	const char *yaml, *json;
} scalars[] = {
	{ "true", "true" },
	{ "True", "true" },
	{ "yes", "true" },
	{ "y", "true" },
	{ "Y", "true" },
	{ "on", "true" },
	{ "no", "false" },
	{ "n", "false" },
	{ "OFF", "false" },
	{ "tRue", "\"tRue\"" },
	{ "\"yes\"", "\"yes\"" },
	{ "'true'", "\"true\"" },
	{ "~", "null" },
	{ "null", "null" },
	{ "NULL", "null" },
	{ "\"\"", "\"\"" },
	{ "''", "\"\"" },
	{ "'null'", "\"null\"" },
	{ "0", "0" },
	{ "80", "80" },
	{ "+80", "80" },
	{ "-80", "-80" },
	{ "1_000", "1000" },
	{ "0777", "511" },
	{ "0o17", "15" },
	{ "0x1F", "31" },
	{ "0b101", "5" },
	{ "-0x10", "-16" },
	{ "0800", "800" },
	{ "08", "8" },
	{ "9223372036854775807", "9223372036854775807" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "9223372036854775808", "9.2233720368547758e18" },
	{ "18446744073709551616", "1.8446744073709552e19" },
	{ "0x", "\"0x\"" },
	{ "0xfg", "\"0xfg\"" },
	{ "0b2", "\"0b2\"" },
	{ "1.5", "1.5" },
	{ ".5", "0.5" },
	{ "80.0", "80" },
	{ "1e3", "1000" },
	{ "1.5e-3", "0.0015" },
	{ "1e999", "\"1e999\"" },
	{ "1e", "\"1e\"" },
	{ ".", "\".\"" },
	{ "-", "[null]" },
	{ "1.2.3", "\"1.2.3\"" },
	{ "10.96.0.1", "\"10.96.0.1\"" },
	{ "fd00::1", "\"fd00::1\"" },
	{ "\"::\"", "\"::\"" },
	{ "1:30", "\"1:30\"" },
	{ "80/TCP", "\"80/TCP\"" },
	{ "2024-01-31", "\"2024-01-31\"" },
	{ "2024-01-31T10:00:00Z", "\"2024-01-31T10:00:00Z\"" },
	{ "+", "\"+\"" },
	{ "+-1", "\"+-1\"" },
	{ "<<", "\"<<\"" },
	{ "!!str 80", "\"80\"" },
	{ "!!int 80", "80" },
	{ "!!int \"80\"", "80" },
	{ "!!float 80", "80" },
	{ "!!bool yes", "true" },
	{ "! yes", "\"yes\"" },
	{ "\"\\u00e9\\n\\x41\"", "\"\xc3\xa9\\nA\"" },
	{ "|\n  a\n  b\n", "\"a\\nb\\n\"" },
	{ "|-\n  a\n", "\"a\"" },
	{ ">\n  a\n  b\n", "\"a b\\n\"" },
	{ "[80, \"80\", on]", "[80,\"80\",true]" },
	{ "{a: 1, \"b\":2}", "{\"a\":1,\"b\":2}" },
	{ "{1: a, true: b, 1.5: c, 0x10: d}",
	  "{\"1\":\"a\",\"true\":\"b\",\"1.5\":\"c\",\"16\":\"d\"}" },
	{ "{\"a\": {\"b\": [1, {}, []]}}", "{\"a\":{\"b\":[1,{},[]]}}" },
	{ "a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}" },
	{ "a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}" },
	{ "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\n",
	  "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"l\":3,\"k\":1}}" },
	{ "a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc:\n  l: 3\n  <<: [*x, *y]\n",
	  "{\"a\":{\"k\":1},\"b\":{\"k\":2,\"l\":2},\"c\":{\"l\":3,\"k\":1}}" },
	{ "{\"a\": \"x\\ud83d\\ude00y\"}", "{\"a\":\"x\xf0\x9f\x98\x80y\"}" },
	{ "{\"a\": \"\\\\ud83d\\\\ude00\"}", "{\"a\":\"\\\\ud83d\\\\ude00\"}" },
	{ " [\"\\/\\u00e9\\t\"]", "[\"/\xc3\xa9\\t\"]" },
	{ "a: '\\ud83d\\ude00'\n", "{\"a\":\"\\\\ud83d\\\\ude00\"}" },
	{ "\xef\xbb\xbf{a: 1}", "{\"a\":1}" },
};

static void test_scalars(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scalars); i++) {
		cleanup_json json_t *json = parse(scalars[i].yaml);
		cleanup_json json_t *want = json_loads(scalars[i].json, JSON_DECODE_ANY, NULL);
		cleanup_free char *text = compact(json);

		assert_non_null(want);
		if (!json_equal(json, want))
			fail_msg("%s: is %s, not %s", scalars[i].yaml, text, scalars[i].json);
	}
}

/* ---------------------------------------------------------------- lines -- */

static const struct {
	const char *field;
	unsigned int line;
} lines[] = {
	{ "", 2 },
	{ "kind", 2 },
	{ "spec", 3 },
	{ "spec.ports", 4 },
	{ "spec.ports[0]", 5 },
	{ "spec.ports[0].port", 6 },
	{ "spec.ports[1]", 7 },
	{ "spec.ports[1].port", 7 },
	{ "spec.ports[1].nodePort", 7 },
	{ "spec.ports[2]", 4 },
	{ "spec.type", 3 },
	{ "metadata", 2 },
	{ "labels.app", 9 },
	{ "labels[app.kubernetes.io/name]", 10 },
	{ "labels.app.kubernetes.io/name", 10 },
	{ "labels[none]", 8 },
	{ "copy.port", 11 },
};

static void test_lines(void **state)
{
	static const char text[] = "# comment\nkind: x\nspec:\n  ports:\n  - name: a\n    port: 1\n"
				   "  - {name: b, port: 2}\nlabels:\n  app: &a {port: 1}\n"
				   "  app.kubernetes.io/name: x\ncopy: *a\n";
	struct yaml_stream *stream;

	(void)state;
	assert_int_equal(yaml_parse("t", text, strlen(text), &stream, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (yaml_line(stream, 0, lines[i].field) != lines[i].line)
			fail_msg("%s: line %u, not %u", lines[i].field,
				 yaml_line(stream, 0, lines[i].field), lines[i].line);
	yaml_stream_free(stream);
}

static void test_documents(void **state)
{
	static const char text[] = "---\na: 1\n---\n# nothing\n---\nb: 2\n...\n";
	struct yaml_stream *stream;

	(void)state;
	assert_int_equal(yaml_parse("t", text, strlen(text), &stream, NULL), 0);
	assert_int_equal(yaml_documents(stream), 3);
	assert_true(json_is_null(yaml_document(stream, 1)));
	assert_int_equal(yaml_line(stream, 2, "b"), 6);
	yaml_stream_free(stream);
	assert_int_equal(yaml_parse("t", "# nothing\n", 10, &stream, NULL), 0);
	assert_int_equal(yaml_documents(stream), 0);
	yaml_stream_free(stream);
}

/* --------------------------------------------------------------- errors -- */

static const struct {
	const char *text, *error;
} errors[] = {
	{ "a: 1\na: 2\n", "t:2: duplicate key \"a\"" },
	{ "1: 1\n0x1: 2\n", "t:2: duplicate key \"1\"" },
	{ "a: *b\n", "t:1: unknown anchor \"b\"" },
	{ "a: &x\n  b: *x\n", "t:2: anchor \"x\" contains itself" },
	{ "a: &x 1\n---\nb: *x\n", "t:3: unknown anchor \"x\"" },
	{ "a:\n\tb: 1\n", "t:2: a tab is used for indentation; YAML wants spaces" },
	{ "[a]: 1\n", "t:1: a key must be a plain value" },
	{ "~: 1\n", "t:1: a key cannot be null" },
	{ ".nan: 1\n", "t:1: a key cannot be .nan" },
	{ "a: .inf\n", "t:1: .inf is no number that JSON can hold" },
	{ "a: !!int x\n", "t:1: \"x\" is no !!int" },
	{ "a: !!binary eA==\n", "t:1: unsupported tag tag:yaml.org,2002:binary" },
	{ "a: !thing x\n", "t:1: unsupported tag !thing" },
	{ "a: \"x\\0y\"\n", "t:1: a string holds a NUL character" },
	{ "{\"a\": \"\\ud83dx\"}", "t:1: found invalid Unicode character escape code, while "
				   "parsing a quoted scalar" },
	{ "<<: 1\n", "t:1: << wants a mapping or a list of mappings" },
	{ "<<: [1]\n", "t:1: << wants a mapping or a list of mappings" },
	{ "a: 1\nb: \xff\n", "t:2: not UTF-8: invalid leading UTF-8 octet" },
	{ "a: \xc3(\n", "t:1: not UTF-8: invalid trailing UTF-8 octet" },
	{ "a: \xc3", "t:1: not UTF-8: incomplete UTF-8 octet sequence" },
	{ "a: 1\nb: \x01\n", "t:2: control characters are not allowed" },
	{ "a: [1, 2\n", "t:1: did not find expected ',' or ']', while parsing a flow sequence" },
	{ "a: [1,\n2", "t:2: did not find expected ',' or ']', while parsing a flow sequence "
		       "from line 1 on" },
	{ "a: \"x\n", "t:1: found unexpected end of stream, while scanning a quoted scalar" },
	{ "a: b: c\n", "t:1: mapping values are not allowed in this context" },
	{ "a: 1\n b: 2\n", "t:2: mapping values are not allowed in this context" },
	{ "a: @x\n", "t:1: found character that cannot start any token, while scanning for the "
		     "next token" },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		struct yaml_stream *stream = NULL;
		struct err err = { "" };

		if (!yaml_parse("t", errors[i].text, strlen(errors[i].text), &stream, &err))
			fail_msg("accepted: %s", errors[i].text);
		assert_null(stream);
		assert_string_equal(err.text, errors[i].error);
	}
}

static void expect_error(const char *text, size_t size, const char *error)
{
	struct yaml_stream *stream = NULL;
	struct err err = { "" };

	assert_int_not_equal(yaml_parse("t", text, size, &stream, &err), 0);
	assert_null(stream);
	assert_string_equal(err.text, error);
}

static void nest(char *text, size_t depth)
{
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
}

static void test_depth(void **state)
{
	cleanup_free char *text = xmalloc(2 * 5000);
	struct yaml_stream *stream;

	(void)state;
	nest(text, 100);
	assert_int_equal(yaml_parse("t", text, 200, &stream, NULL), 0);
	yaml_stream_free(stream);
	nest(text, 101);
	expect_error(text, 202, "t:1: nested deeper than 100 levels");
	nest(text, 5000);
	expect_error(text, 10000, "t:1: nested deeper than 100 levels");
}

/* An alias brings its own height: 60 levels at depth 60 are 120. */
static void test_depth_by_alias(void **state)
{
	char text[512] = "- &a ";
	size_t at = 5;

	(void)state;
	nest(text + at, 60);
	at += 120;
	at += (size_t)sprintf(text + at, "\n- ");
	memset(text + at, '[', 60);
	at += 60;
	at += (size_t)sprintf(text + at, "*a ");
	memset(text + at, ']', 60);
	at += 60;
	expect_error(text, at, "t:2: nested deeper than 100 levels");
}

static void test_bomb(void **state)
{
	char text[1024] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
	size_t at = strlen(text);

	(void)state;
	for (int i = 1; i < 9; i++) {
		at += (size_t)sprintf(text + at, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			at += (size_t)sprintf(text + at, "%s*a%d", k ? "," : "", i - 1);
		at += (size_t)sprintf(text + at, "]\n");
	}
	expect_error(text, at, "t:6: aliases expand to more than 16 MiB");
}

static void test_anchors(void **state)
{
	cleanup_free char *text = xmalloc(1100 * 12);
	size_t at = 0;

	(void)state;
	for (int i = 0; i < 1001; i++)
		at += (size_t)sprintf(text + at, "- &a%d x\n", i);
	expect_error(text, at, "t:1001: more than 1000 anchors");
}

static void test_size(void **state)
{
	size_t size = (64u << 20) + 1;
	cleanup_free char *text = xmalloc(size);

	(void)state;
	memset(text, ' ', size);
	expect_error(text, size, "t:1: larger than 64 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),	  cmocka_unit_test(test_lines),
		cmocka_unit_test(test_documents), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_depth),	  cmocka_unit_test(test_depth_by_alias),
		cmocka_unit_test(test_bomb),	  cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
