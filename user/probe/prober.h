/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the probes of all pods and endpoints in one thread: what is due is queued, a bounded number
 * runs at a time, each result goes into its verdict, and what changed is told.
 *
 * Commands have places of their own. Targets that did not answer in time the last time have half of
 * the places at most, and a quarter is kept for those that did: the slow wait for each other, and
 * nobody for them.
 */
#ifndef PROBE_PROBER_H
#define PROBE_PROBER_H

#include <event2/event.h>

#include "user/model/readiness.h"
#include "user/probe/run.h"
#include "user/probe/target.h"

struct prober;

/* A verdict changed. Strings are borrowed. */
struct prober_news {
	const struct target_key *key;
	bool good;
	const char *text; /* why not, "" when good */
};

/* Called from the loop, never from within a call of the prober's. */
struct prober_events {
	/* Whether the object may serve, or a part of it, may have changed. */
	void (*changed)(void *arg, const struct target_key *key);
	/* For the log. */
	void (*told)(void *arg, const struct prober_news *news);
};

/* run: the directory where verdicts and events are written down, and were before a restart. */
struct prober *prober_open(struct event_base *base, const char *run, const char *node,
			   const struct prober_events *events, void *arg);
void prober_close(struct prober *prober);

/* Takes up what is new in the store and drops what is gone. To be called after each load of it. */
void prober_follow(struct prober *prober, const struct store *store);

/*
 * Where nothing was written down before a restart: takes targets that serve for ready until they
 * have been asked. To be called after the first prober_follow.
 */
void prober_assume(struct prober *prober, bool (*serves)(void *arg, const struct lb_addr *addr),
		   void *arg);

/* The verdicts, for readiness_of_store. */
struct readiness prober_readiness(struct prober *prober);

/* Numbers, and for each probe its result, how long it took and what it makes of its target. */
json_t *prober_json(const struct prober *prober);

/* What became of the runs of one probe. The key is borrowed until the prober goes on. */
struct prober_result {
	const struct target_key *key;
	enum outcome last;
	uint32_t latency; /* of the last run, microseconds */
	uint64_t runs[OUTCOMES];
};

struct prober_result_list {
	struct prober_result *items;
	size_t n, room;
};

/* Of all probes that have run since the agent began, sorted by key. */
void prober_results(const struct prober *prober, struct prober_result_list *ret_results);

#endif
