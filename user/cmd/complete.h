/* SPDX-License-Identifier: Apache-2.0 */
/* What the last of some words may become, by the table of commands. */
#ifndef CMD_COMPLETE_H
#define CMD_COMPLETE_H

#include <stddef.h>
#include <stdio.h>

/* Where names of files belong: the shell knows those better. */
#define COMPLETE_FILES ":files"

/*
 * words: the command line behind "lbctl", the last one unfinished or "". Prints a line for each
 * candidate: the word, a tab, what it means; or COMPLETE_FILES.
 */
void complete_words(FILE *out, const char *const *words, size_t n);

#endif
