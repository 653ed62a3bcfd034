/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define LOCK_POLL_MS 5

/* mkdir -p */
static int make_directory(const char *path, struct err *err)
{
	cleanup_free char *part = xstrdup(path);
	char *slash = part;

	do {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return err_sys(err, -errno, "%s", part);
		if (slash)
			*slash = '/';
	} while (slash);
	return 0;
}

static int lock_open(const struct paths *paths, const char *name, struct err *err)
{
	cleanup_free char *file = xasprintf("%s/%s", paths->run, name);
	int fd, rc;

	rc = make_directory(paths->run, err);
	if (rc)
		return rc;
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 ? fd : err_sys(err, -errno, "%s", file);
}

static int agent_lock_refuse(const struct paths *paths, int fd, struct err *err)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return err_set(err, -EBUSY, "an agent is already running for %s (pid %s)", paths->run,
		       *pid ? pid : "unknown");
}

int lock_agent(const struct paths *paths, struct err *err)
{
	cleanup_close int fd = lock_open(paths, "agent.lock", err);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return agent_lock_refuse(paths, fd, err);
		return err_sys(err, -errno, "%s/agent.lock", paths->run);
	}
	if (ftruncate(fd, 0) || dprintf(fd, "%d\n", getpid()) < 0)
		return err_sys(err, -errno, "%s/agent.lock", paths->run);
	return TAKE_FD(fd);
}

int lock_sync_take(const struct paths *paths, int wait_ms, struct lock_sync *ret_lock,
		   struct err *err)
{
	cleanup_close int fd = lock_open(paths, "sync.lock", err);
	const struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000 };
	uint64_t writes = 0;

	if (fd < 0)
		return fd;
	/* Polled, since a wait in flock could not be bounded without a signal. */
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return err_sys(err, -errno, "%s/sync.lock", paths->run);
		if (wait_ms <= 0)
			return err_set(err, -EBUSY, "%s/sync.lock: held by another lbctl",
				       paths->run);
		nanosleep(&pause, NULL);
		wait_ms -= LOCK_POLL_MS;
	}
	/* An empty or short file is a new one: nobody has written yet. */
	if (pread(fd, &writes, sizeof(writes), 0) != sizeof(writes))
		writes = 0;
	*ret_lock = (struct lock_sync){ .fd = TAKE_FD(fd), .writes = writes };
	return 0;
}

int lock_sync_count(struct lock_sync *lock, struct err *err)
{
	uint64_t writes = lock->writes + 1;

	if (pwrite(lock->fd, &writes, sizeof(writes), 0) != sizeof(writes))
		return err_sys(err, -EIO, "sync.lock");
	lock->writes = writes;
	return 0;
}

void lock_sync_release(struct lock_sync *lock)
{
	close(lock->fd);
	lock->fd = -EBADF;
}
