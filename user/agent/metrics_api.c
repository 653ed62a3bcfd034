/* SPDX-License-Identifier: Apache-2.0 */
/* The Kubernetes API as the source of objects: a series for each kind that is watched. */
#include "user/agent/metrics_parts.h"
#include "user/util/cleanup.h"

static uint64_t synced(const struct source_report *report)
{
	return report->state->synced;
}

static uint64_t objects(const struct source_report *report)
{
	return report->state->objects;
}

static uint64_t lists(const struct source_report *report)
{
	return report->state->lists;
}

static uint64_t events(const struct source_report *report)
{
	return report->state->events;
}

static uint64_t errors(const struct source_report *report)
{
	return report->state->errors;
}

static uint64_t unreadable(const struct source_report *report)
{
	return report->state->unreadable;
}

static const struct {
	const char *name, *type, *help;
	uint64_t (*value)(const struct source_report *report);
} rows[] = {
	{ "api_synced", "gauge", "Whether all objects of the kind are known.", synced },
	{ "api_objects", "gauge", "Objects of the kind that are known.", objects },
	{ "api_lists_total", "counter", "Times that all of them were asked for.", lists },
	{ "api_events_total", "counter", "Changes and bookmarks that watches brought.", events },
	{ "api_errors_total", "counter", "Requests that failed or broke off.", errors },
	{ "api_unreadable_total", "counter", "Versions of objects that could not be read.",
	  unreadable },
};

/* Of the kind that is silent the longest: one watch that hangs is enough to be out of date. */
static uint64_t last_contact(const struct metrics *metrics)
{
	int64_t longest = 0;

	for (size_t i = 0; i < metrics->n_api; i++) {
		if (metrics->api[i].silence < 0)
			return 0;
		if (metrics->api[i].silence > longest)
			longest = metrics->api[i].silence;
	}
	return (uint64_t)(metrics->now - longest / 1000);
}

void metrics_write_api(struct metrics_writer *writer)
{
	const struct metrics *metrics = writer->metrics;

	metrics_single(
		writer->out, "api_last_contact_timestamp_seconds", "gauge",
		"When the Kubernetes API was last heard, of the kind that is silent longest.",
		last_contact(metrics));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		metrics_family(writer->out, rows[i].name, rows[i].type, rows[i].help);
		for (size_t k = 0; k < metrics->n_api; k++)
			metrics_labelled(writer->out, rows[i].name, "kind",
					 k8s_kinds[metrics->api[k].kind].plural,
					 rows[i].value(&metrics->api[k]));
	}
}
