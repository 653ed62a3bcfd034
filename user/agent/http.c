/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "user/dns/upstream.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define IDLE_SECONDS 5
#define HEADERS_MAX (8 << 10)
#define BACKLOG 64
#define PAUSE_SECONDS 1

/* -------------------------------------------------------------------- gate -- */

static void socket_pause(struct evhttp_bound_socket *socket, void *arg)
{
	const bool *pause = arg;

	if (*pause)
		evconnlistener_disable(evhttp_bound_socket_get_listener(socket));
	else
		evconnlistener_enable(evhttp_bound_socket_get_listener(socket));
}

static void servers_pause(struct http_gate *gate, bool pause)
{
	for (size_t i = 0; i < gate->servers.n; i++)
		evhttp_foreach_bound_socket(gate->servers.items[i], socket_pause, &pause);
}

static void pause_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	servers_pause(arg, false);
}

/* Whether half of the descriptors are in use: the lowest free one is given out next. */
static bool descriptors_are_few(void)
{
	cleanup_close int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	struct rlimit limit;

	return next < 0 || (!getrlimit(RLIMIT_NOFILE, &limit) && (rlim_t)next > limit.rlim_cur / 2);
}

/* For each new connection. */
static struct bufferevent *stream_new(struct event_base *base, void *arg)
{
	const struct timeval wait = { .tv_sec = PAUSE_SECONDS };
	struct http_gate *gate = arg;

	if (descriptors_are_few()) {
		servers_pause(gate, true);
		event_add(gate->pause, &wait);
	}
	return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

void http_gate_open(struct http_gate *gate, struct event_base *base)
{
	*gate = (struct http_gate){ .base = base };
	gate->pause = evtimer_new(base, pause_over, gate);
}

void http_gate_close(struct http_gate *gate)
{
	event_free(gate->pause);
	vec_free(&gate->servers);
}

/* ----------------------------------------------------------------- servers -- */

struct evhttp *http_new(struct http_gate *gate, ev_uint16_t methods,
			void (*answer)(struct evhttp_request *request, void *arg), void *arg)
{
	struct evhttp *http = evhttp_new(gate->base);

	evhttp_set_timeout(http, IDLE_SECONDS);
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_max_body_size(http, HEADERS_MAX);
	evhttp_set_allowed_methods(http, methods);
	evhttp_set_gencb(http, answer, arg);
	evhttp_set_bevcb(http, stream_new, gate);
	vec_push(&gate->servers, http);
	return http;
}

void http_free(struct http_gate *gate, struct evhttp *http)
{
	size_t i = 0;

	while (gate->servers.items[i] != http)
		i++;
	gate->servers.items[i] = gate->servers.items[--gate->servers.n];
	evhttp_free(http);
}

static int socket_listen(const struct addr_port *at, int *ret_fd)
{
	struct sockaddr_storage addr;
	socklen_t size = addr_port_sockaddr(at, &addr);
	cleanup_close int fd =
		socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	(void)!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* IPv4 has a socket of its own. */
	if (addr.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, size) || listen(fd, BACKLOG))
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int http_listen(struct evhttp *http, const struct addr_port *at, struct err *err)
{
	cleanup_close int fd = -EBADF;
	char text[ADDR_PORT_TEXT];
	int rc = socket_listen(at, &fd);

	if (rc)
		return err_sys(err, rc, "%s", addr_port_format(&at->addr, at->port, text));
	if (evhttp_accept_socket(http, fd))
		return err_set(err, -EIO, "%s: cannot accept",
			       addr_port_format(&at->addr, at->port, text));
	(void)TAKE_FD(fd);
	return 0;
}

void http_answer(struct evhttp_request *request, int status, const char *reason, const char *body,
		 size_t size)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *buffer = evbuffer_new();
	char length[24];

	/* libevent would send a body with the answer to HEAD, and not say how long it is. */
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
		snprintf(length, sizeof(length), "%zu", size);
		evhttp_add_header(headers, "Content-Length", length);
	} else {
		evbuffer_add(buffer, body, size);
	}
	evhttp_send_reply(request, status, reason, buffer);
	evbuffer_free(buffer);
}
