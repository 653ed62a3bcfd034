/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: plain, with the forms for "what is below", and as expressions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "user/ingress/path.h"
#include "user/util/cleanup.h"

/* length and rest: of path_pattern. wrong: as a plain path, and as an expression. */
static const struct {
	const char *path;
	size_t length;
	unsigned int rest;
	bool regex;
	const char *wrong, *wrong_regex;
} paths[] = {
	{ "/", 1, 0, false, NULL, NULL },
	{ "/x.html", 7, 0, false, NULL, NULL },
	{ "/x(/|$)(.*)", 2, 2, false, NULL, NULL },
	{ "/x/?(.*)", 2, 1, false, NULL, NULL },
	{ "/x/(.*)", 2, 1, false, NULL, NULL },
	{ "/(.*)", 0, 1, false, NULL, NULL },
	{ "/a+b$", 5, 0, true, NULL, NULL },
	{ "/x(a|b)(/|$)(.*)", 7, 2, true, "is a pattern", NULL },
	{ "/[0-9]+/x", 9, 0, true, "is a pattern", NULL },
	{ "/x(", 3, 0, true, "is a pattern", "is no regular expression" },
	{ "/x[", 3, 0, true, "is a pattern", "is no regular expression" },
	{ "/a b", 4, 0, false, "has blanks", "has blanks" },
	{ "/a\nb(", 5, 0, true, "has blanks", "has blanks" },
};

static void check_wrong(const char *got, const char *want)
{
	if (want)
		assert_true(got && !strncmp(got, want, strlen(want)));
	else
		assert_null(got);
}

static void test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		unsigned int rest;

		print_message("%s\n", paths[i].path);
		assert_int_equal(path_pattern(paths[i].path, &rest), paths[i].length);
		assert_int_equal(rest, paths[i].rest);
		assert_int_equal(path_is_regex(paths[i].path), paths[i].regex);
		check_wrong(path_wrong(paths[i].path, false), paths[i].wrong);
		check_wrong(path_wrong(paths[i].path, true), paths[i].wrong_regex);
	}
}

static void test_matches(void **state)
{
	static const struct {
		const char *regex, *path;
		bool matches;
	} cases[] = {
		{ "/a.c", "/abc", true },
		{ "/a.c", "/abc/more", true },
		{ "/a.c$", "/abc/more", false },
		{ "/a.c", "/x/abc", false },
		{ "/a.c", "/ABC", true },
		{ "/(a|b)/[0-9]+", "/b/42", true },
		{ "/(a|b)/[0-9]+", "/c/42", false },
		{ "/x(", "/x(", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("%s %s\n", cases[i].regex, cases[i].path);
		assert_int_equal(path_matches(cases[i].regex, cases[i].path), cases[i].matches);
	}
}

static void test_below(void **state)
{
	static const struct {
		const char *prefix, *path;
		bool below;
	} cases[] = {
		{ "", "/", true },	   { "", "/x", true },	       { "/foo", "/foo", true },
		{ "/foo", "/foo/", true }, { "/foo", "/foo/x", true }, { "/foo", "/foobar", false },
		{ "/foo", "/FOO", false }, { "/foo", "/", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(path_is_below(cases[i].prefix, cases[i].path), cases[i].below);
	assert_int_equal(path_prefix_length("/x//", 4), 2);
	assert_int_equal(path_prefix_length("/", 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
