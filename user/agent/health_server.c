/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/health_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "user/dns/upstream.h"
#include "user/util/cleanup.h"
#include "user/util/log.h"
#include "user/util/vec.h"

#define IDLE_SECONDS 5
#define HEADERS_MAX (8 << 10)
#define BACKLOG 64
#define PAUSE_SECONDS 1

/* One Service's. */
struct listener {
	struct health_server *server;
	struct health_check check;
	struct evhttp *http;
	bool *open;  /* by address of the server's list */
	char *error; /* of the last attempt to open, or NULL */
};

struct health_server {
	struct event_base *base;
	bool (*healthy)(void *arg);
	void *arg;
	struct addr_list addresses;
	struct listener **listeners; /* in the order of the checks */
	size_t n;
	struct event *pause; /* pending: nobody is let in */
};

/* --------------------------------------------------------------- requests -- */

static bool request_is_v4(struct evhttp_request *request)
{
	struct bufferevent *stream =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	struct sockaddr_storage own = { 0 };
	socklen_t size = sizeof(own);

	return !getsockname(bufferevent_getfd(stream), (struct sockaddr *)&own, &size) &&
	       own.ss_family == AF_INET;
}

static void request_answer(struct evhttp_request *request, void *arg)
{
	struct listener *listener = arg;
	struct health_server *server = listener->server;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evbuffer_new();
	struct health_answer answer;
	char weight[16], length[24];

	health_check_answer(&listener->check, request_is_v4(request), server->healthy(server->arg),
			    &answer);
	snprintf(weight, sizeof(weight), "%u", answer.weight);
	evhttp_add_header(headers, "Content-Type", "application/json");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "X-Load-Balancing-Endpoint-Weight", weight);
	/* libevent would send a body with the answer to HEAD, and not say how long it is. */
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
		snprintf(length, sizeof(length), "%zu", strlen(answer.body));
		evhttp_add_header(headers, "Content-Length", length);
	} else {
		evbuffer_add(body, answer.body, strlen(answer.body));
	}
	evhttp_send_reply(request, answer.status,
			  answer.status == HTTP_OK ? "OK" : "Service Unavailable", body);
	evbuffer_free(body);
}

/* ------------------------------------------------------------------- pause -- */

static void socket_pause(struct evhttp_bound_socket *socket, void *arg)
{
	const bool *pause = arg;

	if (*pause)
		evconnlistener_disable(evhttp_bound_socket_get_listener(socket));
	else
		evconnlistener_enable(evhttp_bound_socket_get_listener(socket));
}

static void listeners_pause(struct health_server *server, bool pause)
{
	for (size_t i = 0; i < server->n; i++)
		evhttp_foreach_bound_socket(server->listeners[i]->http, socket_pause, &pause);
}

static void pause_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	listeners_pause(arg, false);
}

/* Whether half of the descriptors are in use: the lowest free one is given out next. */
static bool descriptors_are_few(void)
{
	cleanup_close int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	struct rlimit limit;

	return next < 0 || (!getrlimit(RLIMIT_NOFILE, &limit) && (rlim_t)next > limit.rlim_cur / 2);
}

/*
 * For each new connection. evhttp lets in everybody who comes, and who says nothing stays for a
 * while: they must not take all descriptors, for the agent needs some to sync.
 */
static struct bufferevent *stream_new(struct event_base *base, void *arg)
{
	const struct timeval wait = { .tv_sec = PAUSE_SECONDS };
	struct health_server *server = arg;

