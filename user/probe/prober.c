/* SPDX-License-Identifier: Apache-2.0 */
/* When what runs. */
#include "user/probe/prober.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "user/probe/entry.h"
#include "user/util/vec.h"

#define PLACES_MAX 1024
#define PLACES_MIN 64
#define PLACES_EXEC 32
#define FILES_OTHER 512 /* descriptors that the rest of the agent may need */
#define LATE_MS 20	/* a deadline that is looked at so late says nothing about the target */

/* ------------------------------------------------------------------ clock -- */

static uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t prober_clock(void)
{
	return (int64_t)(clock_us() / 1000);
}

void prober_arm(struct prober *prober)
{
	const struct schedule_item *first = schedule_first(&prober->schedule);
	struct timeval timeout = { 0 };
	int64_t wait;

	if (!first || first->due == prober->armed)
		return;
	wait = first->due - prober_clock();
	if (wait > 0)
		timeout = (struct timeval){ wait / 1000, wait % 1000 * 1000 };
	prober->armed = first->due;
	evtimer_add(prober->timer, &timeout);
}

void entry_schedule(struct entry *entry, int64_t due)
{
	entry->phase = ENTRY_WAITING;
	schedule_put(&entry->prober->schedule, &entry->item, due);
}

/* ----------------------------------------------------------------- places -- */

static struct lane *entry_lane(struct entry *entry)
{
	return &entry->prober->lanes[entry->target.probe->action == PROBE_EXEC];
}

static void lane_push(struct lane *lane, struct entry *entry)
{
	struct entry *last = lane->last[entry->pace];

	entry->phase = ENTRY_QUEUED;
	entry->after = NULL;
	if (last)
		last->after = entry;
	else
		lane->first[entry->pace] = entry;
	lane->last[entry->pace] = entry;
}

static void lane_remove(struct lane *lane, struct entry *entry)
{
	struct entry **at = &lane->first[entry->pace], *before = NULL;

	while (*at != entry) {
		before = *at;
		at = &(*at)->after;
	}
	*at = entry->after;
	if (!entry->after)
		lane->last[entry->pace] = before;
}

/*
 * Who is next, if there is a place for it. The slow have half of the places, and a quarter is kept
 * for those that are known to be prompt.
 */
static struct entry *lane_next(const struct lane *lane)
{
	size_t slow = lane->running[PACE_SLOW], others = slow + lane->running[PACE_UNKNOWN];
	size_t running = others + lane->running[PACE_PROMPT];

	if (running >= lane->limit)
		return NULL;
	if (lane->first[PACE_PROMPT])
		return lane->first[PACE_PROMPT];
	if (others >= lane->limit - lane->limit / 4)
		return NULL;
	if (lane->first[PACE_UNKNOWN])
		return lane->first[PACE_UNKNOWN];
	return slow < lane->limit / 2 ? lane->first[PACE_SLOW] : NULL;
}

static void run_ended(struct entry *entry, enum outcome outcome, const char *text)
{
	entry_lane(entry)->running[entry->pace]--;
	entry->latency = (uint32_t)(clock_us() - entry->began);
	entry_schedule(entry,
		       schedule_next(entry->next - (int64_t)entry->target.probe->period * 1000,
				     entry->target.probe->period, prober_clock()));
	entry_take(entry, outcome, text);
}

static void lanes_fill(struct prober *prober);

static void run_done(struct run *run, enum outcome outcome, const char *text)
{
	struct entry *entry = (void *)((char *)run - offsetof(struct entry, run));
	struct prober *prober = entry->prober;

	run_ended(entry, outcome, text);
	entry->pace = PACE_PROMPT;
	lanes_fill(prober);
	prober_arm(prober);
}

static void entry_run(struct entry *entry)
{
	const struct probe *probe = entry->target.probe;
	int64_t now = prober_clock();

	entry->phase = ENTRY_RUNNING;
	entry->spared = false;
	entry->next = schedule_next(entry->item.due, probe->period, now);
	entry->began = clock_us();
	entry->run = (struct run){ .runners = &entry->prober->runners,
				   .probe = probe,
				   .addr = entry->target.addr,
				   .place = &entry->target.place,
				   .done = run_done };
	schedule_put(&entry->prober->schedule, &entry->item, now + (int64_t)probe->timeout * 1000);
	entry->prober->runs++;
	run_start(&entry->run);
}

