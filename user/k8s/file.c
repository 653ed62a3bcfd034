/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define FILE_MAX (64u << 20)
#define CHUNK (64u << 10)

static int read_all(int fd, const char *path, char **ret_text, size_t *ret_size, struct err *err)
{
	size_t size = 0, room = CHUNK;
	cleanup_free char *text = xmalloc(room + 1);

	for (;;) {
		ssize_t n = read(fd, text + size, room - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, -errno, "%s", path);
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > FILE_MAX)
			return err_set(err, -EFBIG, "%s:1: larger than %u MiB", path,
				       FILE_MAX >> 20);
		if (size == room) {
			char *grown = xmalloc(room * 2 + 1);

			memcpy(grown, text, size);
			free(text);
			text = grown;
			room *= 2;
		}
	}
	text[size] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

int file_read(const char *path, char **ret_text, size_t *ret_size, struct err *err)
{
	cleanup_close int fd = -EBADF;

	if (!strcmp(path, "-"))
		return read_all(STDIN_FILENO, "standard input", ret_text, ret_size, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "%s", path);
	return read_all(fd, path, ret_text, ret_size, err);
}

static bool has_suffix(const char *name, const char *const *suffixes)
{
	size_t length = strlen(name);

	for (; suffixes && *suffixes; suffixes++) {
		size_t tail = strlen(*suffixes);

		if (length > tail && !strcmp(name + length - tail, *suffixes))
			return true;
	}
	return false;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int dir_read(const char *path, const char *const *suffixes, char ***ret_names, size_t *ret_n,
	     struct err *err)
{
	VEC(char *) names = { 0 };
	const struct dirent *entry;
	DIR *dir = opendir(path);
	int r;

	if (!dir)
		return err_sys(err, -errno, "%s", path);
	errno = 0;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && (!suffixes || has_suffix(entry->d_name, suffixes)))
			vec_push(&names, xstrdup(entry->d_name));
	r = -errno;
	closedir(dir);
	if (r) {
		dir_names_free(names.items, names.n);
		return err_sys(err, r, "%s", path);
	}
	if (names.n)
		qsort(names.items, names.n, sizeof(*names.items), name_compare);
	*ret_names = names.items;
	*ret_n = names.n;
	return 0;
}

void dir_names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
