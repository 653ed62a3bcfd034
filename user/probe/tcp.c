/* SPDX-License-Identifier: Apache-2.0 */
/* tcpSocket: can a connection be opened? */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/probe/tcp.h"

#include "user/probe/curl.h"
#include "user/probe/run.h"
#include "user/util/vec.h"

struct tcp {
	int fd;
	struct event *event;
	struct transfer *transfer; /* where the host is a name */
};

static void tcp_free(struct run *run)
{
	struct tcp *tcp = run->state;

	run->state = NULL;
	if (tcp->event)
		event_free(tcp->event);
	if (tcp->fd >= 0)
		close(tcp->fd);
	transfer_free(tcp->transfer);
	free(tcp);
}

static void tcp_end(struct run *run, int error)
{
	char where[RUN_TEXT], text[RUN_TEXT + 128];

	tcp_free(run);
	if (!error) {
		run->done(run, OUTCOME_SUCCESS, "");
		return;
	}
	snprintf(text, sizeof(text), "dial tcp %s: connect: %s", run_where(run, where),
		 strerror(error));
	run->done(run, OUTCOME_FAILURE, text);
}

static void tcp_connected(evutil_socket_t fd, short what, void *arg)
{
	int error = 0;
	socklen_t size = sizeof(error);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
		error = errno;
	tcp_end(arg, error);
}

int tcp_connect(const struct lb_addr *addr, uint16_t port, int *ret_fd)
{
	bool v4 = addr_is_v4(addr);
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr.s_addr = addr->word[3] };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const struct sockaddr *to = v4 ? (void *)&sin : (void *)&sin6;
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	memcpy(&sin6.sin6_addr, addr, sizeof(sin6.sin6_addr));
	*ret_fd = fd;
	return connect(fd, to, v4 ? sizeof(sin) : sizeof(sin6)) ? errno : 0;
}

static void name_connected(void *arg, const struct transfer_result *result)
{
	struct run *run = arg;
	char text[RUN_TEXT];

	if (!result->failed) {
		tcp_end(run, 0);
		return;
	}
	snprintf(text, sizeof(text), "dial tcp %s", result->text);
	tcp_free(run);
	run->done(run, OUTCOME_FAILURE, text);
}

static void tcp_start(struct run *run)
{
	struct tcp *tcp = xcalloc(1, sizeof(*tcp));
	char where[RUN_TEXT], url[RUN_TEXT + 16];
	struct lb_addr addr;
	int error;

	tcp->fd = -1;
	run->state = tcp;
	if (!run_addr(run, &addr)) {
		snprintf(url, sizeof(url), "http://%s", run_where(run, where));
		tcp->transfer = transfer_new(run->runners->curl, url, name_connected, run);
		transfer_connect_only(tcp->transfer);
		transfer_start(tcp->transfer);
		return;
	}
	error = tcp_connect(&addr, run->probe->port, &tcp->fd);
	if (error != EINPROGRESS) {
		tcp_end(run, error);
		return;
	}
	tcp->event = event_new(run->runners->base, tcp->fd, EV_WRITE, tcp_connected, run);
	event_add(tcp->event, NULL);
}

static void tcp_stop(struct run *run, char *text)
{
	char where[RUN_TEXT - 32];

	tcp_free(run);
	snprintf(where, sizeof(where), "%s", run_where(run, text));
	snprintf(text, RUN_TEXT, "dial tcp %s: i/o timeout", where);
}

const struct runner runner_tcp = { tcp_start, tcp_stop };
