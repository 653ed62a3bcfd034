/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aligned columns by the rules of Go's text/tabwriter, which kubectl prints with: a column
 * is a run of consecutive lines that have a cell there followed by a tab; its width is
 * the widest cell plus padding, at least min_width. The last cell of a line is in no column.
 */
#ifndef UTIL_TABLE_H
#define UTIL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS 32 /* cells beyond are printed, but not aligned */

struct table {
	unsigned int min_width, pad;
	bool remember; /* columns never get narrower from one call to the next (watch) */
	size_t widths[TABLE_COLUMNS];
};

/* The rules of `kubectl get` and of `kubectl describe`. */
#define TABLE_GET ((struct table){ .min_width = 6, .pad = 3, .remember = true })
#define TABLE_DESCRIBE ((struct table){ .pad = 2 })

/*
 * Prints text, whose cells are separated by tabs. Other control characters come out as ^X,
 * so that no object can steer the terminal it is printed on.
 */
void table_print(struct table *table, FILE *out, const char *text);

#endif
