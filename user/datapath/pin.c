/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/pin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "lb/types.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define SYSTEM_BPFFS "/sys/fs/bpf"

int pin_make_folder(const char *path, struct err *err)
{
	cleanup_free char *copy = xstrdup(path);

	for (char *p = copy + 1;; p++) {
		if (*p && *p != '/')
			continue;
		char saved = *p;

		*p = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			return err_sys(err, -errno, "cannot create folder %s", copy);
		*p = saved;
		if (!saved)
			return 0;
	}
}

int pin_lock(const struct paths *paths, int *ret_fd, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/datapath.lock", paths->run);
	cleanup_close int fd = -EBADF;
	int r = pin_make_folder(paths->run, err);

	if (r)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, -errno, "cannot open %s", path);
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return err_sys(err, -errno, "cannot lock %s", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

static int bpffs_mount(const char *path, struct err *err)
{
	int r = pin_make_folder(path, err);

	if (r || is_bpffs(path))
		return r;
	if (mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, "mode=0700"))
		return err_sys(err, -errno, "cannot mount a bpffs on %s", path);
	return 0;
}

int pin_prepare(const struct paths *paths, struct err *err)
{
	static const char *const folders[] = { "link", "prog" };
	int r = bpffs_mount(paths->own_bpffs ? paths->bpf : SYSTEM_BPFFS, err);

	for (size_t i = 0; !r && i < ARRAY_LEN(folders); i++) {
		cleanup_free char *path = pin_path(paths, NULL, folders[i]);

		r = pin_make_folder(path, err);
	}
	return r;
}

/* Depth is at most 3: v<ABI>/prog/lb_xdp. */
static int folder_remove(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		cleanup_free char *child = xasprintf("%s/%s", path, entry->d_name);
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (lstat(child, &st))
			r = -errno;
		else if (S_ISDIR(st.st_mode))
			r = folder_remove(child) ?: r;
		else if (unlink(child))
			r = -errno;
	}
	closedir(dir);
	if (!r && rmdir(path))
		r = -errno;
	return r;
}

void pin_remove_folder(const struct paths *paths, const char *folder)
{
	cleanup_free char *path = pin_path(paths, NULL, folder);

	folder_remove(path);
}

int pin_remove_all(const struct paths *paths, struct err *err)
{
	int r;

	if (!is_bpffs(paths->bpf))
		return 0;
	if (!paths->own_bpffs) {
		r = folder_remove(paths->bpf);
		return r ? err_sys(err, r, "cannot remove %s", paths->bpf) : 0;
	}
	/* The pins go first: a lazy unmount alone keeps them while somebody stands in it. */
	for (unsigned int abi = LB_ABI; abi || pin_other_abi(paths, &abi); abi = 0) {
		cleanup_free char *path = xasprintf("%s/v%u", paths->bpf, abi);

		r = folder_remove(path);
		if (r)
			return err_sys(err, r, "cannot remove %s", path);
	}
	if (umount2(paths->bpf, MNT_DETACH))
		return err_sys(err, -errno, "cannot unmount %s", paths->bpf);
	rmdir(paths->bpf);
	return 0;
}

bool pin_other_abi(const struct paths *paths, unsigned int *ret_abi)
{
	DIR *dir = opendir(paths->bpf);
	struct dirent *entry;
	unsigned int abi;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "v%u", &abi) == 1 && abi != LB_ABI) {
			*ret_abi = abi;
			found = true;
		}
	}
	closedir(dir);
	return found;
}

char *pin_path(const struct paths *paths, const char *folder, const char *name)
{
	return xasprintf("%s/v%d%s%s/%s", paths->bpf, LB_ABI, folder ? "/" : "",
			 folder ? folder : "", name);
}

char *pin_link_path(const struct paths *paths, const char *device, const char *hook)
{
	char encoded[64 + 1];
	size_t n = 0;

	for (const char *p = device; *p && n + 4 < sizeof(encoded); p++) {
		if (*p == '.' || *p == '%')
			n += (size_t)sprintf(encoded + n, "%%%02x", *p);
		else
			encoded[n++] = *p;
	}
	encoded[n] = '\0';
	cleanup_free char *name = xasprintf("%s-%s", encoded, hook);

	return pin_path(paths, "link", name);
}

bool pin_link_device(const char *name, const char *hook, char *ret_device, size_t size)
{
	size_t length = strlen(name), tail = strlen(hook) + 1, n = 0;
	unsigned int code;

	if (length <= tail || name[length - tail] != '-' || strcmp(name + length - tail + 1, hook))
		return false;
	for (const char *p = name; p < name + length - tail && n + 1 < size; p++) {
		if (*p == '%' && sscanf(p + 1, "%2x", &code) == 1) {
			ret_device[n++] = (char)code;
			p += 2;
		} else {
			ret_device[n++] = *p;
		}
	}
	ret_device[n] = '\0';
	return true;
}

int pin_each(const struct paths *paths, const char *folder,
	     int (*visit)(void *arg, const char *name), void *arg)
{
	cleanup_free char *path = pin_path(paths, folder, "");
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return 0;
	while (!r && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = visit(arg, entry->d_name);
	closedir(dir);
	return r;
}
