/* SPDX-License-Identifier: Apache-2.0 */
/* Ingress: what HAProxy counts, and what there is to say of the rules. */
#include "user/agent/metrics_parts.h"
#include "user/util/cleanup.h"

static const char *const codes[INGRESS_CODES] = { "1xx", "2xx", "3xx", "4xx", "5xx", "other" };

/* Without the brace at the end. */
static void count_labels(FILE *out, const char *name, const struct ingress_count *count)
{
	fprintf(out, "lbctl_%s", name);
	metrics_label(out, '{', "namespace", count->ns);
	metrics_label(out, ',', "ingress", count->ingress);
	metrics_label(out, ',', "service", count->service);
}

static void requests_write(FILE *out, const struct ingress_counts *counts, size_t n)
{
	metrics_family(
		out, "ingress_requests_total", "counter",
		"Requests by the class of their answer; without labels: no rule is for them.");
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < INGRESS_CODES; k++) {
			count_labels(out, "ingress_requests_total", &counts->items[i]);
			metrics_label(out, ',', "code", codes[k]);
			fputc('}', out);
			metrics_value(out, counts->items[i].codes[k]);
		}
	}
}

static void gauges_write(FILE *out, const struct ingress_counts *counts, size_t n)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} gauges[] = {
		{ "ingress_sessions", "Requests and upgraded connections that are going on.",
		  offsetof(struct ingress_count, sessions) },
		{ "ingress_endpoints", "Endpoints of the Service that are ready.",
		  offsetof(struct ingress_count, endpoints) },
	};

	for (size_t g = 0; g < ARRAY_LEN(gauges); g++) {
		metrics_family(out, gauges[g].name, "gauge", gauges[g].help);
		for (size_t i = 0; i < n; i++) {
			const char *count = (const char *)&counts->items[i];

			count_labels(out, gauges[g].name, &counts->items[i]);
			fputc('}', out);
			metrics_value(out, *(const uint64_t *)(count + gauges[g].offset));
		}
	}
}

static void counts_write(struct metrics_writer *writer, const struct ingress_counts *counts)
{
	size_t n = metrics_bound(writer, METRICS_INGRESSES, counts->n);

	if (!n)
		return;
	requests_write(writer->out, counts, n);
	gauges_write(writer->out, counts, n);
}

static void facts_write(struct metrics_writer *writer, enum metrics_kind kind, const char *name,
			const char *help, const char *key, const struct ingress_facts *facts)
{
	size_t n = metrics_bound(writer, kind, facts->n);

	if (n)
		metrics_family(writer->out, name, "gauge", help);
	for (size_t i = 0; i < n; i++) {
		const struct ingress_fact *fact = &facts->items[i];

		fprintf(writer->out, "lbctl_%s", name);
		metrics_label(writer->out, '{', "namespace", fact->ns);
		metrics_label(writer->out, ',', key, fact->name);
		if (fact->reason)
			metrics_label(writer->out, ',', "reason", fact->reason);
		fputc('}', writer->out);
		metrics_value(writer->out, fact->value);
	}
}

void metrics_write_ingress(struct metrics_writer *writer)
{
	const struct ingress_metrics *ingress = writer->metrics->ingress;
	FILE *out = writer->out;

	metrics_single(out, "ingress_up", "gauge", "Whether HAProxy runs.", ingress->up);
	metrics_single(out, "ingress_reloads_total", "counter", "Configurations that HAProxy took.",
		       ingress->reloads);
	metrics_single(out, "ingress_errors_total", "counter",
		       "Times that HAProxy did not take one, or ended.", ingress->errors);
	counts_write(writer, &ingress->counts);
	facts_write(writer, METRICS_PROBLEMS, "ingress_problems",
		    "What is wrong with an Ingress; lbctl describe ingress says what.", "ingress",
		    ingress->problems);
	facts_write(writer, METRICS_CERTIFICATES, "ingress_certificate_end_timestamp_seconds",
		    "When the certificate of a Secret ends.", "secret", ingress->certificates);
}
