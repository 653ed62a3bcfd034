/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock_diag ends sockets of the network namespace that it is asked in. A child enters them, one
 * after the other: the agent itself has threads and must stay where it is. After fork() the
 * child of a process with threads may do system calls and little else, so namespaces are opened
 * before, and answers read behind it.
 */
#include "user/datapath/sockets_end.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/util/addr.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define PROC "/proc"
#define NAMED "/run/netns" /* ip netns: one may outlive its processes */
#define MESSAGE_SIZE 256

/* The sockets of one namespace: a part of the sorted list. */
struct space {
	uint32_t inode;
	int fd; /* -EBADF: not found */
	const struct lb_void_socket *sockets;
	size_t n;
};

struct space_list {
	struct space *items; /* sorted by inode */
	size_t n, room;
};

/* What the child has to tell. */
struct outcome {
	uint32_t ended;
	int32_t error; /* the first one, -errno */
};

/* -------------------------------------------------------------- namespaces -- */

static int netns_compare(const void *a, const void *b)
{
	const struct lb_void_socket *x = a, *y = b;

	return (x->netns > y->netns) - (x->netns < y->netns);
}

static void spaces_split(struct void_list *list, struct space_list *spaces)
{
	qsort(list->items, list->n, sizeof(*list->items), netns_compare);
	for (size_t i = 0; i < list->n; i++) {
		const struct lb_void_socket *socket = &list->items[i];

		if (!spaces->n || spaces->items[spaces->n - 1].inode != socket->netns)
			vec_push(spaces, ((struct space){ .inode = socket->netns,
							  .fd = -EBADF,
							  .sockets = socket }));
		spaces->items[spaces->n - 1].n++;
	}
}

static struct space *space_find(const struct space_list *spaces, ino_t inode)
{
	for (size_t i = 0; i < spaces->n; i++) {
		if (spaces->items[i].inode == inode)
			return &spaces->items[i];
	}
	return NULL;
}

/* Keeps path open if it is a namespace that is looked for. */
static void space_try(const struct space_list *spaces, int dir, const char *path)
{
	struct space *space;
	struct stat st;
	int fd;

	if (fstatat(dir, path, &st, 0))
		return;
	space = space_find(spaces, st.st_ino);
	if (!space || space->fd >= 0)
		return;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	/* The process may be another by now. */
	if (fd >= 0 && !fstat(fd, &st) && st.st_ino == space->inode)
		space->fd = fd;
	else if (fd >= 0)
		close(fd);
}

static bool spaces_complete(const struct space_list *spaces)
{
	for (size_t i = 0; i < spaces->n; i++) {
		if (spaces->items[i].fd < 0)
			return false;
	}
	return true;
}

/* In each entry of a directory, or in what lies below it. */
static void spaces_search(const struct space_list *spaces, const char *path, const char *below)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && !spaces_complete(spaces) && (entry = readdir(dir))) {
		cleanup_free char *name = xasprintf("%s%s", entry->d_name, below);

		space_try(spaces, dirfd(dir), name);
	}
	if (dir)
		closedir(dir);
}

static void spaces_close(struct space_list *spaces)
{
	for (size_t i = 0; i < spaces->n; i++) {
		if (spaces->items[i].fd >= 0)
			close(spaces->items[i].fd);
	}
	vec_free(spaces);
}

/* --------------------------------------------------------------- the child -- */

static void address_put(__be32 out[4], const struct lb_addr *addr, bool v4)
{
	memcpy(out, v4 ? &addr->word[3] : addr->word, v4 ? 4 : 16);
}

static struct nlmsghdr *request_fill(char buffer[MESSAGE_SIZE], const struct lb_void_socket *socket)
{
	bool v4 = addr_is_v4(&socket->daddr);
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *body = mnl_nlmsg_put_extra_header(message, sizeof(*body));

