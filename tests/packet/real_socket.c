/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/packet/real_socket.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/datapath/cgroup.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

static struct {
	char *root, *path; /* path NULL: not there yet */
	int fd;
	bool mounted;
	struct paths paths;
} group;

/* ------------------------------------------------------------------ cgroup -- */

static int group_enter(const char *path)
{
	cleanup_free char *file = xasprintf("%s/cgroup.procs", path);
	cleanup_close int fd = open(file, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "0", 1) < 0 ? -errno : 0;
}

static int group_open(struct err *err)
{
	uint64_t id;
	int r;

	if (group.path)
		return 0;
	paths_init(&group.paths, "/tmp/lb-real", NULL);
	r = cgroup_root(&group.paths, &group.root, &group.mounted, err);
	if (r)
		return r;
	group.path = xasprintf("%s/lb-real-%d", group.root, getpid());
	if (mkdir(group.path, 0755))
		return err_sys(err, -errno, "cannot make %s", group.path);
	r = cgroup_open(group.path, &group.fd, &id, err);
	if (r)
		return r;
	r = group_enter(group.path);
	return r ? err_sys(err, r, "cannot enter %s", group.path) : 0;
}

void real_socket_done(void)
{
	if (!group.path)
		return;
	close(group.fd);
	if (group_enter(group.root) || rmdir(group.path))
		fprintf(stderr, "%s stays behind\n", group.path);
	if (group.mounted)
		cgroup_unmount(&group.paths);
	paths_done(&group.paths);
	free(group.path);
	free(group.root);
	group.path = NULL;
}

/* ------------------------------------------------------------------ socket -- */

static socklen_t sockaddr_make(const struct lb_addr *addr, __be16 port, struct sockaddr_storage *to)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (addr_is_v4(addr)) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		v4->sin_addr.s_addr = addr->word[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	memcpy(&v6->sin6_addr, addr, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

static void sockaddr_read(const struct sockaddr_storage *from, struct lb_addr *addr, __be16 *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	*addr = from->ss_family == AF_INET ? addr_from_v4(v4->sin_addr.s_addr)
					   : addr_from_v6(&v6->sin6_addr);
	*port = from->ss_family == AF_INET ? v4->sin_port : v6->sin6_port;
}

/* A TCP socket that waits for its answer has a peer in /proc alone. */
static int tcp_peer(int fd, bool v4, struct lb_addr *addr, __be16 *port)
{
	cleanup_fclose FILE *in = fopen(v4 ? "/proc/net/tcp" : "/proc/net/tcp6", "re");
	unsigned int words[4], local, remote;
	struct sockaddr_storage own;
	socklen_t size = sizeof(own);
	struct lb_addr ignored;
	__be16 own_port;
	char line[256];

	if (!in || getsockname(fd, (struct sockaddr *)&own, &size))
		return -errno;
	sockaddr_read(&own, &ignored, &own_port);
	while (fgets(line, sizeof(line), in)) {
		int n = v4 ? sscanf(line, " %*d: %*8X:%X %8X:%X", &local, &words[3], &remote)
			   : sscanf(line, " %*d: %*32X:%X %8X%8X%8X%8X:%X", &local, &words[0],
				    &words[1], &words[2], &words[3], &remote);

		if (n != (v4 ? 3 : 6) || local != ntohs(own_port))
			continue;
		if (v4)
			*addr = addr_from_v4(words[3]);
		else
			memcpy(addr, words, sizeof(*addr));
		*port = htons((uint16_t)remote);
		return 0;
	}
	return -ENOENT;
}

static int socket_peer(int fd, const struct explain_question *question, struct real_socket *ret)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	if (question->proto == IPPROTO_TCP)
		return tcp_peer(fd, addr_is_v4(&question->to), &ret->dest, &ret->port);
	if (getpeername(fd, (struct sockaddr *)&peer, &size))
		return -errno;
	sockaddr_read(&peer, &ret->dest, &ret->port);
	return 0;
}

static int socket_try(const struct explain_question *question, struct real_socket *ret,
		      struct err *err)
{
	bool v4 = addr_is_v4(&question->to), tcp = question->proto == IPPROTO_TCP;
	cleanup_close int fd = socket(v4 ? AF_INET : AF_INET6,
				      (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
	struct sockaddr_storage to;
	socklen_t size = sockaddr_make(&question->to, question->to_port, &to);
	int r;

	if (fd < 0)
		return err_sys(err, -errno, "cannot make a socket");
	r = connect(fd, (struct sockaddr *)&to, size) ? -errno : 0;
	if (r == -ECONNREFUSED || r == -EHOSTUNREACH) {
		ret->verdict = r == -ECONNREFUSED ? LB_EXPLAIN_REJECT : LB_EXPLAIN_DROP;
		return 0;
	}
	if (r && r != -EINPROGRESS)
		return err_sys(err, r, "connect");
	r = socket_peer(fd, question, ret);
	if (r)
		return err_sys(err, r, "the socket's peer");
	ret->verdict = addr_compare(&ret->dest, &question->to) || ret->port != question->to_port
			       ? LB_EXPLAIN_FORWARD
			       : LB_EXPLAIN_PASS;
	return 0;
}

int real_socket_connect(const struct programs *programs, const struct explain_question *question,
			struct real_socket *ret_socket, struct err *err)
{
	bool v4 = addr_is_v4(&question->to);
	int prog = programs->fd[v4 ? PROGRAM_CONNECT4 : PROGRAM_CONNECT6];
	enum bpf_attach_type type = v4 ? BPF_CGROUP_INET4_CONNECT : BPF_CGROUP_INET6_CONNECT;
	struct real_socket socket = { 0 };
	int r = group_open(err);

	if (r)
		return r;
	r = bpf_prog_attach(prog, group.fd, type, 0);
	if (r)
		return err_sys(err, r, "cannot attach the socket hook");
	r = socket_try(question, &socket, err);
	bpf_prog_detach2(prog, group.fd, type);
	if (!r)
		*ret_socket = socket;
	return r;
}