	if (descriptors_are_few()) {
		listeners_pause(server, true);
		event_add(server->pause, &wait);
	}
	return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

/* ----------------------------------------------------------------- sockets -- */

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

static int address_open(struct listener *listener, const struct lb_addr *addr, struct err *err)
{
	struct addr_port at = { *addr, htons(listener->check.port) };
	cleanup_close int fd = -EBADF;
	char text[ADDR_PORT_TEXT];
	int rc = socket_listen(&at, &fd);

	/* A kernel without IPv6 has nobody who would ask over it. */
	if (rc == -EAFNOSUPPORT)
		return 0;
	if (rc)
		return err_sys(err, rc, "%s", addr_port_format(&at.addr, at.port, text));
	if (evhttp_accept_socket(listener->http, fd))
		return err_set(err, -EIO, "%s: cannot accept",
			       addr_port_format(&at.addr, at.port, text));
	(void)TAKE_FD(fd);
	return 0;
}

static void error_tell(struct listener *listener, const char *error)
{
	if (error && (!listener->error || strcmp(listener->error, error) != 0))
		log_warn("service %s/%s: its healthCheckNodePort is not served at %s",
			 listener->check.namespace, listener->check.name, error);
	free(listener->error);
	listener->error = error ? xstrdup(error) : NULL;
}

static void listener_open(struct listener *listener)
{
	const struct addr_list *addresses = &listener->server->addresses;
	struct err err = { "" };

	for (size_t i = 0; i < addresses->n; i++) {
		struct err cause;

		if (listener->open[i])
			continue;
		listener->open[i] = !address_open(listener, &addresses->items[i], &cause);
		if (!listener->open[i] && !*err.text)
			err = cause;
	}
	error_tell(listener, *err.text ? err.text : NULL);
}

static struct listener *listener_new(struct health_server *server, const struct health_check *check)
{
	struct listener *listener = xcalloc(1, sizeof(*listener));

	listener->server = server;
	listener->check = *check;
	listener->open = xcalloc(server->addresses.n, sizeof(*listener->open));
	listener->http = evhttp_new(server->base);
	evhttp_set_timeout(listener->http, IDLE_SECONDS);
	evhttp_set_max_headers_size(listener->http, HEADERS_MAX);
	evhttp_set_max_body_size(listener->http, HEADERS_MAX);
	evhttp_set_allowed_methods(listener->http, UINT16_MAX);
	evhttp_set_gencb(listener->http, request_answer, listener);
	evhttp_set_bevcb(listener->http, stream_new, server);
	return listener;
}

static void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	evhttp_free(listener->http);
	free(listener->open);
	free(listener->error);
	free(listener);
}

/* ------------------------------------------------------------------ update -- */

static bool lists_equal(const struct addr_list *a, const struct addr_list *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->items, b->items, a->n * sizeof(*a->items)));
}

static void listeners_close(struct health_server *server)
{
	for (size_t i = 0; i < server->n; i++)
		listener_free(server->listeners[i]);
	free(server->listeners);
	server->listeners = NULL;
	server->n = 0;
}

static int check_compare(const struct health_check *a, const struct health_check *b)
{
	int order = strcmp(a->namespace, b->namespace);

	return order ? order : strcmp(a->name, b->name);
}

/* The Service's listener out of the old ones, or NULL. Both are sorted: *at goes on from there. */
static struct listener *listener_take(struct health_server *server,
				      const struct health_check *check, size_t *at)
{
	struct listener *listener;

	while (*at < server->n && check_compare(&server->listeners[*at]->check, check) < 0)
		++*at;
	if (*at == server->n)
		return NULL;
	listener = server->listeners[*at];
	if (check_compare(&listener->check, check) || listener->check.port != check->port)
		return NULL;
	server->listeners[(*at)++] = NULL;
	return listener;
}

void health_server_update(struct health_server *server, struct health_check_list *checks,
			  struct addr_list *addresses)
{
	struct listener **listeners = xcalloc(checks->n, sizeof(*listeners));
	size_t at = 0;

	if (!lists_equal(addresses, &server->addresses))
		listeners_close(server);
	vec_free(&server->addresses);
	server->addresses = *addresses;
	*addresses = (struct addr_list){ 0 };
	for (size_t i = 0; i < checks->n; i++)
		listeners[i] = listener_take(server, &checks->items[i], &at);
	/* Closed before others are opened: a port may go from one Service to another. */
	listeners_close(server);
	for (size_t i = 0; i < checks->n; i++) {
		if (!listeners[i])
			listeners[i] = listener_new(server, &checks->items[i]);
		listeners[i]->check = checks->items[i];
		listener_open(listeners[i]);
	}
	server->listeners = listeners;
	server->n = checks->n;
	vec_free(checks);
}

/* -------------------------------------------------------------- life cycle -- */

struct health_server *health_server_new(struct event_base *base, bool (*healthy)(void *arg),
					void *arg)
{
	struct health_server *server = xcalloc(1, sizeof(*server));

	server->base = base;
	server->healthy = healthy;
	server->arg = arg;
	server->pause = evtimer_new(base, pause_over, server);
	return server;
}

void health_server_free(struct health_server *server)
{
	if (!server)
		return;
	listeners_close(server);
	event_free(server->pause);
	vec_free(&server->addresses);
	free(server);
}
