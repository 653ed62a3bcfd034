/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/entrance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/util/cleanup.h"
#include "user/util/num.h"
#include "user/util/vec.h"

#define NOBODY 65534
#define DEFAULT_ENV "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PROC_MAX (1u << 20)

/* --------------------------------------------------------------- opening -- */

/* A file of /proc; NUL-terminated, to be freed. Its size is not known before it is read. */
static int proc_read(int dir, const char *name, char **ret_text, size_t *ret_size, struct err *err)
{
	cleanup_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	VEC(char) text = { 0 };
	char buffer[4096];
	ssize_t n = -1;

	while (fd >= 0 && text.n < PROC_MAX && (n = read(fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			vec_push(&text, buffer[i]);
	}
	if (fd < 0 || n < 0) {
		vec_free(&text);
		return err_sys(err, -errno, "%s", name);
	}
	*ret_size = text.n;
	vec_push(&text, '\0');
	*ret_text = text.items;
	return 0;
}

/* -1: it is the one that we are in already. */
static int space_open(int dir, const char *name, int *ret_fd, struct err *err)
{
	cleanup_free char *theirs = xasprintf("ns/%s", name);
	cleanup_free char *ours = xasprintf("/proc/self/ns/%s", name);
	struct stat a, b;

	*ret_fd = -1;
	if (stat(ours, &b))
		return 0; /* a kind that this kernel does not know */
	if (fstatat(dir, theirs, &a, 0))
		return err_sys(err, -errno, "%s", theirs);
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return 0;
	*ret_fd = openat(dir, theirs, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? err_sys(err, -errno, "%s", theirs) : 0;
}

static int ids_map(int dir, struct privilege *privilege, struct err *err)
{
	cleanup_free char *users = NULL, *groups = NULL;
	size_t size;
	int rc = proc_read(dir, "uid_map", &users, &size, err);

	if (!rc)
		rc = proc_read(dir, "gid_map", &groups, &size, err);
	if (rc)
		return rc;
	rc = privilege_map(users, privilege->uid, &privilege->uid);
	if (!rc)
		rc = privilege_map(groups, privilege->gid, &privilege->gid);
	for (size_t i = 0; !rc && i < privilege->n_groups; i++)
		rc = privilege_map(groups, privilege->groups[i], &privilege->groups[i]);
	return rc ? err_set(err, rc, "its user or group is not mapped") : 0;
}

static int spaces_open(int dir, struct entrance *entrance, struct err *err)
{
	/* We have every right outside, but only what is within the new user namespace behind it. */
	static const char *const names[] = { "cgroup", "ipc", "uts", "net", "time", "mnt", "user" };
	int fd, rc;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		rc = space_open(dir, names[i], &fd, err);
		if (rc)
			return rc;
		if (fd < 0)
			continue;
		entrance->spaces[entrance->n_spaces++] = fd;
		if (!strcmp(names[i], "user"))
			rc = ids_map(dir, &entrance->privilege, err);
		if (rc)
			return rc;
	}
	return space_open(dir, "pid", &entrance->pid_space, err);
}

static void env_split(struct entrance *entrance, size_t size)
{
	VEC(char *) env = { 0 };

	for (size_t at = 0; at < size; at += strlen(entrance->environ + at) + 1)
		vec_push(&env, entrance->environ + at);
	vec_push(&env, NULL);
	entrance->env = env.items;
}

static int process_open(const struct place *place, struct entrance *entrance, struct err *err)
{
	cleanup_free char *path = xasprintf("/proc/%s", place->pid), *status = NULL;
	cleanup_close int dir = -EBADF;
	uint64_t pid;
	size_t size;
	int rc;

	if (num_parse(place->pid, 1, INT_MAX, &pid))
		return err_set(err, -EINVAL, "not the number of a process");
	/* Everything is opened through it: the process that had the number then, or none. */
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(err, -ESRCH, "there is no such process");
	rc = proc_read(dir, "status", &status, &size, err);
	if (!rc)
		rc = privilege_parse(status, &entrance->privilege, err);
	if (!rc)
		rc = proc_read(dir, "environ", &entrance->environ, &size, err);
	if (rc)
		return rc;
	env_split(entrance, size);
	rc = spaces_open(dir, entrance, err);
	if (rc)
		return rc;
	entrance->root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	entrance->cwd = openat(dir, "cwd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return entrance->root < 0 ? err_sys(err, -errno, "root") : 0;
}

static int netns_open(const struct place *place, struct entrance *entrance, struct err *err)
{
	uid_t uid = place->user >= 0 ? (uid_t)place->user : NOBODY;
	gid_t gid = place->group >= 0 ? (gid_t)place->group : place->user == 0 ? 0 : NOBODY;
	int fd = open(place->netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, -errno, "%s", place->netns);
	entrance->spaces[entrance->n_spaces++] = fd;
	privilege_least(uid, gid, &entrance->privilege);
	entrance->environ = xstrdup(DEFAULT_ENV);
	env_split(entrance, strlen(DEFAULT_ENV) + 1);
	if (!place->root)
		return 0;
	entrance->root = open(place->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return entrance->root < 0 ? err_sys(err, -errno, "%s", place->root) : 0;
}

int entrance_open(const struct place *place, struct entrance *ret_entrance, struct err *err)
{
	struct entrance entrance = { .pid_space = -1, .root = -1, .cwd = -1 };
	int rc;

	if (place->pid) {
		rc = process_open(place, &entrance, err);
		if (rc)
			err_wrap(err, rc, "process %s", place->pid);
	} else if (place->netns) {
		rc = netns_open(place, &entrance, err);
	} else {
		rc = err_set(err, -ENOENT,
			     "neither annotation lbctl.io/pid nor lbctl.io/netns says where to "
			     "run it");
	}
	if (rc)
		entrance_close(&entrance);
	else
		*ret_entrance = entrance;
	return rc;
}

static void fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

void entrance_close(struct entrance *entrance)
{
	for (size_t i = 0; i < entrance->n_spaces; i++)
		close(entrance->spaces[i]);
	fd_close(entrance->pid_space);
	fd_close(entrance->root);
	fd_close(entrance->cwd);
	free(entrance->env);
	free(entrance->environ);
}

/* --------------------------------------------------------------- walking -- */

static const char *root_enter(const struct entrance *entrance)
{
	if (entrance->root < 0)
		return NULL;
	if (fchdir(entrance->root) || chroot("."))
		return "chroot";
	/* A directory that is gone or not to be entered leaves it at the root. */
	if (entrance->cwd < 0 || fchdir(entrance->cwd))
		return chdir("/") ? "chdir" : NULL;
	return NULL;
}

const char *entrance_walk(const struct entrance *entrance)
{
	const char *failed;

	for (size_t i = 0; i < entrance->n_spaces; i++) {
		if (setns(entrance->spaces[i], 0))
			return "setns";
	}
	failed = root_enter(entrance);
	return failed ? failed : privilege_assume(&entrance->privilege);
}

static const char *path_of(char *const *env)
{
	for (; *env; env++) {
		if (!strncmp(*env, "PATH=", 5))
			return *env + 5;
	}
	return DEFAULT_ENV + 5;
}

void entrance_exec(const struct entrance *entrance, const char *const *command)
{
	const char *path = path_of(entrance->env);
	size_t name = strlen(command[0]);
	char file[PATH_MAX];
	int error = ENOENT;

	if (strchr(command[0], '/')) {
		execve(command[0], (char *const *)command, entrance->env);
		return;
	}
	while (*path) {
		size_t length = strcspn(path, ":");

		if (length && length + 1 + name < sizeof(file)) {
			memcpy(file, path, length);
			file[length] = '/';
			memcpy(file + length + 1, command[0], name + 1);
			execve(file, (char *const *)command, entrance->env);
			if (errno != ENOENT && errno != ENOTDIR)
				error = errno;
		}
		path += length;
		path += *path == ':';
	}
	errno = error;
}
