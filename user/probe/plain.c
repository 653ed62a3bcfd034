/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/plain.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/probe/tcp.h"
#include "user/util/vec.h"

#define ANSWER_MAX (RUN_BODY + 4096) /* head and body: what comes later is not read */
#define CHUNKS_END "0\r\n\r\n"

struct plain {
	struct event_base *base;
	int fd;
	struct event *event;
	char *request;
	size_t sent, length;
	char *answer; /* NUL-terminated */
	size_t size, room;
	size_t head;  /* its size; 0: its end has not come yet */
	int64_t body; /* how long it says it is; -1: until the connection ends */
	bool chunked;
	long status;
	void (*done)(void *arg, const struct plain_result *result);
	void *arg;
};

void plain_free(struct plain *plain)
{
	if (!plain)
		return;
	if (plain->event)
		event_free(plain->event);
	if (plain->fd >= 0)
		close(plain->fd);
	free(plain->request);
	free(plain->answer);
	free(plain);
}

static void plain_end(struct plain *plain, const char *failed)
{
	struct plain_result result = { .failed = failed, .status = plain->status };

	plain->done(plain->arg, &result);
}

static void plain_fail(struct plain *plain, const char *what, int error)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(error));
	plain_end(plain, text);
}

/* ---------------------------------------------------------------- the head -- */

static const char *header_value(const char *line, const char *name)
{
	size_t length = strlen(name);

	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	line += length + 1;
	return line + strspn(line, " \t");
}

static bool length_parse(const char *text, int64_t *ret_length)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 15 || !strchr(" \t\r\n", text[digits]))
		return false;
	*ret_length = strtoll(text, NULL, 10);
	return true;
}

static bool status_parse(const char *line, long *ret_status)
{
	if (strncmp(line, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)line[7]) ||
	    line[8] != ' ' || strspn(line + 9, "0123456789") != 3)
		return false;
	*ret_status = strtol(line + 9, NULL, 10);
	return true;
}

/* False: that is no answer. */
static bool head_parse(struct plain *plain)
{
	const char *line = plain->answer;

	plain->body = -1;
	if (!status_parse(line, &plain->status))
		return false;
	while ((line = strchr(line, '\n')) && ++line < plain->answer + plain->head) {
		const char *length = header_value(line, "Content-Length");
		const char *encoding = header_value(line, "Transfer-Encoding");

		if (length && !length_parse(length, &plain->body))
			return false;
		if (encoding && !strncasecmp(encoding, "chunked", 7))
			plain->chunked = true;
	}
	/* These have no body, whatever they say of it. */
	if (plain->status == 204 || plain->status == 304)
		plain->body = 0;
	return true;
}

/* True: the head is there. */
static bool head_find(struct plain *plain)
{
	const char *end = strstr(plain->answer, "\r\n\r\n");

	if (end)
		plain->head = (size_t)(end - plain->answer) + 4;
	return end;
}

/* -------------------------------------------------------------- the answer -- */

static bool chunks_ended(const struct plain *plain)
{
	size_t end = strlen(CHUNKS_END);

	return plain->size - plain->head >= end &&
	       !memcmp(plain->answer + plain->size - end, CHUNKS_END, end);
}

static bool body_is_whole(const struct plain *plain)
{
	size_t size = plain->size - plain->head;

	if (size >= RUN_BODY)
		return true; /* enough of it */
	if (plain->body == 0)
		return true;
	if (plain->chunked)
		return chunks_ended(plain);
	return plain->body > 0 && size >= (size_t)plain->body;
}

/* The connection has ended, and the answer with it. */
static void answer_ended(struct plain *plain)
{
	if (!plain->size)
		plain_end(plain, "EOF");
	else if (!plain->head || plain->chunked || plain->body > 0)
		plain_end(plain, "unexpected EOF");
	else
		plain_end(plain, NULL);
}

/* True: it is over, and plain perhaps freed. */
static bool answer_look(struct plain *plain)
{
	if (!plain->head) {
		if (!head_find(plain)) {
			if (plain->size < ANSWER_MAX)
				return false;
			plain_end(plain, "the head of the answer is too long");
			return true;
		}
		if (!head_parse(plain)) {
			plain_end(plain, "malformed HTTP response");
			return true;
		}
	}
	if (!body_is_whole(plain))
		return false;
	plain_end(plain, NULL);
	return true;
}

static void answer_grow(struct plain *plain)
{
	size_t room = plain->room ? ANSWER_MAX + 1 : 1024; /* most are short */
	char *answer;

	if (plain->room - plain->size > 1)
		return;
	answer = xmalloc(room);
	if (plain->size)
		memcpy(answer, plain->answer, plain->size);
	free(plain->answer);
	plain->answer = answer;
	plain->room = room;
}

static void plain_read(struct plain *plain)
{
	ssize_t n;

	for (;;) {
		answer_grow(plain);
		n = recv(plain->fd, plain->answer + plain->size, plain->room - plain->size - 1, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			plain_fail(plain, "read", errno);
			return;
		}
		if (!n) {
			answer_ended(plain);
			return;
		}
		plain->size += (size_t)n;
		plain->answer[plain->size] = '\0';
		if (answer_look(plain))
			return;
	}
}

/* ------------------------------------------------------------- the request -- */

static void plain_ready(evutil_socket_t fd, short what, void *arg);

static void plain_wait(struct plain *plain, short what)
{
	event_assign(plain->event, plain->base, plain->fd, what | EV_PERSIST, plain_ready, plain);
	event_add(plain->event, NULL);
}

static void plain_write(struct plain *plain)
{
	ssize_t n = send(plain->fd, plain->request + plain->sent, plain->length - plain->sent,
			 MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		plain_fail(plain, errno == ECONNRESET || errno == EPIPE ? "write" : "connect",
			   errno);
		return;
	}
	plain->sent += (size_t)n;
	if (plain->sent < plain->length)
		return;
	event_del(plain->event);
	plain_wait(plain, EV_READ);
}

static void plain_ready(evutil_socket_t fd, short what, void *arg)
{
	struct plain *plain = arg;

	(void)fd;
	if (what & EV_WRITE)
		plain_write(plain); /* of a connection that failed it fails, too, and says why */
	else
		plain_read(plain);
}

static void plain_refused(evutil_socket_t fd, short what, void *arg)
{
	struct plain *plain = arg;

	(void)fd;
	(void)what;
	plain_fail(plain, "connect", (int)plain->sent);
}

struct plain *plain_start(struct event_base *base, const struct lb_addr *addr, uint16_t port,
			  char *request, void (*done)(void *arg, const struct plain_result *result),
			  void *arg)
{
	struct plain *plain = xcalloc(1, sizeof(*plain));
	int error;

	*plain = (struct plain){ .base = base,
				 .fd = -1,
				 .request = request,
				 .length = strlen(request),
				 .done = done,
				 .arg = arg };
	error = tcp_connect(addr, port, &plain->fd);
	if (!error || error == EINPROGRESS) {
		plain->event =
			event_new(base, plain->fd, EV_WRITE | EV_PERSIST, plain_ready, plain);
		event_add(plain->event, NULL);
		return plain;
	}
	/* Told from the loop, as everything is. */
	plain->sent = (size_t)error;
	plain->event = event_new(base, -1, EV_TIMEOUT, plain_refused, plain);
	event_active(plain->event, EV_TIMEOUT, 0);
	return plain;
}
