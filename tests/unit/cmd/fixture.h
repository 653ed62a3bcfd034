/* SPDX-License-Identifier: Apache-2.0 */
/* Objects from text, and whole command lines with their output. */
#ifndef TESTS_CMD_FIXTURE_H
#define TESTS_CMD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/cmd/command.h"
#include "user/k8s/manifest.h"
#include "user/model/store.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* A store of the objects of a manifest. */
static inline struct store *store_of(const char *yaml)
{
	struct store *store = store_new();
	struct object_list list = { 0 };
	struct err err;

	if (manifest_parse("test", yaml, strlen(yaml), "default", &list, &err))
		fail_msg("%s", err.text);
	store_load(store, &list);
	object_list_free(&list);
	return store;
}

struct run {
	int code;
	char *out, *err;
};

static inline char *read_back(FILE *file)
{
	long size = ftell(file);
	char *text = xcalloc(1, (size_t)size + 1);

	rewind(file);
	assert_int_equal(fread(text, 1, (size_t)size, file), size);
	fclose(file);
	return text;
}

/* Points a standard stream at a file, returns what it was. */
static inline int divert(FILE *stream, FILE *to)
{
	int saved = dup(fileno(stream));

	assert_true(saved >= 0);
	assert_true(dup2(fileno(to), fileno(stream)) >= 0);
	return saved;
}

static inline void restore(FILE *stream, int saved)
{
	fflush(stream);
	assert_true(dup2(saved, fileno(stream)) >= 0);
	close(saved);
}

/* Runs a command line, words apart by single blanks. */
static inline struct run run_line(const char *line)
{
	cleanup_free char *copy = xstrdup(line);
	FILE *out = tmpfile(), *err = tmpfile();
	VEC(char *) argv = { 0 };
	char *state = NULL;
	int saved_out, saved_err;
	struct run run;

	assert_non_null(out);
	assert_non_null(err);
	for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
		vec_push(&argv, word);
	vec_push(&argv, NULL);
	fflush(stdout);
	fflush(stderr);
	saved_out = divert(stdout, out);
	saved_err = divert(stderr, err);
	run.code = cli_main((int)argv.n - 1, argv.items);
	restore(stdout, saved_out);
	restore(stderr, saved_err);
	/* The descriptors share their offset, so it is the end of what was written. */
	fseek(out, 0, SEEK_END);
	fseek(err, 0, SEEK_END);
	run.out = read_back(out);
	run.err = read_back(err);
	vec_free(&argv);
	return run;
}

static inline void run_done(struct run *run)
{
	free(run->out);
	free(run->err);
}

#endif
