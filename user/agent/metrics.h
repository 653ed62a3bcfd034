/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Prometheus is told, as text of its format 0.0.4. Pure. docs/metrics.md lists the families;
 * a test compares the two.
 */
#ifndef AGENT_METRICS_H
#define AGENT_METRICS_H

#include <stdio.h>

#include "user/agent/ingress.h"
#include "user/agent/status.h"
#include "user/api/source.h"
#include "user/datapath/datapath.h"
#include "user/dns/server.h"
#include "user/probe/prober.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics {
	const char *version;
	const struct metrics_config *config;
	const struct status *status;
	const struct actual *actual;		  /* NULL: not attached: nothing to count */
	const struct datapath_stats *stats;	  /* of actual */
	const struct datapath_flow_counts *flows; /* of the same datapath */
	const struct prober_result *results;	  /* of all probes */
	size_t n_results;
	const struct dns_counts *dns;	       /* NULL: the agent answers no names */
	const struct ingress_metrics *ingress; /* NULL: no Ingress is ours */
	const struct source_report *api;       /* of each kind; the state's directory has none */
	size_t n_api;
	time_t now;
};

/* A family that has no series is left out. */
void metrics_write(FILE *out, const struct metrics *metrics);

#endif
