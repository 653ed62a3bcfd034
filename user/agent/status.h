/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent knows of itself, for `status` and for the log. The log tells what changed:
 * a failure when it begins and when it ends, a warning when it appears.
 */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include <jansson.h>
#include <time.h>

#include "user/agent/reconcile.h"
#include "user/util/histogram.h"

struct status {
	uint64_t syncs; /* tried */
	uint64_t failures;
	struct histogram durations;
	time_t last_sync; /* that succeeded; 0: none yet */
	bool attached;
	bool told_attached; /* the log has said once whether it is */
	size_t operations;  /* of the last sync that succeeded */
	uint64_t all_operations;
	size_t services, backends;
	char *error; /* of the last sync, NULL: it succeeded */
	char *watch_error;
	char *sweep_error; /* why sockets stay connected to former backends, or NULL */
	char **warnings;
	size_t n_warnings;
	struct addr_list silent; /* backends that no neighbour had the address of */
};

void status_init(struct status *status);
void status_done(struct status *status);

/* A sync ended. result NULL: it failed, and err holds why. */
void status_sync(struct status *status, const struct reconcile *reconcile,
		 const struct sync_result *result, const struct err *err);

/* Why directories of the state cannot be watched, NULL: all are. */
void status_watch(struct status *status, const char *error);

/* Whether a backend answered when the kernel looked for it. */
void status_neighbour(struct status *status, const struct lb_addr *addr, bool answers);

/* The answer to {"op":"status"}. Takes probes over: what the prober tells of itself. */
json_t *status_json(const struct status *status, json_t *probes);

#endif
