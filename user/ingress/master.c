/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/master.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "user/util/cleanup.h"
#include "user/util/clock.h"
#include "user/util/vec.h"

#define READ_MS 250
#define READ_MOST (64u << 20)

struct master_question {
	struct bufferevent *buffer;
	void (*answer)(void *arg, const char *text);
	void *arg;
};

static int master_connect(int dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* By descriptor, since a socket's address is short. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/master.sock", dir);
	if (fd < 0 || !connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

/*
 * A question of one line. It is over for the other side when we say that nothing follows: only
 * then does the master end the connection after its answer.
 */
static int master_say(int dir, const char *words)
{
	cleanup_free char *line = xasprintf("%s\n", words);
	size_t size = strlen(line);
	int fd = master_connect(dir);

	if (fd < 0)
		return fd;
	/* Shorter than any socket's buffer. */
	if (send(fd, line, size, MSG_NOSIGNAL) == (ssize_t)size && !shutdown(fd, SHUT_WR))
		return fd;
	close(fd);
	return -1;
}

pid_t master_find(int dir)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	cleanup_close int fd = master_connect(dir);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return 0;
	return peer.pid;
}

/* "PID worker RELOADS UPTIME VERSION": those that have seen no reload are the present ones. */
pid_t master_worker(const char *text)
{
	for (; text; text = strchr(text, '\n')) {
		unsigned int reloads;
		int pid;

		text += *text == '\n';
		if (sscanf(text, "%d worker %u", &pid, &reloads) == 2 && !reloads)
			return pid;
		if (!*text)
			break;
	}
	return 0;
}

static void buffer_ended(struct bufferevent *buffer, short what, void *arg)
{
	struct master_question *question = arg;
	struct evbuffer *input = bufferevent_get_input(buffer);
	size_t size = evbuffer_get_length(input);
	cleanup_free char *text = xcalloc(1, size + 1);
	void (*answer)(void *arg, const char *text) = question->answer;
	void *answer_arg = question->arg;

	evbuffer_remove(input, text, size);
	master_forget(question);
	answer(answer_arg, what & BEV_EVENT_EOF ? text : NULL);
}

struct master_question *master_ask(struct event_base *base, int dir, const char *words,
				   void (*answer)(void *arg, const char *text), void *arg)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct master_question *question;
	int fd = master_say(dir, words);

	if (fd < 0)
		return NULL;
	question = xcalloc(1, sizeof(*question));
	question->answer = answer;
	question->arg = arg;
	question->buffer = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(question->buffer, NULL, NULL, buffer_ended, question);
	bufferevent_set_timeouts(question->buffer, &second, NULL);
	bufferevent_enable(question->buffer, EV_READ);
	return question;
}

void master_forget(struct master_question *question)
{
	if (!question)
		return;
	bufferevent_free(question->buffer);
	free(question);
}

/* -------------------------------------------------------------------- at once -- */

/* > 0: there is more; 0: it is whole; < 0: it is not, and will not be. */
static ssize_t read_some(int fd, int64_t end, FILE *out)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int64_t left = end - clock_ms();
	char bytes[16384];
	ssize_t n;

	if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
		return -ETIMEDOUT;
	n = read(fd, bytes, sizeof(bytes));
	if (n > 0)
		fwrite(bytes, 1, (size_t)n, out);
	return n < 0 ? -errno : n;
}

char *master_read(int dir, const char *words)
{
	cleanup_close int fd = master_say(dir, words);
	int64_t end = clock_ms() + READ_MS;
	char *text = NULL;
	ssize_t n = 1;
	size_t size;
	FILE *out;

	if (fd < 0)
		return NULL;
	out = open_memstream(&text, &size);
	while (n > 0 && ftell(out) < (long)READ_MOST)
		n = read_some(fd, end, out);
	fclose(out);
	if (!n)
		return text;
	free(text);
	return NULL;
}
