/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/diff_dirs.h"

#include <errno.h>

#include "user/k8s/yaml.h"
#include "user/util/cleanup.h"
#include "user/util/spawn.h"
#include "user/util/vec.h"

static int make_dir(const char *name, char **ret_path, struct err *err)
{
	const char *dir = getenv("TMPDIR");
	char *path = xasprintf("%s/%s-XXXXXX", dir && *dir ? dir : "/tmp", name);

	if (!mkdtemp(path)) {
		int code = err_sys(err, -errno, "%s", path);

		free(path);
		return code;
	}
	*ret_path = path;
	return 0;
}

int diff_dirs_open(struct diff_dirs *ret_dirs, struct err *err)
{
	struct diff_dirs dirs = { 0 };
	int code = make_dir("LIVE", &dirs.live, err);

	if (!code)
		code = make_dir("MERGED", &dirs.merged, err);
	if (code)
		diff_dirs_close(&dirs);
	else
		*ret_dirs = dirs;
	return code;
}

static int write_tree(const char *dir, const char *name, const json_t *json, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	bool failed;
	FILE *file;

	if (!json)
		return 0;
	file = fopen(path, "we");
	if (!file)
		return err_sys(err, -errno, "%s", path);
	failed = yaml_print(file, json) != 0;
	failed |= fclose(file) != 0;
	return failed ? err_set(err, -EIO, "%s: cannot be written", path) : 0;
}

int diff_dirs_add(struct diff_dirs *dirs, const char *name, const json_t *live,
		  const json_t *merged, struct err *err)
{
	int code = write_tree(dirs->live, name, live, err);

	/* vec_push is for members named items; these are names. */
	dirs->names = vec_grow(dirs->names, dirs->n, &dirs->room, sizeof(*dirs->names));
	dirs->names[dirs->n++] = xstrdup(name);
	return code ? code : write_tree(dirs->merged, name, merged, err);
}

int diff_dirs_show(const struct diff_dirs *dirs, bool *ret_differ, struct err *err)
{
	char *const argv[] = { "diff", "-u", "-N", dirs->live, dirs->merged, NULL };
	int status, code;

	fflush(stdout);
	code = spawn_wait(argv, &status, err);
	if (code)
		return code;
	if (status > 1)
		return err_set(err, -EIO, "diff failed with exit %d", status);
	*ret_differ = status == 1;
	return 0;
}

static void remove_dir(char *dir, char *const *names, size_t n)
{
	if (!dir)
		return;
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", dir, names[i]);

		unlink(path);
	}
	rmdir(dir);
	free(dir);
}

void diff_dirs_close(struct diff_dirs *dirs)
{
	remove_dir(dirs->live, dirs->names, dirs->n);
	remove_dir(dirs->merged, dirs->names, dirs->n);
	for (size_t i = 0; i < dirs->n; i++)
		free(dirs->names[i]);
	free(dirs->names);
	*dirs = (struct diff_dirs){ 0 };
}
