/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is due when: a heap of items embedded in what they belong to. Pure: the caller brings the
 * clock, in milliseconds that never go back.
 */
#ifndef PROBE_SCHEDULE_H
#define PROBE_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

struct schedule_item {
	int64_t due;
	size_t place; /* counted from 1; 0: not in the schedule */
};

struct schedule {
	struct schedule_item **items;
	size_t n, room;
};

/* Adds it, or moves it where it is already there. */
void schedule_put(struct schedule *schedule, struct schedule_item *item, int64_t due);
void schedule_drop(struct schedule *schedule, struct schedule_item *item);

/* The one that is due first, or NULL. */
struct schedule_item *schedule_first(const struct schedule *schedule);
void schedule_done(struct schedule *schedule);

/*
 * How long a new probe waits: one of few runs almost at once, many are spread over their period.
 * added: how many begin together; random: any number.
 */
int64_t schedule_jitter(uint32_t period, size_t added, uint32_t random);

/* When a probe that was due at due and began at now is due again: late ones do not pile up. */
int64_t schedule_next(int64_t due, uint32_t period, int64_t now);

#endif
