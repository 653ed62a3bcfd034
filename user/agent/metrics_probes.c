/* SPDX-License-Identifier: Apache-2.0 */
/* What became of probes. */
#include "user/agent/metrics_parts.h"
#include "user/util/cleanup.h"

/* Without the brace at the end. */
static void probe_labels(FILE *out, const struct target_key *key)
{
	bool pod = key->kind == K8S_POD;

	metrics_label(out, '{', "namespace", key->ns);
	metrics_label(out, ',', pod ? "pod" : "service", key->name);
	metrics_label(out, ',', pod ? "container" : "endpoint", key->part);
	metrics_label(out, ',', "probe", target_probe_word(key->probe));
}

static void probe_result_write(FILE *out, const struct prober_result *result)
{
	fputs("lbctl_probe_result", out);
	probe_labels(out, result->key);
	fputc('}', out);
	metrics_value(out, result->last != OUTCOME_FAILURE);
}

static void probe_duration_write(FILE *out, const struct prober_result *result)
{
	fputs("lbctl_probe_duration_seconds", out);
	probe_labels(out, result->key);
	fputc('}', out);
	metrics_seconds(out, result->latency);
}

static void probe_runs_write(FILE *out, const struct prober_result *result)
{
	static const char *const outcomes[OUTCOMES] = {
		[OUTCOME_SUCCESS] = "success",
		[OUTCOME_WARNING] = "warning",
		[OUTCOME_FAILURE] = "failure",
	};

	for (size_t i = 0; i < OUTCOMES; i++) {
		fputs("lbctl_probe_runs_total", out);
		probe_labels(out, result->key);
		metrics_label(out, ',', "result", outcomes[i]);
		fputc('}', out);
		metrics_value(out, result->runs[i]);
	}
}

/* Of probes that have run. */
void metrics_write_probes(struct metrics_writer *writer)
{
	static const struct {
		const char *name, *type, *help;
		void (*write)(FILE *out, const struct prober_result *result);
	} families[] = {
		{ "probe_result", "gauge", "1: the last run of the probe succeeded; 0: it failed.",
		  probe_result_write },
		{ "probe_duration_seconds", "gauge", "How long the last run of the probe took.",
		  probe_duration_write },
		{ "probe_runs_total", "counter", "Runs of the probe since the agent began.",
		  probe_runs_write },
	};

	const struct metrics *metrics = writer->metrics;
	size_t n = metrics_bound(writer, METRICS_PROBES, metrics->n_results);

	for (size_t i = 0; i < ARRAY_LEN(families) && n; i++) {
		metrics_family(writer->out, families[i].name, families[i].type, families[i].help);
		for (size_t j = 0; j < n; j++)
			families[i].write(writer->out, &metrics->results[j]);
	}
}
