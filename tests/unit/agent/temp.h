/* SPDX-License-Identifier: Apache-2.0 */
/* A root directory for one test. */
#ifndef TESTS_AGENT_TEMP_H
#define TESTS_AGENT_TEMP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/util/cleanup.h"
#include "user/util/paths.h"
#include "user/util/vec.h"

struct temp {
	char root[64];
	struct paths paths;
};

static inline int temp_setup(void **state)
{
	struct temp *temp = xcalloc(1, sizeof(*temp));

	strcpy(temp->root, "/tmp/lbctl-test-XXXXXX");
	if (!mkdtemp(temp->root))
		return -1;
	paths_init(&temp->paths, temp->root, NULL);
	*state = temp;
	return 0;
}

static inline int temp_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int temp_teardown(void **state)
{
	struct temp *temp = *state;
	int rc = nftw(temp->root, temp_remove, 8, FTW_DEPTH | FTW_PHYS);

	paths_done(&temp->paths);
	free(temp);
	return rc;
}

/* Writes a file below the root; its directory exists. */
static inline void temp_write(const struct temp *temp, const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/%s", temp->root, name);
	cleanup_fclose FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static inline void temp_mkdir(const struct temp *temp, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", temp->root, name);

	assert_int_equal(mkdir(path, 0755), 0);
}

#define temp_test(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)

#endif
