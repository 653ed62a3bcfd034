/* SPDX-License-Identifier: Apache-2.0 */
/* From rounds to figures: medians and spread, ratios to limits, and which goals are reached. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "tests/bench/bench_case.h"

struct bench_run {
	unsigned int rounds;
	struct bench_result *results; /* of bench_cases */
};

/* Median and quartiles over the rounds. */
struct bench_figure {
	double low, median, high;
};

/* ns a packet with and without the generator. */
struct bench_figure figure_total(const struct bench_run *run, size_t index);
struct bench_figure figure_net(const struct bench_run *run, size_t index);

/* Against the case's limit; false: it has none, or one of them did not run. */
bool figure_ratio(const struct bench_run *run, size_t index, struct bench_figure *ret);

/* What a ratio is of, for people. */
const char *limit_text(enum bench_limit limit);

struct bench_goal {
	const char *what;
	double want;	/* at most */
	size_t of;	/* index of the case */
	size_t against; /* net of that one; BENCH_LIMIT: its own limit */
};
#define BENCH_LIMIT ((size_t)-1)

/* The n-th goal, and the median of what was measured; false: there is none, or it did not run. */
bool goal_get(const struct bench_run *run, size_t n, struct bench_goal *ret, double *ret_ratio);

void report_table(const struct bench_run *run, FILE *out);
int report_json(const struct bench_run *run, FILE *out);

#endif
