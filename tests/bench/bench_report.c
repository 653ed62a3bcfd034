/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench_report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "tests/bench/bench_programs.h"

/* ------------------------------------------------------------- figures -- */

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct bench_figure figure_of(const double *values, unsigned int n)
{
	double sorted[BENCH_ROUNDS_MAX];

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare_double);
	return (struct bench_figure){ sorted[n / 4], sorted[n / 2], sorted[n - 1 - n / 4] };
}

static double net_of(const struct bench_result *result, unsigned int round)
{
	return result->total[round] - result->generator[round];
}

struct bench_figure figure_total(const struct bench_run *run, size_t index)
{
	return figure_of(run->results[index].total, run->rounds);
}

/* The generator was measured just before, so that noise common to both drops out. */
struct bench_figure figure_net(const struct bench_run *run, size_t index)
{
	double values[BENCH_ROUNDS_MAX];

	for (unsigned int r = 0; r < run->rounds; r++)
		values[r] = net_of(&run->results[index], r);
	return figure_of(values, run->rounds);
}

bool figure_ratio(const struct bench_run *run, size_t index, struct bench_figure *ret)
{
	const struct bench_case *c = &bench_cases[index], *limit = bench_limit_case(c->limit);
	const struct bench_result *ours = &run->results[index], *theirs;
	double values[BENCH_ROUNDS_MAX];

	if (!limit)
		return false;
	theirs = &run->results[limit - bench_cases];
	if (ours->skipped || theirs->skipped)
		return false;
	for (unsigned int r = 0; r < run->rounds; r++) {
		switch (c->limit) {
		case LIMIT_NONE:
		case LIMIT_NOTHING: /* which is the generator, and net of it nothing */
			values[r] = net_of(ours, r) / theirs->total[r];
			break;
		case LIMIT_PASS:
			values[r] = ours->total[r] / theirs->total[r];
			break;
		case LIMIT_LINE:
			values[r] = net_of(ours, r) / net_of(theirs, r);
		}
	}
	*ret = figure_of(values, run->rounds);
	return true;
}

const char *limit_text(enum bench_limit limit)
{
	static const char *const texts[] = {
		[LIMIT_NONE] = "",
		[LIMIT_NOTHING] = "transmit at once",
		[LIMIT_PASS] = "parse, pass",
		[LIMIT_LINE] = "a random line",
	};

	return texts[limit];
}

/* --------------------------------------------------------------- goals -- */

/* A case is known by what it is, so that the table of cases may change. */
static size_t case_find(unsigned int services, unsigned int endpoints, enum bench_packets packets,
			unsigned int flows, bool v6)
{
	for (size_t i = 0; i < bench_cases_n; i++) {
		const struct bench_case *c = &bench_cases[i];
		const struct bench_stage *stage = &bench_stages[c->stage];

		if (c->program == RUN_XDP && c->packets == packets && c->flows == flows &&
		    c->v6 == v6 && stage->services == services && stage->endpoints == endpoints)
			return i;
	}
	return 0;
}

bool goal_get(const struct bench_run *run, size_t n, struct bench_goal *ret, double *ret_ratio)
{
	const unsigned int m = 1u << 20, k128 = 1u << 17, k = 1u << 10;
	const struct bench_goal goals[] = {
		{ "one flow", 0.9, case_find(1, 1000, SEND_KNOWN, 1, false), BENCH_LIMIT },
		{ "a million flows", 1.5, case_find(1, 1000, SEND_KNOWN, m, false), BENCH_LIMIT },
		{ "one flow, IPv6 to IPv4", 1.4, case_find(1, 1000, SEND_KNOWN, 1, true),
		  case_find(1, 1000, SEND_KNOWN, 1, false) },
		{ "a million flows, IPv6 to IPv4", 1.4, case_find(1, 1000, SEND_KNOWN, m, true),
		  case_find(1, 1000, SEND_KNOWN, m, false) },
		{ "new flow", 3, case_find(3, 1000, SEND_NEW, 0, false), BENCH_LIMIT },
		{ "100,000 services to one, 1k flows", 1.05,
		  case_find(100000, 10, SEND_KNOWN, k, false),
		  case_find(1, 10, SEND_KNOWN, k, false) },
		{ "100,000 services to one, 128k flows", 1.05,
		  case_find(100000, 10, SEND_KNOWN, k128, false),
		  case_find(1, 10, SEND_KNOWN, k128, false) },
		{ "100,000 services to one, new flows", 1.3,
		  case_find(100000, 10, SEND_NEW, 0, false), case_find(1, 10, SEND_NEW, 0, false) },
		{ "not ours", 1.2, case_find(1, 1000, SEND_STRANGE, k, false), BENCH_LIMIT },
	};
	double values[BENCH_ROUNDS_MAX];
	struct bench_figure ratio;

	if (n >= sizeof(goals) / sizeof(*goals))
		return false;
	*ret = goals[n];
	*ret_ratio = 0; /* did not run */
	if (ret->against == BENCH_LIMIT) {
		if (!run->results[ret->of].skipped && figure_ratio(run, ret->of, &ratio))
			*ret_ratio = ratio.median;
		return true;
	}
	if (run->results[ret->of].skipped || run->results[ret->against].skipped)
		return true;
	for (unsigned int r = 0; r < run->rounds; r++)
		values[r] =
			net_of(&run->results[ret->of], r) / net_of(&run->results[ret->against], r);
	*ret_ratio = figure_of(values, run->rounds).median;
	return true;
}

