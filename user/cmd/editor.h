/* SPDX-License-Identifier: Apache-2.0 */
/* A private temporary file in the user's editor. */
#ifndef CMD_EDITOR_H
#define CMD_EDITOR_H

#include <stdbool.h>

#include "user/util/err.h"

struct editor {
	char *path; /* mode 0600 */
};

LB_CHECKED int editor_open(struct editor *ret_editor, struct err *err);

/* Writes text, runs the editor, reads what it saved. */
LB_CHECKED int editor_run(const struct editor *editor, const char *text, char **ret_saved,
			  struct err *err);

/* Removes the file unless it is to be kept. */
void editor_close(struct editor *editor, bool keep);

/* Removes lines that begin with '#', in place. */
void editor_strip_comments(char *text);

#endif
