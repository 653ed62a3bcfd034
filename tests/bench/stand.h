/* SPDX-License-Identifier: Apache-2.0 */
/* A real agent with real maps in a network namespace of its own, for benchmarks of the agent. */
#ifndef TESTS_BENCH_STAND_H
#define TESTS_BENCH_STAND_H

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lb/maps.h"
#include "lb/types.h"
#include "user/util/cleanup.h"
#include "user/util/num.h"
#include "user/util/vec.h"

struct stand {
	const char *lbctl;
	char root[64];
	pid_t agent;
	struct lb_backend *backends; /* the mapped lb_backend */
};

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

static inline void run(const char *command)
{
	if (system(command)) {
		fprintf(stderr, "%s: failed: %s\n", program_invocation_short_name, command);
		exit(1);
	}
}

static inline int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Its own network, with lo and 10.1.0.0/16 on it, and eth0. */
static inline void stand_up(struct stand *stand)
{
	strcpy(stand->root, "/tmp/bench-agent-XXXXXX");
	if (!mkdtemp(stand->root))
		die(stand->root);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	run("ip link set lo up && ip addr add 10.1.0.1/16 dev lo && "
	    "ip link add eth0 type veth peer name eth1 && ip link set eth0 up && "
	    "ip addr add 192.0.2.1/24 dev eth0");
}

static inline void stand_attach(struct stand *stand)
{
	cleanup_free char *attach =
		xasprintf("%s --root %s attach eth0 --mode generic --cgroup none >/dev/null",
			  stand->lbctl, stand->root);
	cleanup_free char *path = NULL;
	int fd;

	run(attach);
	path = xasprintf("%s/bpf/v%d/lb_backend", stand->root, LB_ABI);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die(path);
	stand->backends = mmap(NULL, LB_MAX_BACKENDS * sizeof(*stand->backends), PROT_READ,
			       MAP_SHARED, fd, 0);
	if (stand->backends == MAP_FAILED)
		die("mmap lb_backend");
}

/* option, value: of `lbctl agent`; or NULL. */
static inline void stand_start(struct stand *stand, const char *option, const char *value)
{
	cleanup_free char *log = xasprintf("%s/agent.log", stand->root);

	stand->agent = fork();
	if (!stand->agent) {
		int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		dup2(fd, STDERR_FILENO);
		execl(stand->lbctl, "lbctl", "--root", stand->root, "agent", option, value, NULL);
		die(stand->lbctl);
	}
}

static inline void stand_down(struct stand *stand)
{
	cleanup_free char *command =
		xasprintf("%s --root %s detach --all >/dev/null; umount %s/bpf "
			  "2>/dev/null; rm -rf --one-file-system %s",
			  stand->lbctl, stand->root, stand->root, stand->root);

	if (stand->agent > 0) {
		kill(stand->agent, SIGTERM);
		waitpid(stand->agent, NULL, 0);
	}
	run(command);
}

/* Seconds that the agent has used. */
static inline double agent_cpu(const struct stand *stand)
{
	cleanup_free char *path = xasprintf("/proc/%d/stat", stand->agent);
	cleanup_fclose FILE *file = fopen(path, "re");
	unsigned long user = 0, system = 0;

	if (!file ||
	    fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		   &system) != 2)
		die(path);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static inline bool backend_serves(const volatile struct lb_backend *backend)
{
	return backend->service && !(backend->flags & (LB_BACKEND_DRAINING | LB_BACKEND_GONE));
}

static inline int int64_compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static inline uint64_t number(const char *text, uint64_t max)
{
	uint64_t value;

	if (num_parse(text, 1, max, &value)) {
		fprintf(stderr, "%s: %s is no number up to %lu\n", program_invocation_short_name,
			text, (unsigned long)max);
		exit(2);
	}
	return value;
}

#endif
