/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/pace.h"

void pace_init(struct pace *pace, int64_t now)
{
	*pace = (struct pace){ .next = now, .due = now, .full_due = now };
}

void pace_request(struct pace *pace, int64_t now)
{
	int64_t at = pace->next > now ? pace->next : now;

	if (at < pace->due)
		pace->due = at;
}

static int64_t retry_delay(unsigned int failures)
{
	int64_t delay = PACE_RETRY_FIRST;

	while (--failures && delay < PACE_RETRY_LAST)
		delay *= 2;
	return delay < PACE_RETRY_LAST ? delay : PACE_RETRY_LAST;
}

static int64_t gap_after(int64_t took)
{
	if (took < PACE_GAP)
		return PACE_GAP;
	return took < PACE_GAP_LAST ? took : PACE_GAP_LAST;
}

void pace_done(struct pace *pace, int64_t began, int64_t now, bool full, bool ok)
{
	pace->next = now + gap_after(now - began);
	pace->due = INT64_MAX;
	if (full)
		pace->full_due = now + PACE_FULL;
	if (ok) {
		pace->failures = 0;
		return;
	}
	pace->failures++;
	pace->due = now + retry_delay(pace->failures);
}

int64_t pace_wait(const struct pace *pace, int64_t now)
{
	int64_t next = pace->due < pace->full_due ? pace->due : pace->full_due;

	return next > now ? next - now : 0;
}

bool pace_is_full(const struct pace *pace, int64_t now)
{
	return now >= pace->full_due;
}
