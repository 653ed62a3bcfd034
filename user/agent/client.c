/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* A sync of a hundred thousand objects takes seconds; a stopped agent takes for ever. */
#define CLIENT_TIMEOUT_SECONDS 60

struct text {
	char *items;
	size_t n, room;
};

static int client_connect(const struct paths *paths, int seconds, struct err *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = seconds };
	cleanup_close int fd = -EBADF;

	/* No agent can listen there either. */
	if (strlen(paths->socket) >= sizeof(to.sun_path))
		return -ENOENT;
	strcpy(to.sun_path, paths->socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, -errno, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		return err_sys(err, -errno, "setsockopt");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		/* Refused: the file was left behind by an agent that was killed. */
		if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
			return -ENOENT;
		return err_sys(err, -errno, "%s", paths->socket);
	}
	return TAKE_FD(fd);
}

/* Until the newline or the end; bytes beyond PROTOCOL_ANSWER are an error. */
static int answer_receive(int fd, struct text *text)
{
	char buffer[4096];
	ssize_t n;

	do {
		do
			n = recv(fd, buffer, sizeof(buffer), 0);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		for (ssize_t i = 0; i < n; i++)
			vec_push(text, buffer[i]);
		if (text->n > PROTOCOL_ANSWER)
			return -EMSGSIZE;
	} while (n && buffer[n - 1] != '\n');
	return 0;
}

int client_ask_within(const struct paths *paths, enum protocol_op op, int seconds,
		      json_t **ret_answer, struct err *err)
{
	cleanup_free char *request = protocol_request_format(op);
	cleanup_close int fd = client_connect(paths, seconds, err);
	struct text text = { 0 };
	int rc;

	if (fd < 0)
		return fd;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		rc = -errno;
	else
		rc = answer_receive(fd, &text);
	if (rc == -EPIPE || rc == -ECONNRESET || (!rc && !text.n))
		rc = -ENOENT; /* it ended before it answered */
	else if (rc)
		rc = err_sys(err, rc, "the agent at %s does not answer", paths->socket);
	else
		rc = protocol_answer_parse(text.items, text.n, ret_answer, err);
	vec_free(&text);
	return rc;
}

int client_ask(const struct paths *paths, enum protocol_op op, json_t **ret_answer, struct err *err)
{
	return client_ask_within(paths, op, CLIENT_TIMEOUT_SECONDS, ret_answer, err);
}
