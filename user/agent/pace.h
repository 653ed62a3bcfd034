/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to sync next. Pure: the caller brings the clock, in milliseconds that never go back.
 *
 * A first event is answered at once; while events keep coming, syncs are PACE_GAP apart, and as
 * long as one takes where that is more: the agent uses half a CPU at most. After a failure the next
 * try comes by itself, later each time, but a new event (somebody repaired something) does not wait
 * for it. Every PACE_FULL everything is read anew, whatever the events said.
 */
#ifndef AGENT_PACE_H
#define AGENT_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_GAP 50
#define PACE_GAP_LAST 1000
#define PACE_FULL 30000
#define PACE_RETRY_FIRST 1000
#define PACE_RETRY_LAST 30000

struct pace {
	int64_t next;	       /* not before, whoever asks */
	int64_t due;	       /* the next one; INT64_MAX: nobody asked */
	int64_t full_due;      /* the next complete one */
	unsigned int failures; /* in a row */
};

/* The first sync is due at once, and complete. */
void pace_init(struct pace *pace, int64_t now);

/* Something happened. */
void pace_request(struct pace *pace, int64_t now);

/* A sync that began then ended now. full: everything was read anew. */
void pace_done(struct pace *pace, int64_t began, int64_t now, bool full, bool ok);

/* Milliseconds until a sync is due, 0: now. */
int64_t pace_wait(const struct pace *pace, int64_t now);

/* Is the sync of now to be a complete one? */
bool pace_is_full(const struct pace *pace, int64_t now);

#endif
