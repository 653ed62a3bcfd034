/* SPDX-License-Identifier: Apache-2.0 */
/* One screen of `lbctl top`, made of what was counted. Pure. */
#ifndef CMD_TOP_H
#define CMD_TOP_H

#include <jansson.h>
#include <stdio.h>

enum top_sort { TOP_PACKETS, TOP_BYTES, TOP_CONNECTIONS, TOP_DROPS, TOP_NAME, TOP_SORTS };

struct top_view {
	const json_t *rows; /* of show svc or endpoints, with rates */
	json_int_t drops;   /* packets refused or dropped a second */
	enum top_sort sort;
	size_t selected;      /* row under the cursor, counted from the top of the list */
	int width, height;    /* of the terminal; height 0: all rows, and nothing marked */
	const char *backends; /* "default/kubia:80": its endpoints are shown; NULL: services */
	const char *node;
};

/* Rows in their order; *ret_n of them, borrowed, to be freed as a whole. */
const json_t **top_sorted(const struct top_view *view, size_t *ret_n);

/* Every line fits the width and ends with a newline; never more of them than the height. */
void top_draw(FILE *out, const struct top_view *view);

#endif
