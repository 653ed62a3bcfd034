/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that metrics_write is put together from. Inside of metrics. */
#ifndef AGENT_METRICS_PARTS_H
#define AGENT_METRICS_PARTS_H

#include "user/agent/metrics.h"
#include "user/agent/metrics_text.h"

/* Of what there may be many; metrics.maxSeries bounds each. */
enum metrics_kind {
	METRICS_SERVICES,
	METRICS_BACKENDS,
	METRICS_PROBES,
	METRICS_INGRESSES,
	METRICS_PROBLEMS,
	METRICS_CERTIFICATES,
	METRICS_KINDS
};

struct metrics_writer {
	FILE *out;
	const struct metrics *metrics;
	size_t left_out[METRICS_KINDS];
};

/* How many of n series a family may have; the others are counted as left out. */
size_t metrics_bound(struct metrics_writer *writer, enum metrics_kind kind, size_t n);

/* Slots of all Maglev tables. */
size_t metrics_maglev_used(const struct actual *actual);

void metrics_write_api(struct metrics_writer *writer);
void metrics_write_traffic(struct metrics_writer *writer);
void metrics_write_datapath(struct metrics_writer *writer);
void metrics_write_probes(struct metrics_writer *writer);
void metrics_write_dns(struct metrics_writer *writer);
void metrics_write_ingress(struct metrics_writer *writer);

#endif
