/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/util/cleanup.h"
#include "user/util/histogram.h"

/* A bound belongs to the class below it, as Prometheus' "le" says. */
static void test_classes(void **state)
{
	static const struct {
		uint64_t value;
		int class;
	} cases[] = {
		{ 0, 0 },	  { 100, 0 },	    { 101, 1 },
		{ 250, 1 },	  { 1000000, 12 },  { 1000001, 13 },
		{ 10000000, 15 }, { 10000001, 16 }, { UINT64_MAX / 2, 16 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct histogram histogram = { 0 }, copy;

		histogram_add(&histogram, cases[i].value);
		copy = histogram_read(&histogram);
		assert_int_equal(copy.sum, cases[i].value);
		for (int j = 0; j <= HISTOGRAM_CLASSES; j++)
			assert_int_equal(copy.classes[j], j == cases[i].class);
	}
}

static void test_bounds(void **state)
{
	(void)state;
	for (int i = 1; i < HISTOGRAM_CLASSES; i++)
		assert_true(histogram_bounds[i] > histogram_bounds[i - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
