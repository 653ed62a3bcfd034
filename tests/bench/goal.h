/* SPDX-License-Identifier: Apache-2.0 */
/* What a benchmark says at its end: a table, what was to be reached, and all of it as JSON. */
#ifndef BENCH_GOAL_H
#define BENCH_GOAL_H

#include <jansson.h>

struct goal {
	const char *what;
	double at_most, measured;
};

/* Prints the rows (cells between tabs), then the goals. */
void goals_print(const char *rows, const struct goal *goals, size_t n);

/* Writes rows and goals to a file, and what they were measured on. Takes rows over. */
void goals_save(const char *path, json_t *rows, const struct goal *goals, size_t n);

#endif
