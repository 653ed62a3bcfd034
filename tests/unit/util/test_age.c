/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "user/util/age.h"
#include "user/util/cleanup.h"

#define MINUTES 60
#define HOURS 3600
#define DAYS (24 * HOURS)
#define YEARS (365 * (int64_t)DAYS)

static const struct age_row {
	const char *want;
	int64_t seconds;
} age_rows[] = {
	{ "<invalid>", -2 },
	{ "0s", -1 },
	{ "0s", 0 },
	{ "1s", 1 },
	{ "119s", 119 },
	{ "2m", 120 },
	{ "9m59s", 599 },
	{ "9m30s", 570 },
	{ "10m", 600 },
	{ "179m", 3 * HOURS - 1 },
	{ "3h", 3 * HOURS },
	{ "7h5m", 7 * HOURS + 5 * MINUTES + 59 },
	{ "7h59m", 8 * HOURS - 1 },
	{ "8h", 8 * HOURS },
	{ "30h", 30 * HOURS + 59 * MINUTES },
	{ "47h", 48 * HOURS - 1 },
	{ "2d", 48 * HOURS },
	{ "3d4h", 3 * DAYS + 4 * HOURS },
	{ "7d23h", 8 * DAYS - 1 },
	{ "8d", 8 * DAYS },
	{ "400d", 400 * DAYS },
	{ "729d", 2 * YEARS - 1 },
	{ "2y", 2 * YEARS },
	{ "3y20d", 3 * YEARS + 20 * DAYS },
	{ "7y364d", 8 * YEARS - 1 },
	{ "8y", 8 * YEARS },
	{ "9y", 9 * YEARS + 300 * DAYS },
	{ "292471208677y", INT64_MAX },
};

static void check_age(void **state)
{
	const struct age_row *row = *state;
	char text[AGE_TEXT];

	assert_string_equal(age_format(row->seconds, text), row->want);
}

static const struct time_row {
	const char *text;
	int code;
	time_t want;
} time_rows[] = {
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "2026-01-02T03:04:05Z", 0, 1767323045 },
	{ "2026-01-02T03:04:05.123456Z", 0, 1767323045 },
	{ "2026-01-02T05:04:05+02:00", 0, 1767323045 },
	{ "2026-01-01T22:34:05-04:30", 0, 1767323045 },
	{ "2026-01-02", -EINVAL, 0 },
	{ "2026-01-02T03:04:05", -EINVAL, 0 },
	{ "2026-01-02T03:04:05.Z", -EINVAL, 0 },
	{ "2026-01-02T03:04:05+2", -EINVAL, 0 },
	{ "2026-01-02T03:04:05+02:00x", -EINVAL, 0 },
	{ "2026-13-02T03:04:05Z", -EINVAL, 0 },
	{ "", -EINVAL, 0 },
};

static void check_time(void **state)
{
	const struct time_row *row = *state;
	time_t got = 0;

	assert_int_equal(timestamp_parse(row->text, &got), row->code);
	assert_int_equal(got, row->want);
}

static void check_round_trip(void **state)
{
	char text[TIMESTAMP_TEXT];

	(void)state;
	assert_string_equal(timestamp_format(1767323045, text), "2026-01-02T03:04:05Z");
}

static void check_since(void **state)
{
	char text[AGE_TEXT];

	(void)state;
	assert_string_equal(age_since("2026-01-02T03:04:05Z", 1767323045 + 95, text), "95s");
	assert_string_equal(age_since("2026-01-02T03:04:05Z", 1767323045 - 10, text), "<invalid>");
	assert_string_equal(age_since(NULL, 1767323045, text), "<unknown>");
	assert_string_equal(age_since("yesterday", 1767323045, text), "<unknown>");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(age_rows) + ARRAY_LEN(time_rows) + 2];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(age_rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = age_rows[i].want,
						  .test_func = check_age,
						  .initial_state = (void *)&age_rows[i] };
	for (size_t i = 0; i < ARRAY_LEN(time_rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = time_rows[i].text,
						  .test_func = check_time,
						  .initial_state = (void *)&time_rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_round_trip);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_since);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
