/* SPDX-License-Identifier: Apache-2.0 */
/* What a benchmark says at its end: a table, what was to be reached, and all of it as JSON. */
#ifndef BENCH_GOAL_H
#define BENCH_GOAL_H

#include <jansson.h>
#include <stdint.h>

struct goal {
	const char *what;
	double at_most, measured;
};

/*
 * Reads --rounds (1 to most) and --json from a benchmark's command line, which has that many
 * operands besides; the first one is at optind then. Ends the process with the usage where it is
 * wrong.
 */
void goals_options(int argc, char **argv, int operands, const char *usage, uint64_t most,
		   uint64_t *rounds, const char **ret_json);

/*
 * Prints the rows of a table (cells between tabs), then the goals; and writes both to a file, with
 * what they were measured on. path NULL: no file. Takes rows over.
 */
void goals_report(const char *table, json_t *rows, const struct goal *goals, size_t n,
		  const char *path);

#endif
