/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that misbehave, each in a process of its own on a port of 127.0.0.1. */
#ifndef TESTS_PROBE_TARGET_H
#define TESTS_PROBE_TARGET_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum target_kind {
	TARGET_ANSWER,	   /* sends text, then closes */
	TARGET_HANG,	   /* accepts and says nothing */
	TARGET_DRIP,	   /* text, then a byte every 20 ms, for ever */
	TARGET_FLOOD,	   /* text, then as much as the other side takes, for ever */
	TARGET_RESET,	   /* reads, then resets */
	TARGET_FULL,	   /* listens, but its queue is full: no connection is answered */
	TARGET_GRPC,	   /* HTTP/2: a health check answered with text[0] as its status … */
	TARGET_GRPC_ERROR, /* … or with no message, and grpc-status text */
};

struct target_server {
	enum target_kind kind;
	const char *text; /* %u: the port */
	pid_t pid;
	uint16_t port;
	int fillers[8]; /* connections that fill the queue */
};

static inline void target_say(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		size -= (size_t)n;
	}
}

/* Until the empty line that ends a request's head. */
static inline void target_read_head(int fd)
{
	char text[4096];
	size_t size = 0;

	while (size < sizeof(text) - 1) {
		ssize_t n = recv(fd, text + size, sizeof(text) - 1 - size, 0);

		if (n <= 0)
			return;
		size += (size_t)n;
		text[size] = '\0';
		if (strstr(text, "\r\n\r\n"))
			return;
	}
}

/* ----------------------------------------------------------------- HTTP/2 -- */

static inline void target_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream,
				const void *payload, uint32_t size)
{
	unsigned char head[9] = { (unsigned char)(size >> 16), (unsigned char)(size >> 8),
				  (unsigned char)size, type, flags };
	uint32_t be = htonl(stream);

	memcpy(head + 5, &be, sizeof(be));
	target_say(fd, head, sizeof(head));
	target_say(fd, payload, size);
}

/* A literal header field without indexing: HPACK at its simplest. */
static inline size_t target_header(char *at, const char *name, const char *value)
{
	size_t n = 0;

	at[n++] = 0;
	at[n++] = (char)strlen(name);
	memcpy(at + n, name, strlen(name));
	n += strlen(name);
	at[n++] = (char)strlen(value);
	memcpy(at + n, value, strlen(value));
	return n + strlen(value);
}

static inline bool target_read(int fd, void *data, size_t size)
{
	return recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

static inline void target_grpc_answer(int fd, uint32_t stream, const struct target_server *server)
{
	char message[7] = { 0, 0, 0, 0, 2, 0x08, server->text[0] }, head[256];
	bool error = server->kind == TARGET_GRPC_ERROR;
	size_t n = 0;

	head[n++] = (char)0x88; /* :status 200 */
	n += target_header(head + n, "content-type", "application/grpc");
	target_frame(fd, 1, 4, stream, head, (uint32_t)n);
	if (!error)
		target_frame(fd, 0, 0, stream, message, sizeof(message));
	n = target_header(head, "grpc-status", error ? server->text : "0");
	target_frame(fd, 1, 4 | 1, stream, head, (uint32_t)n);
}

/* Answers as soon as the request's stream ends. */
static inline void target_grpc(int fd, const struct target_server *server)
{
	unsigned char head[9], payload[16384];
	char preface[24];

	if (!target_read(fd, preface, sizeof(preface)))
		return;
	target_frame(fd, 4, 0, 0, NULL, 0);
	while (target_read(fd, head, sizeof(head))) {
		uint32_t size = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2], stream;

		if (size > sizeof(payload) || (size && !target_read(fd, payload, size)))
			return;
		memcpy(&stream, head + 5, sizeof(stream));
		if (head[3] == 4 && !(head[4] & 1))
			target_frame(fd, 4, 1, 0, NULL, 0);
		if (head[3] <= 1 && head[4] & 1)
			target_grpc_answer(fd, ntohl(stream), server);
	}
}

/* ------------------------------------------------------------- the process -- */

static inline void target_serve(int fd, const struct target_server *server)
{
	struct linger linger = { .l_onoff = 1 };
	char text[1024], flood[16384];

	memset(flood, 'x', sizeof(flood));
	if (server->kind == TARGET_GRPC || server->kind == TARGET_GRPC_ERROR) {
		target_grpc(fd, server);
		return;
	}
	target_read_head(fd);
	if (server->text) {
		snprintf(text, sizeof(text), server->text, server->port);
		target_say(fd, text, strlen(text));
	}
	if (server->kind == TARGET_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	while (server->kind == TARGET_HANG)
		pause();
	while (server->kind == TARGET_DRIP && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		usleep(20000);
	while (server->kind == TARGET_FLOOD && send(fd, flood, sizeof(flood), MSG_NOSIGNAL) > 0)
		;
}

static inline void target_start(struct target_server *server)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	bool full = server->kind == TARGET_FULL;
	socklen_t size = sizeof(at);

	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener, full ? 0 : 64) || getsockname(listener, (struct sockaddr *)&at, &size))
		abort();
	server->port = ntohs(at.sin_port);
	for (size_t i = 0; i < 8; i++) {
		server->fillers[i] = full ? socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) : -1;
		if (full)
			(void)!connect(server->fillers[i], (struct sockaddr *)&at, sizeof(at));
	}
	server->pid = fork();
	if (server->pid) {
		close(listener);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (full)
		pause();
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd >= 0 && !fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			target_serve(fd, server);
			_exit(0);
		}
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static inline void target_stop(struct target_server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	for (size_t i = 0; i < 8; i++)
		if (server->fillers[i] >= 0)
			close(server->fillers[i]);
}

#endif
