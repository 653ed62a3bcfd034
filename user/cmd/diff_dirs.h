/* SPDX-License-Identifier: Apache-2.0 */
/* Two temporary directories of objects, LIVE and MERGED, and the diff program on them. */
#ifndef CMD_DIFF_DIRS_H
#define CMD_DIFF_DIRS_H

#include <jansson.h>
#include <stdbool.h>

#include "user/util/err.h"

struct diff_dirs {
	char *live, *merged; /* paths; mode 0700 */
	char **names;	     /* of the files in them */
	size_t n, room;
};

LB_CHECKED int diff_dirs_open(struct diff_dirs *ret_dirs, struct err *err);

/* Adds an object as it is and as it would be, as YAML; NULL: it is not there. */
LB_CHECKED int diff_dirs_add(struct diff_dirs *dirs, const char *name, const json_t *live,
			     const json_t *merged, struct err *err);

/* Runs `diff -u -N` to standard output. */
LB_CHECKED int diff_dirs_show(const struct diff_dirs *dirs, bool *ret_differ, struct err *err);

/* Removes directories and files. */
void diff_dirs_close(struct diff_dirs *dirs);

#endif
