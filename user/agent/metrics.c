/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/metrics.h"

#include "user/agent/metrics_parts.h"

static void version_write(FILE *out, const char *version)
{
	metrics_family(out, "build_info", "gauge",
		       "Always 1; the label tells which lbctl this is.");
	metrics_labelled(out, "build_info", "version", version, 1);
}

static void agent_write(FILE *out, const struct status *status)
{
	metrics_single(out, "attached", "gauge", "Whether the datapath is attached.",
		       status->attached);
	metrics_single(out, "sync_total", "counter", "Syncs of the maps with the objects.",
		       status->syncs);
	metrics_single(out, "sync_errors_total", "counter", "Syncs that failed.", status->failures);
	metrics_single(out, "sync_operations_total", "counter",
		       "Changes that syncs made to the maps.", status->all_operations);
	metrics_single(out, "sync_last_success_timestamp_seconds", "gauge",
		       "When a sync succeeded the last time; 0: none has.",
		       (uint64_t)status->last_sync);
	metrics_histogram(out, "sync_duration_seconds", "How long syncs took.", &status->durations);
	metrics_single(out, "services", "gauge", "Services that the maps should hold.",
		       status->services);
	metrics_single(out, "backends", "gauge", "Backends that the maps should hold.",
		       status->backends);
	metrics_single(out, "silent_backends", "gauge",
		       "Backends whose address no neighbour has: the kernel asked in vain.",
		       status->silent.n);
	metrics_single(out, "warnings", "gauge",
		       "What the last sync could not do as asked; lbctl doctor lists it.",
		       status->n_warnings);
}

size_t metrics_bound(struct metrics_writer *writer, enum metrics_kind kind, size_t n)
{
	size_t max = writer->metrics->config->max_series;

	writer->left_out[kind] = n > max ? n - max : 0;
	return n > max ? max : n;
}

static void left_out_write(const struct metrics_writer *writer)
{
	static const char *const kinds[METRICS_KINDS] = {
		[METRICS_SERVICES] = "services",
		[METRICS_BACKENDS] = "backends",
		[METRICS_PROBES] = "probes",
		[METRICS_INGRESSES] = "ingresses",
		[METRICS_PROBLEMS] = "ingress_problems",
		[METRICS_CERTIFICATES] = "certificates",
	};

	metrics_family(writer->out, "series_left_out", "gauge",
		       "What metrics.maxSeries left without series of its own.");
	for (size_t i = 0; i < METRICS_KINDS; i++)
		metrics_labelled(writer->out, "series_left_out", "of", kinds[i],
				 writer->left_out[i]);
}

void metrics_write(FILE *out, const struct metrics *metrics)
{
	struct metrics_writer writer = { .out = out, .metrics = metrics };

	version_write(out, metrics->version);
	agent_write(out, metrics->status);
	if (metrics->n_api)
		metrics_write_api(&writer);
	if (metrics->actual) {
		metrics_write_traffic(&writer);
		metrics_write_datapath(&writer);
	}
	metrics_write_probes(&writer);
	if (metrics->dns)
		metrics_write_dns(&writer);
	if (metrics->ingress)
		metrics_write_ingress(&writer);
	left_out_write(&writer);
}
