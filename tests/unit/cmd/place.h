/* SPDX-License-Identifier: Apache-2.0 */
/* A root directory with manifests, for whole command lines. */
#ifndef TESTS_CMD_PLACE_H
#define TESTS_CMD_PLACE_H

#include <ftw.h>
#include <sys/stat.h>

#include "tests/unit/cmd/fixture.h"

struct manifest {
	const char *name, *text;
};

struct place {
	char root[32];
};

/* Makes it the root of all commands that run until place_remove. */
static inline void place_make(struct place *place, const struct manifest *manifests, size_t n)
{
	strcpy(place->root, "/tmp/lbctl-test-XXXXXX");
	assert_non_null(mkdtemp(place->root));
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%s.yaml", place->root, manifests[i].name);
		cleanup_fclose FILE *file = fopen(path, "we");

		assert_non_null(file);
		assert_true(fputs(manifests[i].text, file) >= 0);
	}
	setenv("LBCTL_ROOT", place->root, 1);
}

static inline int place_remove_entry(const char *path, const struct stat *st, int type,
				     struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void place_remove(const struct place *place)
{
	nftw(place->root, place_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	unsetenv("LBCTL_ROOT");
}

/* Runs "apply -f {svc}", that is `lbctl apply -f ROOT/svc.yaml`. */
static inline struct run place_run(const struct place *place, const char *words)
{
	cleanup_free char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	fputs("lbctl ", out);
	for (; *words; words++) {
		if (*words == '{')
			fprintf(out, "%s/", place->root);
		else if (*words == '}')
			fputs(".yaml", out);
		else
			fputc(*words, out);
	}
	fclose(out);
	return run_line(line);
}

#endif
