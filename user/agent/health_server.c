/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/health_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <string.h>

#include "user/agent/http.h"
#include "user/util/log.h"
#include "user/util/vec.h"

/* One Service's. */
struct listener {
	struct health_server *server;
	struct health_check check;
	struct evhttp *http;
	bool *open;  /* by address of the server's list */
	char *error; /* of the last attempt to open, or NULL */
};

struct health_server {
	struct http_gate gate;
	bool (*healthy)(void *arg);
	void *arg;
	struct addr_list addresses;
	struct listener **listeners; /* in the order of the checks */
	size_t n;
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
	struct health_answer answer;
	char weight[16];

	health_check_answer(&listener->check, request_is_v4(request), server->healthy(server->arg),
			    &answer);
	snprintf(weight, sizeof(weight), "%u", answer.weight);
	evhttp_add_header(headers, "Content-Type", "application/json");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "X-Load-Balancing-Endpoint-Weight", weight);
	http_answer(request, answer.status, answer.status == HTTP_OK ? "OK" : "Service Unavailable",
		    answer.body, strlen(answer.body));
}

/* ----------------------------------------------------------------- sockets -- */

static int address_open(struct listener *listener, const struct lb_addr *addr, struct err *err)
{
	struct addr_port at = { *addr, htons(listener->check.port) };
	int rc = http_listen(listener->http, &at, err);

	/* A kernel without IPv6 has nobody who would ask over it. */
	return rc == -EAFNOSUPPORT ? 0 : rc;
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
	listener->http = http_new(&server->gate, UINT16_MAX, request_answer, listener);
	return listener;
}

static void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	http_free(&listener->server->gate, listener->http);
	free(listener->open);
	free(listener->error);
	free(listener);
}

/* ------------------------------------------------------------------ update -- */

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

	if (!addr_lists_equal(addresses, &server->addresses))
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

	http_gate_open(&server->gate, base);
	server->healthy = healthy;
	server->arg = arg;
	return server;
}

void health_server_free(struct health_server *server)
{
	if (!server)
		return;
	listeners_close(server);
	http_gate_close(&server->gate);
	vec_free(&server->addresses);
	free(server);
}
