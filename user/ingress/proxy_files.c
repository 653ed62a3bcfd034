/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/proxy_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/util/cleanup.h"
#include "user/util/num.h"
#include "user/util/vec.h"

#define CONFIG "haproxy.cfg"
#define NOBODY 65534

struct proxy_user proxy_user_find(void)
{
	const struct passwd *entry = getpwnam("haproxy");

	if (!entry)
		entry = getpwnam("nobody");
	if (!entry)
		return (struct proxy_user){ NOBODY, NOBODY };
	return (struct proxy_user){ entry->pw_uid, entry->pw_gid };
}

int proxy_dir_open(const char *path, const struct proxy_user *user, struct err *err)
{
	int dir;

	if (mkdir(path, 0700) && errno != EEXIST)
		return err_sys(err, -errno, "%s", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, -errno, "%s", path);
	if (fchown(dir, user->uid, user->gid) || fchmod(dir, 0700)) {
		err_sys(err, -errno, "%s", path);
		close(dir);
		return -EACCES;
	}
	return dir;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

static int file_write(int folder, const char *name, const char *text, const struct proxy_user *user)
{
	cleanup_close int fd =
		openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (fchown(fd, user->uid, user->gid))
		return -errno;
	return write_all(fd, text, strlen(text));
}

/* The text with folder in the places of RENDER_FOLDER. */
static char *text_place(const char *text, const char *folder)
{
	size_t token = strlen(RENDER_FOLDER), size;
	const char *next;
	char *placed = NULL;
	FILE *out = open_memstream(&placed, &size);

	for (; (next = strstr(text, RENDER_FOLDER)); text = next + token)
		fprintf(out, "%.*s%s", (int)(next - text), text, folder);
	fputs(text, out);
	fclose(out);
	return placed;
}

int proxy_files_write(int dir, unsigned long number, const struct ingress_files *files,
		      const struct proxy_user *user, struct err *err)
{
	cleanup_free char *name = xasprintf("g%lu", number);
	cleanup_close int folder = -EBADF;
	int code;

	if (mkdirat(dir, name, 0700))
		return err_sys(err, -errno, "%s", name);
	folder = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fchown(folder, user->uid, user->gid))
		return err_sys(err, -errno, "%s", name);
	for (size_t i = 0; i < files->n; i++) {
		cleanup_free char *text = text_place(files->items[i].text, name);

		code = file_write(folder, files->items[i].name, text, user);
		if (code)
			return err_sys(err, code, "%s/%s", name, files->items[i].name);
	}
	return 0;
}

int proxy_files_activate(int dir, unsigned long number, struct err *err)
{
	cleanup_free char *from = xasprintf("g%lu/" CONFIG, number);

	if (renameat(dir, from, dir, CONFIG))
		return err_sys(err, -errno, "%s", from);
	return 0;
}

static bool folder_parse(const char *name, unsigned long *ret_number)
{
	uint64_t number;

	if (*name != 'g' || num_parse(name + 1, 0, UINT32_MAX, &number))
		return false;
	*ret_number = (unsigned long)number;
	return true;
}

static void folder_remove(int dir, const char *name)
{
	int folder = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *entries = folder < 0 ? NULL : fdopendir(folder);
	const struct dirent *entry;

	while (entries && (entry = readdir(entries)))
		unlinkat(folder, entry->d_name, 0);
	if (entries)
		closedir(entries);
	unlinkat(dir, name, AT_REMOVEDIR);
}

/* Calls visit for each folder; the directory may change meanwhile. */
static void folders_visit(int dir,
			  void (*visit)(int dir, const char *name, unsigned long number,
					unsigned long *arg),
			  unsigned long *arg)
{
	int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;
	unsigned long number;

	while (entries && (entry = readdir(entries)))
		if (folder_parse(entry->d_name, &number))
			visit(dir, entry->d_name, number, arg);
	if (entries)
		closedir(entries);
}

static void visit_prune(int dir, const char *name, unsigned long number, unsigned long *keep)
{
	if (number != *keep)
		folder_remove(dir, name);
}

void proxy_files_prune(int dir, unsigned long keep)
{
	folders_visit(dir, visit_prune, &keep);
}

static void visit_next(int dir, const char *name, unsigned long number, unsigned long *next)
{
	(void)dir;
	(void)name;
	if (number >= *next)
		*next = number + 1;
}

unsigned long proxy_files_next(int dir)
{
	unsigned long next = 1;

	folders_visit(dir, visit_next, &next);
	return next;
}
