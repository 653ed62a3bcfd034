/* SPDX-License-Identifier: Apache-2.0 */
/* When probes run, and what their results amount to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/probe/schedule.h"
#include "user/probe/verdict.h"
#include "user/util/cleanup.h"

/* --------------------------------------------------------------- the heap -- */

static void check_order(void **state)
{
	struct schedule_item items[1000] = { 0 };
	struct schedule schedule = { 0 };
	int64_t last = -1;
	size_t n = 0;

	(void)state;
	srand48(7);
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		schedule_put(&schedule, &items[i], lrand48() % 500);
	/* Every third moves, every seventh goes. */
	for (size_t i = 0; i < ARRAY_LEN(items); i += 3)
		schedule_put(&schedule, &items[i], lrand48() % 500);
	for (size_t i = 0; i < ARRAY_LEN(items); i += 7)
		schedule_drop(&schedule, &items[i]);
	schedule_drop(&schedule, &items[0]); /* not there any more: nothing happens */
	for (struct schedule_item *item; (item = schedule_first(&schedule)); n++) {
		assert_true(item->due >= last);
		assert_int_not_equal((item - items) % 7, 0);
		last = item->due;
		schedule_drop(&schedule, item);
	}
	assert_int_equal(n, 1000 - 143);
	schedule_done(&schedule);
}

static const struct jitter_row {
	const char *name;
	uint32_t period;
	size_t added;
	uint32_t random;
	int64_t want;
} jitter_rows[] = {
	{ "one alone, least", 10, 1, 0, 0 },
	{ "one alone, most", 10, 1, UINT32_MAX, 100 },
	{ "many are spread over their period", 10, 10000, UINT32_MAX, 9999 },
	{ "many, in the middle", 10, 10000, UINT32_MAX / 2, 4999 },
	{ "some, over part of it", 10, 900, UINT32_MAX, 999 },
	{ "never beyond a short period", 1, 100000, UINT32_MAX, 999 },
};

static void check_jitter(void **state)
{
	const struct jitter_row *row = *state;

	assert_int_equal(schedule_jitter(row->period, row->added, row->random), row->want);
}

static const struct next_row {
	const char *name;
	int64_t due;
	uint32_t period;
	int64_t now, want;
} next_rows[] = {
	{ "in time", 1000, 10, 1000, 11000 },
	{ "a little late keeps its place", 1000, 10, 1700, 11000 },
	{ "a whole period late leaves one out", 1000, 10, 11000, 21000 },
	{ "very late runs once, not often", 1000, 10, 99000, 101000 },
};

static void check_next(void **state)
{
	const struct next_row *row = *state;

	assert_int_equal(schedule_next(row->due, row->period, row->now), row->want);
}

/* ------------------------------------------------------------- thresholds -- */

/* results: s and f; values: of the verdict after each, r(eady), u(nready), -(not yet) */
static const struct verdict_row {
	const char *name;
	enum probe_kind kind;
	uint32_t success, failure;
	const char *results, *values;
} verdict_rows[] = {
	{ "readiness begins as unready", PROBE_READINESS, 1, 3, "", "" },
	{ "one success is enough", PROBE_READINESS, 1, 3, "s", "r" },
	{ "and three failures", PROBE_READINESS, 1, 3, "sffff", "rrruu" },
	{ "failures must be consecutive", PROBE_READINESS, 1, 3, "sffsffsfff", "rrrrrrrrru" },
	{ "successes too", PROBE_READINESS, 3, 1, "ssfsssf", "uuuuuru" },
	{ "no failure is forgiven", PROBE_READINESS, 1, 1, "sfsf", "ruru" },
	{ "unready stays so below the threshold", PROBE_READINESS, 2, 5, "fsfsfss", "uuuuuur" },
	{ "liveness begins as alive", PROBE_LIVENESS, 1, 3, "fff", "rru" },
	{ "liveness comes back", PROBE_LIVENESS, 1, 2, "ffs", "rur" },
	{ "startup is open until it is decided", PROBE_STARTUP, 1, 3, "ffs", "--r" },
	{ "startup fails for good", PROBE_STARTUP, 1, 3, "fff", "--u" },
};

static void check_verdict(void **state)
{
	static const char letters[] = {
		[PROBED_NOT] = '-', [PROBED_READY] = 'r', [PROBED_UNREADY] = 'u'
	};
	const struct verdict_row *row = *state;
	struct probe probe = { .success = row->success, .failure = row->failure };
	struct verdict verdict = verdict_initial(row->kind);
	enum probed before = verdict.value;

	if (row->kind == PROBE_READINESS)
		assert_int_equal(before, PROBED_UNREADY);
	for (size_t i = 0; row->results[i]; i++) {
		bool changed = verdict_take(&verdict, &probe, row->results[i] == 's');

		if (letters[verdict.value] != row->values[i])
			fail_msg("%s: after %zu results %c", row->name, i + 1,
				 letters[verdict.value]);
		assert_int_equal(changed, verdict.value != before);
		before = verdict.value;
	}
}

/* A verdict that was remembered stands until as many results as it takes say otherwise. */
static void check_remembered(void **state)
{
	struct probe probe = { .success = 1, .failure = 3 };
	struct verdict verdict = { .value = PROBED_READY };

	(void)state;
	assert_false(verdict_take(&verdict, &probe, false));
	assert_false(verdict_take(&verdict, &probe, false));
	assert_int_equal(verdict.value, PROBED_READY);
	assert_true(verdict_take(&verdict, &probe, false));
	assert_int_equal(verdict.value, PROBED_UNREADY);
}

static const struct container_row {
	const char *name;
	int startup, readiness; /* -1: it has no such probe */
	enum probed want;
} container_rows[] = {
	{ "ready", -1, PROBED_READY, PROBED_READY },
	{ "not ready", -1, PROBED_UNREADY, PROBED_UNREADY },
	{ "ready, but not started", PROBED_NOT, PROBED_READY, PROBED_UNREADY },
	{ "started and ready", PROBED_READY, PROBED_READY, PROBED_READY },
	{ "started and not ready", PROBED_READY, PROBED_UNREADY, PROBED_UNREADY },
	{ "startup alone", PROBED_READY, -1, PROBED_READY },
	{ "startup alone, failed", PROBED_UNREADY, -1, PROBED_UNREADY },
};

static void check_container(void **state)
{
	const struct container_row *row = *state;
	enum probed startup = (enum probed)row->startup, readiness = (enum probed)row->readiness;

	assert_int_equal(verdict_of_container(row->startup < 0 ? NULL : &startup,
					      row->readiness < 0 ? NULL : &readiness),
			 row->want);
}

#define ADD(rows, check)                                              \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                  \
		tests[n++] = (struct CMUnitTest)                      \
		{                                                     \
			.name = (rows)[i].name, .test_func = (check), \
			.initial_state = (void *)&(rows)[i]           \
		}

int main(void)
{
	struct CMUnitTest tests[64];
	size_t n = 0;

	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_order);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_remembered);
	ADD(jitter_rows, check_jitter);
	ADD(next_rows, check_next);
	ADD(verdict_rows, check_verdict);
	ADD(container_rows, check_container);
	return _cmocka_run_group_tests("schedule", tests, n, NULL, NULL);
}