/* A run may be over before entry_run returns: who is next then starts from here, not from there. */
static void lanes_fill(struct prober *prober)
{
	if (prober->filling)
		return;
	prober->filling = true;
	for (size_t i = 0; i < 2; i++) {
		struct lane *lane = &prober->lanes[i];
		struct entry *entry;

		while ((entry = lane_next(lane))) {
			lane_remove(lane, entry);
			lane->running[entry->pace]++;
			entry_run(entry);
		}
	}
	prober->filling = false;
}

/* -------------------------------------------------------------------- due -- */

static void entry_expire(struct entry *entry, int64_t now)
{
	int64_t late = now - entry->item.due;
	char text[RUN_TEXT];

	/* We stood still, and its answer may be waiting where we have not looked yet. */
	if (late > LATE_MS && !entry->spared) {
		entry->spared = true;
		schedule_put(&entry->prober->schedule, &entry->item, now + late);
		return;
	}
	run_stop(&entry->run, text);
	entry->prober->timeouts++;
	run_ended(entry, OUTCOME_FAILURE, text);
	entry->pace = PACE_SLOW;
}

/* Neither before the container has had its time, nor before it has started. */
static bool entry_may_run(const struct entry *entry, int64_t now)
{
	return now >= entry->not_before &&
	       (!entry->startup || entry->startup->verdict.value == PROBED_READY);
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct prober *prober = arg;
	struct schedule_item *item;
	int64_t now = prober_clock();

	(void)fd;
	(void)what;
	prober->armed = INT64_MAX;
	while ((item = schedule_first(&prober->schedule)) && item->due <= now) {
		struct entry *entry = (struct entry *)item;

		if (entry->phase == ENTRY_RUNNING) {
			entry_expire(entry, now);
		} else if (entry_may_run(entry, now)) {
			schedule_drop(&prober->schedule, item);
			lane_push(entry_lane(entry), entry);
		} else {
			entry_schedule(entry,
				       schedule_next(item->due, entry->target.probe->period, now));
		}
	}
	lanes_fill(prober);
	prober_arm(prober);
}

void entry_halt(struct entry *entry)
{
	struct lane *lane = entry_lane(entry);
	char text[RUN_TEXT];

	if (entry->phase == ENTRY_QUEUED) {
		lane_remove(lane, entry);
	} else if (entry->phase == ENTRY_RUNNING) {
		run_stop(&entry->run, text);
		lane->running[entry->pace]--;
	}
	entry->phase = ENTRY_WAITING;
	schedule_drop(&entry->prober->schedule, &entry->item);
}

/* ------------------------------------------------------------- life cycle -- */

/* As many places as there are descriptors for: a run takes two at most. */
static size_t places_count(void)
{
	struct rlimit limit;
	size_t places;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return PLACES_MIN;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) && getrlimit(RLIMIT_NOFILE, &limit))
			return PLACES_MIN;
	}
	places = limit.rlim_cur > FILES_OTHER ? (limit.rlim_cur - FILES_OTHER) / 2 : 0;
	if (places > PLACES_MAX)
		places = PLACES_MAX;
	return places < PLACES_MIN ? PLACES_MIN : places;
}

struct prober *prober_open(struct event_base *base, const char *run, const char *node,
			   const struct prober_events *events, void *arg)
{
	struct prober *prober = xcalloc(1, sizeof(*prober));

	prober->base = base;
	prober->tell = events;
	prober->arg = arg;
	prober->node = node ? xstrdup(node) : NULL;
	prober->armed = INT64_MAX;
	prober->timer = evtimer_new(base, timer_due, prober);
	prober->lanes[0].limit = places_count();
	prober->lanes[1].limit = PLACES_EXEC;
	runners_open(&prober->runners, base);
	prober->memory = xcalloc(1, sizeof(*prober->memory));
	memory_load(run, prober->memory);
	journal_init(&prober->journal, run, MEMORY_FILE);
	events_open(&prober->events, run);
	return prober;
}

void prober_close(struct prober *prober)
{
	if (!prober)
		return;
	for (size_t i = 0; i < prober->n; i++)
		entry_free(prober->items[i]);
	free(prober->items);
	schedule_done(&prober->schedule);
	runners_close(&prober->runners);
	event_free(prober->timer);
	if (prober->memory)
		memory_done(prober->memory);
	free(prober->memory);
	journal_done(&prober->journal);
	events_close(&prober->events);
	free(prober->node);
	free(prober);
}
