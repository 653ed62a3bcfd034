/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/master.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

struct master_question {
	struct bufferevent *buffer;
	void (*answer)(void *arg, pid_t worker);
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
	void (*answer)(void *arg, pid_t worker) = question->answer;
	void *answer_arg = question->arg;

	(void)what;
	evbuffer_remove(input, text, size);
	master_forget(question);
	answer(answer_arg, master_worker(text));
}

struct master_question *master_ask(struct event_base *base, int dir,
				   void (*answer)(void *arg, pid_t worker), void *arg)
{
	static const struct timeval second = { .tv_sec = 1 };
	static const char words[] = "show proc\n";
	struct master_question *question;
	int fd = master_connect(dir);

	if (fd < 0)
		return NULL;
	question = xcalloc(1, sizeof(*question));
	question->answer = answer;
	question->arg = arg;
	question->buffer = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(question->buffer, NULL, NULL, buffer_ended, question);
	bufferevent_set_timeouts(question->buffer, &second, &second);
	bufferevent_write(question->buffer, words, strlen(words));
	bufferevent_enable(question->buffer, EV_READ | EV_WRITE);
	return question;
}

void master_forget(struct master_question *question)
{
	if (!question)
		return;
	bufferevent_free(question->buffer);
	free(question);
}
