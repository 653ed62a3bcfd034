/* SPDX-License-Identifier: Apache-2.0 */
/* The checker of Prometheus' text format: what it lets pass, and what it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent/exposition.h"

#define HEAD(type) "# HELP a" type " help\n# TYPE a" type

static void test_checker(void **state)
{
	static const struct {
		const char *text, *wrong;
	} cases[] = {
		{ HEAD("") " gauge\na 1\n", NULL },
		{ HEAD("") " gauge\na{b=\"x\\\"\\\\\\n\",c=\"\"} 1.5\na{b=\"y\"} 2\n", NULL },
		{ HEAD("_total") " counter\na_total 1\n", NULL },
		{ HEAD("") " histogram\na_bucket{le=\"+Inf\"} 1\na_sum 2\na_count 1\n", NULL },
		{ HEAD("") " histogram\na 1\n", "not of the family" },
		{ HEAD("") " counter\na 1\n", "counters, and nothing else, end in _total" },
		{ HEAD("") " gauge\n" HEAD("") " gauge\n", "a family twice" },
		{ HEAD("") " gauge\na 1\na 2\n", "a series twice" },
		{ HEAD("") " gauge\na{b=\"x\"y\"} 1\n", "bad labels" },
		{ HEAD("") " gauge\na{b=\"x\\y\"} 1\n", "bad labels" },
		{ HEAD("") " gauge\nb 1\n", "not of the family" },
		{ HEAD("") " gauge\na 1x\n", "bad value" },
		{ HEAD("") " gauge\na 1", "no end of line" },
		{ "# HELP a help\na 1\n", "not of the family" },
		{ HEAD("") " table\n", "unknown type" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n;
		const char *wrong = format_check(cases[i].text, &n);

		if (wrong && cases[i].wrong)
			assert_string_equal(wrong, cases[i].wrong);
		else if (wrong != cases[i].wrong)
			fail_msg("%s: %s", cases[i].text, wrong ? wrong : "passes");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
