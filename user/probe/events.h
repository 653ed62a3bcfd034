/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened, as Kubernetes' Events tell it: the last EVENTS_MAX, those that repeat counted.
 * They are written down line by line, as Event objects, where `get events` reads them.
 */
#ifndef PROBE_EVENTS_H
#define PROBE_EVENTS_H

#include <time.h>

#include "user/probe/journal.h"
#include "user/probe/target.h"

#define EVENTS_FILE "events.log"
#define EVENTS_MAX 1024

struct events {
	struct journal journal;
	struct event_entry *items; /* oldest first, a ring */
	size_t n, room;
};

/* What was written down before is taken in. */
void events_open(struct events *events, const char *run);
void events_close(struct events *events);

/* type: "Normal" or "Warning". news: written down at once, also when it is a repetition. */
void events_add(struct events *events, const struct target_key *key, const char *type,
		const char *reason, const char *message, bool news, time_t now);

/* All that were written down, each once, the oldest first: a list of Event objects. */
json_t *events_read(const char *run);

#endif
