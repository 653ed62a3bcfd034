/* SPDX-License-Identifier: Apache-2.0 */
/* A target and what is known of it. Inside of prober. */
#ifndef PROBE_ENTRY_H
#define PROBE_ENTRY_H

#include <time.h>

#include "user/probe/events.h"
#include "user/probe/memory.h"
#include "user/probe/prober.h"
#include "user/probe/schedule.h"
#include "user/probe/verdict.h"

enum entry_phase {
	ENTRY_WAITING, /* for its time */
	ENTRY_QUEUED,  /* for a place */
	ENTRY_RUNNING,
};

/* How soon it answered the last time. */
enum entry_pace {
	PACE_PROMPT, /* before its deadline */
	PACE_UNKNOWN,
	PACE_SLOW, /* not before */
	PACES
};

struct entry {
	struct schedule_item item; /* the next run, or the deadline of this one; the first member */
	struct prober *prober;
	struct target target;
	struct verdict verdict;
	struct entry *startup; /* of the same container; NULL: it has none */
	enum entry_phase phase;
	enum entry_pace pace;
	bool spared; /* its deadline was moved once, since we were late ourselves */
	struct run run;
	int64_t next;	      /* when the next run is due, while this one runs */
	int64_t not_before;   /* initialDelaySeconds */
	uint64_t began;	      /* microseconds */
	uint32_t latency;     /* microseconds, of the last run */
	bool ran;	      /* since the agent began */
	enum outcome outcome; /* of the last run */
	uint64_t runs[OUTCOMES];
	time_t since;	     /* the verdict */
	char *reason;	     /* of the last failure, or NULL */
	struct entry *after; /* in the queue */
};

/* Places for runs of one sort, and who waits for one. */
struct lane {
	struct entry *first[PACES], *last[PACES];
	size_t running[PACES], limit;
};

struct prober {
	struct event_base *base;
	struct event *timer;
	int64_t armed; /* what the timer was set to; INT64_MAX: not */
	struct runners runners;
	struct schedule schedule;
	struct entry **items; /* sorted by key */
	size_t n;
	struct lane lanes[2];  /* [1]: commands */
	bool filling;	       /* the lanes */
	struct memory *memory; /* until it was followed once */
	struct journal journal;
	struct events events;
	char *node;
	const struct prober_events *tell;
	void *arg;
	uint64_t runs, failures, timeouts, transitions;
};

int64_t prober_clock(void); /* milliseconds, monotonic */

/* The result of a run, which is over. */
void entry_take(struct entry *entry, enum outcome outcome, const char *text);

/* A line of the journal. */
void entry_remember(struct entry *entry);

struct entry *prober_find(const struct prober *prober, const struct target_key *key);

/* Due at that time; with the timer set to what is due first. */
void entry_schedule(struct entry *entry, int64_t due);
void prober_arm(struct prober *prober);

/* Stops and unschedules it, wherever it is. */
void entry_halt(struct entry *entry);
void entry_free(struct entry *entry);

#endif
