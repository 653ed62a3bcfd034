/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "user/datapath/pin.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

static char *private_path(const struct paths *paths)
{
	return xasprintf("%s/cgroup", paths->run);
}

/* The shortest one: several mounts show the same tree, some of them a part of it. */
static char *cgroup_find(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	char *found = NULL;

	while (mounts && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2"))
			continue;
		if (found && strlen(found) <= strlen(entry->mnt_dir))
			continue;
		free(found);
		found = xstrdup(entry->mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

int cgroup_root(const struct paths *paths, char **ret_path, bool *ret_mounted, struct err *err)
{
	cleanup_free char *path = cgroup_find();
	bool mounted = false;
	int r;

	if (!path) {
		path = private_path(paths);
		r = pin_make_folder(path, err);
		if (r)
			return r;
		if (mount("none", path, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
			return err_sys(err, -errno, "cannot mount cgroup v2 on %s", path);
		mounted = true;
	}
	*ret_path = TAKE_PTR(path);
	*ret_mounted = mounted;
	return 0;
}

void cgroup_unmount(const struct paths *paths)
{
	cleanup_free char *path = private_path(paths);

	umount2(path, MNT_DETACH);
	rmdir(path);
}

int cgroup_open(const char *path, int *ret_fd, uint64_t *ret_id, struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return err_sys(err, -errno, "cannot open the cgroup %s", path);
	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return err_sys(err, -errno, "cannot read the cgroup %s", path);
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return err_set(
			err, -ENOTDIR,
			"%s is not a cgroup v2 folder; `findmnt -t cgroup2` shows where they "
			"are, and --cgroup none goes without the socket hooks",
			path);
	*ret_id = st.st_ino;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
