/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API server that follows a script, in the loop of who asks it: each request must be the next
 * row's, and gets its answer. Plain HTTP/1.1 on loopback; TLS and HTTP/2 are for a proxy in front.
 */
#ifndef TESTS_API_SERVER_H
#define TESTS_API_SERVER_H

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/api/sink.h"

enum ending {
	ENDS,	   /* in order; the connection stays for the next request */
	CLOSES,	   /* in order, and the connection, too */
	RESETS,	   /* in the middle */
	IS_SILENT, /* the answer goes on, but nothing more comes */
};

struct answer {
	const char *asks; /* must be in the head of the request; NULL: the script ends */
	int status;	  /* 0: none at all */
	const char *head; /* more lines, each with its end; or NULL */
	const char *body;
	enum ending ending;
	size_t piece; /* bytes sent at a time; 0: all at once */
	int large;    /* this many MiB of a string come after the body */
};

struct sending;

struct server {
	struct event_base *base;
	struct evconnlistener *listener;
	struct bufferevent *clients[64];
	struct sending *sendings[64]; /* to the client of this place */
	uint16_t port;
	const struct answer *script;
	size_t at;			      /* the next row */
	char *failed;			      /* what went another way */
	void (*asked)(void *arg, size_t row); /* before the row is answered; or NULL */
	void *arg;
	size_t connections;
};

struct sending {
	struct server *server;
	struct bufferevent *bev;
	size_t place;
	const struct answer *answer;
	size_t sent;
	struct event *next;
};

static inline void sending_free(struct sending *sending)
{
	if (!sending)
		return;
	event_free(sending->next);
	free(sending);
}

static inline void server_hang_up(struct server *server, size_t place, bool reset)
{
	const struct linger linger = { .l_onoff = 1 };
	struct bufferevent *bev = server->clients[place];

	if (!bev)
		return;
	sending_free(server->sendings[place]);
	if (reset)
		setsockopt(bufferevent_getfd(bev), SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	bufferevent_free(bev);
	server->sendings[place] = NULL;
	server->clients[place] = NULL;
}

static inline size_t server_place(const struct server *server, const struct bufferevent *bev)
{
	size_t place = 0;

	while (server->clients[place] != bev)
		place++;
	return place;
}

static inline void sending_end(struct sending *sending)
{
	struct evbuffer *out = bufferevent_get_output(sending->bev);

	if (sending->answer->ending == ENDS || sending->answer->ending == CLOSES)
		evbuffer_add_printf(out, "0\r\n\r\n");
	if (sending->answer->ending == RESETS) {
		server_hang_up(sending->server, sending->place, true);
		return;
	}
	sending->server->sendings[sending->place] = NULL;
	sending_free(sending);
}

static inline void sending_go(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon = { .tv_usec = 200 };
	struct sending *sending = arg;
	struct evbuffer *out = bufferevent_get_output(sending->bev);
	size_t size = strlen(sending->answer->body), left = size - sending->sent;
	size_t piece = sending->answer->piece ? sending->answer->piece : size;

	(void)fd;
	(void)what;
	piece = piece < left ? piece : left;
	if (!piece) {
		sending_end(sending);
		return;
	}
	evbuffer_add_printf(out, "%zx\r\n", piece);
	evbuffer_add(out, sending->answer->body + sending->sent, piece);
	evbuffer_add_printf(out, "\r\n");
	sending->sent += piece;
	/* What was written has to be on its way before the connection is reset. */
	evtimer_add(sending->next, &soon);
}

static inline void large_add(struct evbuffer *out, int mebibytes)
{
	cleanup_free char *piece = xmalloc(1 << 20);

	memset(piece, 'x', 1 << 20);
	for (int i = 0; i < mebibytes; i++) {
		evbuffer_add_printf(out, "%x\r\n", 1 << 20);
		evbuffer_add(out, piece, 1 << 20);
		evbuffer_add_printf(out, "\r\n");
	}
}

static inline void server_answer(struct server *server, struct bufferevent *bev)
{
	const struct answer *answer = &server->script[server->at++];
	struct evbuffer *out = bufferevent_get_output(bev);
	struct sending *sending;

	if (server->asked)
		server->asked(server->arg, server->at - 1);
	if (!answer->status) {
		if (answer->ending == RESETS)
			server_hang_up(server, server_place(server, bev), true);
		return;
	}
	evbuffer_add_printf(out, "HTTP/1.1 %d Whatever\r\nTransfer-Encoding: chunked\r\n%s%s\r\n",
			    answer->status, answer->ending == CLOSES ? "Connection: close\r\n" : "",
			    answer->head ? answer->head : "");
	large_add(out, answer->large);
	sending = xcalloc(1, sizeof(*sending));
	*sending = (struct sending){ .server = server, .bev = bev, .answer = answer };
	sending->place = server_place(server, bev);
	server->sendings[sending->place] = sending;
	sending->next = evtimer_new(server->base, sending_go, sending);
	sending_go(-1, 0, sending);
}

static inline void server_fail(struct server *server, const char *head)
{
	const char *asks = server->script[server->at].asks;

	if (!server->failed)
		server->failed = xasprintf("row %zu: wants …%s…, is asked\n%s", server->at,
					   asks ? asks : "(the end)", head);
	event_base_loopbreak(server->base);
}

static inline void server_read(struct bufferevent *bev, void *arg)
{
	struct server *server = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	cleanup_free char *head = NULL;

	if (end.pos < 0)
		return;
	head = xcalloc((size_t)end.pos + 5, 1);
	evbuffer_remove(in, head, (size_t)end.pos + 4);
	if (!server->script[server->at].asks || !strcasestr(head, server->script[server->at].asks))
		server_fail(server, head);
	else
		server_answer(server, bev);
}

static inline void server_event(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	server_hang_up(arg, server_place(arg, bev), false);
}

static inline void server_accept(struct evconnlistener *listener, evutil_socket_t fd,
				 struct sockaddr *address, int length, void *arg)
{
	struct server *server = arg;
	struct bufferevent *bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	size_t i = 0;

	(void)listener;
	(void)address;
	(void)length;
	while (server->clients[i])
		i++;
	server->clients[i] = bev;
	server->connections++;
	bufferevent_setcb(bev, server_read, NULL, server_event, server);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

/* Listens at a port of its own; port not 0: at that one. */
static inline void server_listen(struct server *server, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(port) };
	socklen_t size = sizeof(at);

	server->listener = evconnlistener_new_bind(server->base, server_accept, server,
						   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
						   (struct sockaddr *)&at, sizeof(at));
	assert_non_null(server->listener);
	assert_int_equal(
		getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *)&at, &size),
		0);
	server->port = ntohs(at.sin_port);
}

static inline void server_close(struct server *server)
{
	for (size_t i = 0; i < ARRAY_LEN(server->clients); i++)
		server_hang_up(server, i, false);
	if (server->listener)
		evconnlistener_free(server->listener);
	free(server->failed);
}

/* Runs the loop, no longer than this. */
static inline void loop_run(struct event_base *base, int64_t ms)
{
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
}

#endif
