/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/schedule.h"

#include "user/util/vec.h"

#define JITTER_FEW 100 /* ms that one of few waits at most */

static void item_place(struct schedule *schedule, size_t place, struct schedule_item *item)
{
	schedule->items[place - 1] = item;
	item->place = place;
}

static struct schedule_item *item_at(const struct schedule *schedule, size_t place)
{
	return schedule->items[place - 1];
}

static void item_rise(struct schedule *schedule, struct schedule_item *item, size_t place)
{
	while (place > 1 && item_at(schedule, place / 2)->due > item->due) {
		item_place(schedule, place, item_at(schedule, place / 2));
		place /= 2;
	}
	item_place(schedule, place, item);
}

static void item_sink(struct schedule *schedule, struct schedule_item *item, size_t place)
{
	for (;;) {
		size_t child = place * 2;

		if (child > schedule->n)
			break;
		if (child < schedule->n &&
		    item_at(schedule, child + 1)->due < item_at(schedule, child)->due)
			child++;
		if (item_at(schedule, child)->due >= item->due)
			break;
		item_place(schedule, place, item_at(schedule, child));
		place = child;
	}
	item_place(schedule, place, item);
}

void schedule_drop(struct schedule *schedule, struct schedule_item *item)
{
	size_t place = item->place;
	struct schedule_item *last;

	if (!place)
		return;
	last = item_at(schedule, schedule->n--);
	item->place = 0;
	if (last == item)
		return;
	if (place > 1 && item_at(schedule, place / 2)->due > last->due)
		item_rise(schedule, last, place);
	else
		item_sink(schedule, last, place);
}

void schedule_put(struct schedule *schedule, struct schedule_item *item, int64_t due)
{
	schedule_drop(schedule, item);
	item->due = due;
	(void)vec_add(schedule);
	item_rise(schedule, item, schedule->n);
}

struct schedule_item *schedule_first(const struct schedule *schedule)
{
	return schedule->n ? schedule->items[0] : NULL;
}

void schedule_done(struct schedule *schedule)
{
	vec_free(schedule);
}

int64_t schedule_jitter(uint32_t period, size_t added, uint32_t random)
{
	uint64_t spread = JITTER_FEW + added;

	if (spread > (uint64_t)period * 1000)
		spread = (uint64_t)period * 1000;
	return (int64_t)(spread * random >> 32);
}

int64_t schedule_next(int64_t due, uint32_t period, int64_t now)
{
	int64_t step = (int64_t)period * 1000, next = due + step;

	/* Keeps its place in the period, so that probes that were spread stay so. */
	if (next <= now)
		next += (now - next) / step * step + step;
	return next;
}
