/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echod NAME PORT [ADDRESS...]: answers each line on TCP, and on SCTP where the kernel has it, and
 * each datagram on UDP, with "NAME CLIENT-ADDRESS"; the answer to a datagram is at least as long as
 * that. Without addresses it listens on all, IPv4 and IPv6. Ends by signal.
 *
 * It is one thread and gives slow readers no buffer: an answer that does not fit at once
 * closes the connection. Enough for a test, not for more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/net/tools/peer.h"
#include "user/util/num.h"

enum kind { LISTENER, CONNECTION, DATAGRAM };

struct server {
	const char *name;
	int epoll;
};

static void die(const char *what)
{
	fprintf(stderr, "echod: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(const struct server *server, int fd, enum kind kind)
{
	struct epoll_event event = { .events = EPOLLIN,
				     .data.u64 = (uint64_t)kind << 32 | (uint32_t)fd };

	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

static void listen_on(const struct server *server, const struct lb_addr *addr, uint16_t port,
		      int type, int proto)
{
	bool v4 = addr_is_v4(addr);
	struct peer self = peer_of(addr, port);
	int fd = socket(self.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);
	int one = 1;

	if (fd < 0 && errno == EPROTONOSUPPORT && proto == IPPROTO_SCTP)
		return;
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!v4 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)))
		die("IPV6_V6ONLY");
	if (bind(fd, &self.sa, self.size))
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 4096))
		die("listen");
	watch(server, fd, type == SOCK_STREAM ? LISTENER : DATAGRAM);
}

/* "NAME ADDRESS\n"; text holds 128 bytes. */
static size_t answer_format(const struct server *server, const struct sockaddr_storage *peer,
			    char *text)
{
	struct lb_addr addr = peer_addr((const struct sockaddr *)peer);
	char ip[ADDR_TEXT];

	return (size_t)snprintf(text, 128, "%.60s %s\n", server->name, addr_format(&addr, ip));
}

static void on_listener(const struct server *server, int fd)
{
	int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (connection >= 0)
		watch(server, connection, CONNECTION);
}

static void on_connection(const struct server *server, int fd)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof(peer);
	char data[4096], text[128];
	ssize_t n = read(fd, data, sizeof(data));
	size_t length;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || getpeername(fd, (struct sockaddr *)&peer, &size)) {
		close(fd);
		return;
	}
	length = answer_format(server, &peer, text);
	for (ssize_t i = 0; i < n; i++) {
		if (data[i] == '\n' && send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length) {
			close(fd);
			return;
		}
	}
}

static void on_datagram(const struct server *server, int fd)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof(peer);
	static char data[65536];
	char text[128];
	ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&peer, &size);
	size_t length;

	if (n < 0)
		return;
	length = answer_format(server, &peer, text);
	memcpy(data, text, length);
	/* A full socket buffer loses the answer, as the network might. */
	sendto(fd, data, length > (size_t)n ? length : (size_t)n, 0, (struct sockaddr *)&peer,
	       size);
}

static void serve(const struct server *server)
{
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(server->epoll, events, 64, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			int fd = (int)(uint32_t)events[i].data.u64;

			switch ((enum kind)(events[i].data.u64 >> 32)) {
			case LISTENER:
				on_listener(server, fd);
				break;
			case CONNECTION:
				on_connection(server, fd);
				break;
			case DATAGRAM:
				on_datagram(server, fd);
				break;
			}
		}
	}
}

int main(int argc, char **argv)
{
	static const char *const any[] = { "0.0.0.0", "::" };
	const char *const *addresses = argc > 3 ? (const char *const *)argv + 3 : any;
	struct server server = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
	int n = argc > 3 ? argc - 3 : 2;
	struct lb_addr addr;
	uint64_t port;

	if (argc < 3 || num_parse(argv[2], 1, 65535, &port)) {
		fputs("usage: echod NAME PORT [ADDRESS...]\n", stderr);
		return 2;
	}
	server.name = argv[1];
	for (int i = 0; i < n; i++) {
		if (addr_parse(addresses[i], &addr)) {
			fprintf(stderr, "echod: %s is no address\n", addresses[i]);
			return 2;
		}
		listen_on(&server, &addr, (uint16_t)port, SOCK_STREAM, 0);
		listen_on(&server, &addr, (uint16_t)port, SOCK_STREAM, IPPROTO_SCTP);
		listen_on(&server, &addr, (uint16_t)port, SOCK_DGRAM, 0);
	}
	serve(&server);
}
