/* SPDX-License-Identifier: Apache-2.0 */
/* What the maps hold, and what did not get through. */
#include "user/agent/metrics_parts.h"
#include "user/util/cleanup.h"

static const char *const reason_labels[LB_REASON_COUNT] = {
#define REASON_LABEL(name, label, text, hint) [LB_REASON_##name] = label,
	LB_REASONS(REASON_LABEL)
#undef REASON_LABEL
};

static void drops_write(FILE *out, const struct datapath_stats *stats)
{
	metrics_family(out, "drops_total", "counter",
		       "Packets and connections that were refused or dropped, by reason.");
	for (int i = 0; i < LB_REASON_COUNT; i++) {
		if (!datapath_reason_is_bad((enum lb_reason)i))
			continue;
		metrics_labelled(out, "drops_total", "reason", reason_labels[i],
				 stats->reasons[i].packets);
	}
}

/* ------------------------------------------------------------------- flows -- */

static const char *const families[] = { "ipv4", "ipv6" };

static void flows_write(FILE *out, const struct datapath_flow_counts *flows)
{
	static const char *const states[LB_FLOW_STATES] = {
		[LB_FLOW_HALF_OPEN] = "half_open",
		[LB_FLOW_REPLIED] = "replied",
		[LB_FLOW_ESTABLISHED] = "established",
		[LB_FLOW_CLIENT_CLOSED] = "client_closed",
		[LB_FLOW_SERVER_CLOSED] = "server_closed",
		[LB_FLOW_CLOSED] = "closed",
	};

	metrics_family(out, "flows", "gauge", "Connections in the flow table, by their state.");
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		for (size_t state = LB_FLOW_HALF_OPEN; state < LB_FLOW_STATES; state++) {
			fputs("lbctl_flows", out);
			metrics_label(out, '{', "family", families[i]);
			metrics_label(out, ',', "state", states[state]);
			fputc('}', out);
			metrics_value(out, flows->flows[i][state]);
		}
	}
}

static void evictions_write(FILE *out, const struct datapath_stats *stats)
{
	static const char *const classes[LB_EVICTIONS] = {
		[LB_EVICTED_EXPIRED] = "expired",
		[LB_EVICTED_CLOSED] = "closed",
		[LB_EVICTED_UNCONFIRMED] = "unconfirmed",
	};

	metrics_family(
		out, "flow_evictions_total", "counter",
		"Entries of the flow table that made room for a new one, by what they were.");
	for (size_t i = 0; i < LB_EVICTIONS; i++)
		metrics_labelled(out, "flow_evictions_total", "class", classes[i],
				 stats->evictions[i]);
}

/* -------------------------------------------------------------------- maps -- */

/* A freed slot is as good as an empty one. */
static size_t backends_used(const struct actual *actual)
{
	size_t n = 0;

	for (size_t i = 0; i < actual->n_backends; i++)
		n += actual->backends[i].value.service != 0;
	return n;
}

static void maps_write(const struct metrics_writer *writer)
{
	const struct actual *actual = writer->metrics->actual;
	const struct datapath_flow_counts *flows = writer->metrics->flows;
	const struct {
		const char *label;
		size_t used, max;
	} maps[] = {
		{ "services", actual->n_services, actual->max_services },
		{ "frontends", actual->n_frontends, actual->max_frontends },
		{ "backends", backends_used(actual), actual->max_backends },
		{ "source_ranges", actual->n_ranges, actual->max_ranges },
		{ "maglev", metrics_maglev_used(actual), actual->n_slots },
		{ "flow4", flows->entries[0], flows->max_entries[0] },
		{ "flow6", flows->entries[1], flows->max_entries[1] },
	};

	metrics_family(writer->out, "map_entries", "gauge", "Entries of the map that are in use.");
	for (size_t i = 0; i < ARRAY_LEN(maps); i++)
		metrics_labelled(writer->out, "map_entries", "map", maps[i].label, maps[i].used);
	metrics_family(writer->out, "map_max_entries", "gauge",
		       "Entries that the map has room for.");
	for (size_t i = 0; i < ARRAY_LEN(maps); i++)
		metrics_labelled(writer->out, "map_max_entries", "map", maps[i].label, maps[i].max);
}

void metrics_write_datapath(struct metrics_writer *writer)
{
	const struct metrics *metrics = writer->metrics;

	drops_write(writer->out, metrics->stats);
	flows_write(writer->out, metrics->flows);
	evictions_write(writer->out, metrics->stats);
	maps_write(writer);
}
