/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/util/cleanup.h"
#include "user/util/text.h"

static const struct distance_row {
	const char *a, *b;
	size_t want;
} distance_rows[] = {
	{ "", "", 0 },	     { "get", "get", 0 },   { "", "get", 3 },
	{ "gte", "get", 1 }, { "gett", "get", 1 },  { "gt", "get", 1 },
	{ "bet", "get", 1 }, { "apply", "get", 5 }, { "descrbie", "describe", 1 },
};

static void check_distances(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(distance_rows); i++) {
		const struct distance_row *row = &distance_rows[i];

		assert_int_equal(text_distance(row->a, row->b), row->want);
		assert_int_equal(text_distance(row->b, row->a), row->want);
	}
}

static const struct nearest_row {
	const char *typed, *want;
} nearest_rows[] = {
	{ "gte", "get" },
	{ "aply", "apply" },
	{ "descibe", "describe" },
	{ "dettach", "detach" },
	{ "frobnicate", NULL },
	{ "xyz", NULL },
	{ "a-word-that-is-longer-than-any-name-that-anybody-would-ever-type-here", NULL },
};

static void check_nearest(void **state)
{
	static const char *const words[] = { "apply", "get", "describe", "detach", "attach", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nearest_rows); i++) {
		const char *got = text_nearest(nearest_rows[i].typed, words);

		if (!nearest_rows[i].want)
			assert_null(got);
		else
			assert_string_equal(got, nearest_rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_distances),
		cmocka_unit_test(check_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
