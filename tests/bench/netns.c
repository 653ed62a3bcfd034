/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/netns.h"

#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "user/util/cleanup.h"

void must(int result, const char *what)
{
	if (result < 0)
		error(1, errno, "%s", what);
}

void netns_enter(const char *id, const char *name, const char *host)
{
	cleanup_close int fd = -EBADF;
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s-%s-%s", id, name, host);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd, path);
	must(setns(fd, CLONE_NEWNET), path);
}

void cpu_take(void)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	must(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
	must(sched_setscheduler(0, SCHED_FIFO, &param), "sched_setscheduler");
}

void progress(unsigned int round, unsigned int rounds)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rround %u of %u%s", round, rounds, round < rounds ? "" : "\n");
}
