/* SPDX-License-Identifier: Apache-2.0 */
/* What Prometheus is told, as text of its format 0.0.4. Pure. */
#ifndef AGENT_METRICS_H
#define AGENT_METRICS_H

#include <stdio.h>

#include "user/agent/status.h"
#include "user/datapath/datapath.h"
#include "user/probe/prober.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics {
	const char *version;
	const struct status *status;
	const struct actual *actual;	     /* NULL: not attached, and there is nothing to count */
	const struct datapath_stats *stats;  /* of actual */
	const struct prober_result *results; /* of all probes */
	size_t n_results;
};

/* A family that has no series is left out. */
void metrics_write(FILE *out, const struct metrics *metrics);

#endif
