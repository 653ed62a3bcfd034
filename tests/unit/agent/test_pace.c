/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/agent/pace.h"

enum step_kind { END, EVENT, OK, FULL_OK, FAIL, FULL_FAIL };

/* At a time, something happens; then the wait must be so long. */
struct step {
	enum step_kind kind;
	int64_t at;
	int64_t wait;
	int64_t took; /* a sync */
};

struct pace_case {
	const char *name;
	struct step steps[12];
};

static const struct pace_case cases[] = {
	{ "after the first sync the next one is the periodic one", { { FULL_OK, 10, 30000, 0 } } },
	{ "an event in a quiet time is answered at once",
	  { { FULL_OK, 0, 30000, 0 }, { EVENT, 500, 0, 0 }, { OK, 502, 29498, 0 } } },
	{ "an event right after a sync waits for the gap",
	  { { FULL_OK, 0, 30000, 0 }, { EVENT, 10, 40, 0 } } },
	{ "a burst makes one sync, and more events do not put it off",
	  { { FULL_OK, 0, 30000, 0 },
	    { EVENT, 1000, 0, 0 },
	    { OK, 1001, 28999, 0 },
	    { EVENT, 1002, 49, 0 },
	    { EVENT, 1010, 41, 0 },
	    { EVENT, 1049, 2, 0 },
	    { EVENT, 1051, 0, 0 },
	    { OK, 1052, 28948, 0 } } },
	{ "after a long sync there is as long a pause, counted from its end",
	  { { FULL_OK, 0, 30000, 0 },
	    { EVENT, 1000, 0, 0 },
	    { OK, 1200, 28800, 200 },
	    { EVENT, 1210, 190, 0 } } },
	{ "but not longer than a second",
	  { { FULL_OK, 0, 30000, 0 },
	    { EVENT, 1000, 0, 0 },
	    { OK, 4000, 26000, 3000 },
	    { EVENT, 4010, 990, 0 } } },
	{ "small syncs do not put the periodic one off",
	  { { FULL_OK, 0, 30000, 0 }, { EVENT, 29990, 0, 0 }, { OK, 29991, 9, 0 } } },
	{ "failures are tried again, later each time, up to half a minute",
	  { { FULL_FAIL, 0, 1000, 0 },
	    { FAIL, 1000, 2000, 0 },
	    { FAIL, 3000, 4000, 0 },
	    { FAIL, 7000, 8000, 0 },
	    { FAIL, 15000, 15000, 0 },
	    { FULL_FAIL, 30000, 30000, 0 },
	    { FULL_FAIL, 60000, 30000, 0 },
	    { FULL_FAIL, 90000, 30000, 0 } } },
	{ "success forgets the failures",
	  { { FULL_FAIL, 0, 1000, 0 },
	    { FAIL, 1000, 2000, 0 },
	    { OK, 3000, 27000, 0 },
	    { FAIL, 3100, 1000, 0 } } },
	{ "an event does not wait for the next try",
	  { { FULL_FAIL, 0, 1000, 0 }, { FAIL, 1000, 2000, 0 }, { EVENT, 1100, 0, 0 } } },
	{ "an event after a failure keeps the gap",
	  { { FULL_FAIL, 0, 1000, 0 }, { EVENT, 5, 45, 0 } } },
};

static void step_take(struct pace *pace, const struct step *step)
{
	switch (step->kind) {
	case EVENT:
		pace_request(pace, step->at);
		break;
	case OK:
	case FAIL:
		pace_done(pace, step->at - step->took, step->at, false, step->kind == OK);
		break;
	default:
		pace_done(pace, step->at - step->took, step->at, true, step->kind == FULL_OK);
	}
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pace pace;

		pace_init(&pace, 0);
		assert_int_equal(pace_wait(&pace, 0), 0);
		for (const struct step *step = cases[i].steps; step->kind != END; step++) {
			int64_t wait;

			step_take(&pace, step);
			wait = pace_wait(&pace, step->at);
			if (wait != step->wait)
				fail_msg("%s, step %td: wait %jd, not %jd", cases[i].name,
					 step - cases[i].steps, (intmax_t)wait,
					 (intmax_t)step->wait);
		}
	}
}

static void test_full(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 7);
	assert_true(pace_is_full(&pace, 7));
	pace_done(&pace, 9, 10, true, true);
	assert_false(pace_is_full(&pace, 10 + PACE_FULL - 1));
	assert_true(pace_is_full(&pace, 10 + PACE_FULL));
	pace_done(&pace, 19, 20, false, true);
	assert_true(pace_is_full(&pace, 10 + PACE_FULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
