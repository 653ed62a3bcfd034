/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of lines, each a JSON object, of which the later one counts. A change costs one line,
 * whatever the file's size; when there are many more lines than there is to tell, it is written
 * anew beside the old one and renamed over it. Readers need no lock; a line that broke off is
 * skipped. It lies in the run directory and is not synced: it need not outlive the machine's boot.
 */
#ifndef PROBE_JOURNAL_H
#define PROBE_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct journal {
	char *path;
	FILE *file;   /* NULL: it could not be opened; written anew the next time */
	size_t lines; /* since it was written anew */
};

void journal_init(struct journal *journal, const char *dir, const char *name);
void journal_done(struct journal *journal);

/* One more line. Takes json over. */
void journal_add(struct journal *journal, json_t *json);

/* Should it be written anew, where so many lines would do? */
bool journal_is_long(const struct journal *journal, size_t needed);

/* Between these two journal_add writes the new file. */
void journal_begin(struct journal *journal);
void journal_end(struct journal *journal);

/* Calls visit for each line, in order. No file: no lines. */
void journal_read(const char *dir, const char *name, void (*visit)(void *arg, const json_t *line),
		  void *arg);

#endif