	message->nlmsg_type = SOCK_DESTROY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	body->sdiag_family = v4 ? AF_INET : AF_INET6;
	body->sdiag_protocol = socket->proto;
	body->idiag_states = UINT32_MAX;
	body->id.idiag_sport = socket->sport;
	body->id.idiag_dport = socket->dport;
	body->id.idiag_if = socket->ifindex;
	address_put(body->id.idiag_src, &socket->saddr, v4);
	address_put(body->id.idiag_dst, &socket->daddr, v4);
	/* Nobody else's, should the addresses have a new owner. */
	body->id.idiag_cookie[0] = (uint32_t)socket->cookie;
	body->id.idiag_cookie[1] = (uint32_t)(socket->cookie >> 32);
	return message;
}

/* The kernel answers while it is asked: nothing to wait for. */
static int socket_end(int netlink, const struct lb_void_socket *socket)
{
	char buffer[MESSAGE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	char answer[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *message = request_fill(buffer, socket);
	const struct nlmsghdr *head = (const struct nlmsghdr *)answer;
	ssize_t n;

	if (send(netlink, message, message->nlmsg_len, 0) < 0)
		return -errno;
	n = recv(netlink, answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if ((size_t)n < NLMSG_LENGTH(sizeof(struct nlmsgerr)) || head->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return ((const struct nlmsgerr *)NLMSG_DATA(head))->error;
}

int sockets_end_try(void)
{
	const struct lb_void_socket nobody = { .proto = IPPROTO_TCP };
	cleanup_close int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int rc = netlink < 0 ? -errno : socket_end(netlink, &nobody);

	if (rc == -EOPNOTSUPP)
		return 0;
	return rc == -ENOENT ? 1 : rc;
}

static void space_end(const struct space *space, struct outcome *outcome)
{
	int netlink, error = setns(space->fd, CLONE_NEWNET) ? -errno : 0;

	netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (netlink < 0)
		error = error ?: -errno;
	for (size_t i = 0; i < space->n && !error; i++) {
		int rc = socket_end(netlink, &space->sockets[i]);

		if (!rc)
			outcome->ended++;
		else if (rc != -ENOENT)
			error = rc;
	}
	if (netlink >= 0)
		close(netlink);
	outcome->error = outcome->error ?: error;
}

static void child_run(const struct space_list *spaces, int out)
{
	struct outcome outcome = { 0 };

	for (size_t i = 0; i < spaces->n; i++) {
		if (spaces->items[i].fd >= 0)
			space_end(&spaces->items[i], &outcome);
	}
	_exit(write(out, &outcome, sizeof(outcome)) == sizeof(outcome) ? 0 : 1);
}

/* -------------------------------------------------------------- the parent -- */

/* The child takes no signals: our handlers would tell the loop that it shares with us. */
static pid_t child_fork(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (pid)
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static int child_wait(const struct space_list *spaces, struct outcome *ret_outcome)
{
	int pipes[2], error = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	pid = child_fork();
	if (!pid)
		child_run(spaces, pipes[1]);
	if (pid < 0)
		error = -errno;
	close(pipes[1]);
	do {
		n = read(pipes[0], ret_outcome, sizeof(*ret_outcome));
	} while (n < 0 && errno == EINTR);
	close(pipes[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return error ?: n == sizeof(*ret_outcome) ? 0 : -ECHILD;
}

int sockets_end(struct void_list *list, size_t *ret_ended, struct err *err)
{
	struct space_list spaces = { 0 };
	struct outcome outcome = { 0 };
	bool complete;
	int rc;

	spaces_split(list, &spaces);
	space_try(&spaces, AT_FDCWD, PROC "/self/ns/net");
	spaces_search(&spaces, PROC, "/ns/net");
	spaces_search(&spaces, NAMED, "");
	complete = spaces_complete(&spaces);
	rc = child_wait(&spaces, &outcome);
	spaces_close(&spaces);
	rc = rc ?: outcome.error;
	if (rc == -EOPNOTSUPP)
		return err_set(err, rc, "the kernel cannot end sockets (CONFIG_INET_DIAG_DESTROY)");
	if (rc)
		return err_sys(err, rc, "cannot end sockets of former backends");
	if (!complete)
		return err_set(err, -ESRCH,
			       "some sockets of former backends are in a network namespace that "
			       "no process lives in");
	*ret_ended = outcome.ended;
	return 0;
}
