/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/journal.h"

#include <errno.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define SLACK 1000 /* lines more than needed that do not matter */

void journal_init(struct journal *journal, const char *dir, const char *name)
{
	*journal = (struct journal){ .path = xasprintf("%s/%s", dir, name) };
}

static void journal_close(struct journal *journal)
{
	if (journal->file)
		fclose(journal->file);
	journal->file = NULL;
}

void journal_done(struct journal *journal)
{
	journal_close(journal);
	free(journal->path);
	*journal = (struct journal){ 0 };
}

/* A full disk must not stop the probes: what is lost is what a restart would remember. */
void journal_add(struct journal *journal, json_t *json)
{
	cleanup_free char *text = NULL;

	if (journal->file && json)
		text = json_dumps(json, JSON_COMPACT);
	if (text) {
		fprintf(journal->file, "%s\n", text);
		fflush(journal->file);
		journal->lines++;
	}
	json_decref(json);
}

bool journal_is_long(const struct journal *journal, size_t needed)
{
	return !journal->file || journal->lines > 2 * needed + SLACK;
}

static char *temporary_path(const struct journal *journal)
{
	return xasprintf("%s.new", journal->path);
}

void journal_begin(struct journal *journal)
{
	cleanup_free char *path = temporary_path(journal);

	journal_close(journal);
	journal->file = fopen(path, "we");
	journal->lines = 0;
}

void journal_end(struct journal *journal)
{
	cleanup_free char *path = temporary_path(journal);

	if (!journal->file)
		return;
	/* Goes on in the same file: the name is all that changes. */
	if (ferror(journal->file) || rename(path, journal->path)) {
		remove(path);
		journal_close(journal);
	}
	journal->lines = 0;
}

void journal_read(const char *dir, const char *name, void (*visit)(void *arg, const json_t *line),
		  void *arg)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name), *line = NULL;
	cleanup_fclose FILE *file = fopen(path, "re");
	size_t room = 0;
	ssize_t length;

	while (file && (length = getline(&line, &room, file)) > 0) {
		cleanup_json json_t *json = json_loadb(line, (size_t)length, 0, NULL);

		if (json_is_object(json))
			visit(arg, json);
	}
}