/* --------------------------------------------------------------- table -- */

static const char *flows_text(const struct bench_case *c)
{
	if (c->packets == SEND_NEW)
		return "new";
	return c->flows >= 1u << 20   ? "1M"
	       : c->flows >= 1u << 17 ? "128k"
	       : c->flows >= 1u << 14 ? "16k"
	       : c->flows > 1	      ? "1k"
				      : "1";
}

static void table_case(const struct bench_run *run, size_t index, FILE *out)
{
	const struct bench_case *c = &bench_cases[index];
	const struct bench_stage *stage = &bench_stages[c->stage];
	char services[32] = "", ratio[80] = "";
	struct bench_figure net, of;

	if (run->results[index].skipped)
		return;
	net = figure_net(run, index);
	snprintf(services, sizeof(services), "%u x %u", stage->services, stage->endpoints);
	if (figure_ratio(run, index, &of))
		snprintf(ratio, sizeof(ratio), "%6.2f (%.2f to %.2f) of %s", of.median, of.low,
			 of.high, limit_text(c->limit));
	fprintf(out, "  %-36s %5s %14s %9.1f %9.1f %7.1f to %-7.1f %s\n", c->name, flows_text(c),
		services, figure_total(run, index).median, net.median, net.low, net.high, ratio);
}

static void table_goals(const struct bench_run *run, FILE *out)
{
	struct bench_goal goal;
	double ratio;

	fprintf(out, "\n%-38s %8s %8s\n", "TO REACH", "AT MOST", "MEASURED");
	for (size_t n = 0; goal_get(run, n, &goal, &ratio); n++)
		if (ratio > 0)
			fprintf(out, "  %-36s %8.2f %8.2f  %s\n", goal.what, goal.want, ratio,
				ratio <= goal.want ? "reached" : "not reached");
}

void report_table(const struct bench_run *run, FILE *out)
{
	fprintf(out, "%-38s %5s %14s %9s %9s %18s  %s\n", "ns a packet, medians of rounds", "FLOWS",
		"SVC x ENDP", "TOTAL", "NET", "QUARTILES", "RATIO");
	for (size_t i = 0; i < bench_cases_n; i++) {
		if (bench_cases[i].title)
			fprintf(out, "%s\n", bench_cases[i].title);
		table_case(run, i, out);
	}
	table_goals(run, out);
	fprintf(out, "\n%-38s %12s %12s %12s %12s\n", "PROGRAMS", "INSTRUCTIONS", "TRANSLATED",
		"VERIFIED", "BYTES");
	for (size_t i = 0; i < bench_programs_n; i++)
		fprintf(out, "  %-36s %12u %12u %12u %12u\n", bench_programs[i].name,
			bench_programs[i].instructions, bench_programs[i].translated,
			bench_programs[i].verified, bench_programs[i].native);
}

/* ---------------------------------------------------------------- JSON -- */

static json_t *json_figure(struct bench_figure figure)
{
	return json_pack("{s:f, s:f, s:f}", "median", figure.median, "low", figure.low, "high",
			 figure.high);
}

static json_t *json_case(const struct bench_run *run, size_t index)
{
	const struct bench_case *c = &bench_cases[index];
	const struct bench_stage *stage = &bench_stages[c->stage];
	struct bench_figure ratio;
	json_t *json;

	json = json_pack("{s:s, s:s, s:s, s:i, s:i}", "case", c->name, "stage", stage->name,
			 "flows", flows_text(c), "services", stage->services, "endpoints",
			 stage->endpoints);
	if (run->results[index].skipped) {
		json_object_set_new(json, "skipped", json_true());
		return json;
	}
	json_object_set_new(json, "total", json_figure(figure_total(run, index)));
	json_object_set_new(json, "net", json_figure(figure_net(run, index)));
	if (figure_ratio(run, index, &ratio)) {
		json_object_set_new(json, "limit", json_string(limit_text(c->limit)));
		json_object_set_new(json, "ratio", json_figure(ratio));
	}
	return json;
}

static json_t *json_goals(const struct bench_run *run)
{
	json_t *all = json_array();
	struct bench_goal goal;
	double ratio;

	for (size_t n = 0; goal_get(run, n, &goal, &ratio); n++)
		if (ratio > 0)
			json_array_append_new(all,
					      json_pack("{s:s, s:f, s:f, s:b}", "goal", goal.what,
							"at_most", goal.want, "measured", ratio,
							"reached", ratio <= goal.want));
	return all;
}

static json_t *json_programs(void)
{
	json_t *all = json_array();

	for (size_t i = 0; i < bench_programs_n; i++)
		json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:i, s:i}", "program",
						     bench_programs[i].name, "instructions",
						     bench_programs[i].instructions, "translated",
						     bench_programs[i].translated, "verified",
						     bench_programs[i].verified, "bytes",
						     bench_programs[i].native));
	return all;
}

int report_json(const struct bench_run *run, FILE *out)
{
	json_t *cases = json_array(), *all;
	struct utsname name;
	int result;

	uname(&name);
	for (size_t i = 0; i < bench_cases_n; i++)
		json_array_append_new(cases, json_case(run, i));
	all = json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:o}", "kernel", name.release, "machine",
			name.machine, "rounds", run->rounds, "unit", "ns a packet", "cases", cases,
			"goals", json_goals(run), "programs", json_programs());
	result = json_dumpf(all, out, JSON_INDENT(1) | JSON_REAL_PRECISION(5));
	json_decref(all);
	return result || fputc('\n', out) == EOF ? -1 : 0;
}
