/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ns a packet of the real programs, by BPF_PROG_TEST_RUN behind a generator whose own cost is
 * subtracted. Cases take turns, round by round, with the limits that they are compared with; shown
 * are medians, quartiles and ratios.
 *
 *	bench [--short] [--rounds N] [--json FILE] [--svg FILE]
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench_plot.h"
#include "tests/bench/bench_programs.h"
#include "tests/bench/bench_report.h"
#include "tests/bench/bench_run.h"
#include "tests/bench/bench_stage.h"
#include "tests/packet/network.h"
#include "user/util/num.h"
#include "user/util/vec.h"

struct options {
	bool quick;
	uint64_t rounds;
	FILE *json, *svg;
};

static int usage(void)
{
	fprintf(stderr, "usage: bench [--short] [--rounds 1…%d] [--json FILE] [--svg FILE]\n",
		BENCH_ROUNDS_MAX);
	return 2;
}

static int options_parse(int argc, char **argv, struct options *ret)
{
	static const struct option options[] = { { "short", no_argument, NULL, 's' },
						 { "rounds", required_argument, NULL, 'r' },
						 { "json", required_argument, NULL, 'j' },
						 { "svg", required_argument, NULL, 'v' },
						 { NULL, 0, NULL, 0 } };
	int option;

	ret->rounds = 11;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			ret->quick = true;
		else if (option == 'r' && !num_parse(optarg, 1, BENCH_ROUNDS_MAX, &ret->rounds))
			continue;
		else if (option == 'j' && (ret->json = fopen(optarg, "w")))
			continue;
		else if (option == 'v' && (ret->svg = fopen(optarg, "w")))
			continue;
		else
			return usage();
	}
	return optind < argc ? usage() : 0;
}

static void pin_to_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	network_must(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

/* What is wanted and fits into memory; the rest says so. */
static void stages_open(bool quick, bool *ret_open)
{
	for (size_t i = 0; i < bench_stages_n; i++) {
		const struct bench_stage *stage = &bench_stages[i];

		if (quick && !stage->quick)
			continue;
		fprintf(stderr, "\r%-60s\rstage %s", "", stage->name);
		ret_open[i] = stage_open(i);
		if (!ret_open[i]) {
			fprintf(stderr, ": left out, the memory that is free does not hold it\n");
			continue;
		}
		if (!bench_programs_n)
			programs_read();
		runner_make_flows(i);
	}
}

static void rounds_run(struct bench_runner **runners, struct bench_run *run)
{
	for (unsigned int round = 0; round < run->rounds; round++) {
		fprintf(stderr, "\r%-60s\rround %u of %u", "", round + 1, run->rounds);
		for (size_t i = 0; i < bench_cases_n; i++)
			if (runners[i])
				runner_round(runners[i], &run->results[i].generator[round],
					     &run->results[i].total[round]);
	}
	fprintf(stderr, "\r%-60s\r", "");
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	bool *open = xcalloc(bench_stages_n, sizeof(*open));
	struct bench_runner **runners = xcalloc(bench_cases_n, sizeof(struct bench_runner *));
	struct bench_run run = { .results = xcalloc(bench_cases_n, sizeof(*run.results)) };
	int result = options_parse(argc, argv, &options);

	if (result)
		return result;
	run.rounds = (unsigned int)options.rounds;
	pin_to_cpu();
	stages_open(options.quick, open);
	for (size_t i = 0; i < bench_cases_n; i++) {
		run.results[i].skipped = !open[bench_cases[i].stage];
		if (!run.results[i].skipped)
			runners[i] = runner_new(&bench_cases[i]);
	}
	rounds_run(runners, &run);
	report_table(&run, stdout);
	if (options.svg) {
		plot_svg(&run, options.svg);
		result = fclose(options.svg) ? 1 : 0;
	}
	if (options.json)
		result |= report_json(&run, options.json) || fclose(options.json) ? 1 : 0;
	for (size_t i = 0; i < bench_cases_n; i++)
		if (runners[i])
			runner_free(runners[i]);
	for (size_t i = 0; i < bench_stages_n; i++)
		if (open[i])
			stage_close(i);
	free(run.results);
	free(runners);
	free(open);
	return result;
}
