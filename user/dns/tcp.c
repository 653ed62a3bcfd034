/* SPDX-License-Identifier: Apache-2.0 */
/* Queries over TCP: each with its length in front, several behind each other. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "user/dns/loop.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define CONNECTIONS_MAX 256
#define IDLE_SECONDS 10
#define WAITING_MAX 64		/* queries of one client at upstreams */
#define UNREAD_MAX (256u << 10) /* answers that a client does not fetch */
#define HEADER 12		/* a query has at least one */

struct connection {
	struct tcp *tcp;
	struct bufferevent *stream;
	LIST_HEAD(, tcp_request) requests;
	unsigned int waiting;
	LIST_ENTRY(connection) all;
};

struct tcp_request {
	struct request request;	       /* first: freed through it */
	struct connection *connection; /* NULL: the client went away */
	LIST_ENTRY(tcp_request) all;
};

struct tcp {
	struct loop *loop;
	struct evconnlistener *listener;
	LIST_HEAD(, connection) connections;
	unsigned int n;
};

static void connection_close(struct connection *connection)
{
	struct tcp_request *request;

	LIST_FOREACH(request, &connection->requests, all)
	request->connection = NULL;
	bufferevent_free(connection->stream);
	LIST_REMOVE(connection, all);
	connection->tcp->n--;
	free(connection);
}

static void answer_write(struct connection *connection, const struct answer *answer)
{
	uint8_t size[2] = { (uint8_t)(answer->size >> 8), (uint8_t)answer->size };

	bufferevent_write(connection->stream, size, sizeof(size));
	bufferevent_write(connection->stream, answer->wire, answer->size);
}

static void tcp_reply(struct request *request, const struct answer *answer)
{
	struct tcp_request *mine = (struct tcp_request *)request;

	if (!mine->connection)
		return;
	LIST_REMOVE(mine, all);
	mine->connection->waiting--;
	if (answer)
		answer_write(mine->connection, answer);
}

static void query_forward(struct connection *connection, const uint8_t *query, size_t size,
			  const struct answer *answer)
{
	struct tcp_request *mine = xcalloc(1, sizeof(*mine));

	request_init(&mine->request, connection->tcp->loop, false, query, size);
	mine->request.reply = tcp_reply;
	mine->connection = connection;
	LIST_INSERT_HEAD(&connection->requests, mine, all);
	connection->waiting++;
	request_forward(&mine->request, answer);
}

/* false: the client talks no DNS. */
static bool query_answer(struct connection *connection, const uint8_t *query, size_t size)
{
	static __thread uint8_t wire[ANSWER_TCP_MAX];
	struct loop *loop = connection->tcp->loop;
	struct answer_view view = loop_view(loop);
	struct answer answer = { .wire = wire };

	switch (answer_make(loop->answerer, &view, query, size, false, &answer)) {
	case ANSWER_SEND:
		dns_count_answer(&loop->counts, &answer);
		answer_write(connection, &answer);
		return true;
	case ANSWER_FORWARD:
		query_forward(connection, query, size, &answer);
		return true;
	default:
		return false;
	}
}

static void stream_readable(struct bufferevent *stream, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	struct connection *connection = arg;
	uint8_t head[2];

	while (evbuffer_copyout(in, head, sizeof(head)) == (ssize_t)sizeof(head)) {
		size_t size = (size_t)head[0] << 8 | head[1];
		const uint8_t *query;
		bool good;

		if (size < HEADER ||
		    evbuffer_get_length(bufferevent_get_output(stream)) > UNREAD_MAX ||
		    connection->waiting == WAITING_MAX) {
			connection_close(connection);
			return;
		}
		if (evbuffer_get_length(in) < sizeof(head) + size)
			return;
		evbuffer_drain(in, sizeof(head));
		query = evbuffer_pullup(in, (ssize_t)size);
		good = query_answer(connection, query, size);
		evbuffer_drain(in, size);
		if (!good) {
			connection_close(connection);
			return;
		}
	}
}

static void stream_event(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	(void)what;
	connection_close(arg);
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		     int size, void *arg)
{
	const struct timeval idle = { .tv_sec = IDLE_SECONDS };
	struct connection *connection;
	struct tcp *tcp = arg;

	(void)listener;
	(void)from;
	(void)size;
	if (tcp->n == CONNECTIONS_MAX) {
		close(fd);
		return;
	}
	connection = xcalloc(1, sizeof(*connection));
	connection->tcp = tcp;
	connection->stream = bufferevent_socket_new(tcp->loop->base, fd, BEV_OPT_CLOSE_ON_FREE);
	LIST_INIT(&connection->requests);
	LIST_INSERT_HEAD(&tcp->connections, connection, all);
	tcp->n++;
	bufferevent_setcb(connection->stream, stream_readable, NULL, stream_event, connection);
	/* One message at most lies unread, whatever is sent. */
	bufferevent_setwatermark(connection->stream, EV_READ, 0, 2 + ANSWER_TCP_MAX);
	bufferevent_set_timeouts(connection->stream, &idle, &idle);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
}

static int tcp_bind(const struct addr_port *listen, int *ret_fd)
{
	struct sockaddr_storage addr;
	socklen_t size = addr_port_sockaddr(listen, &addr);
	cleanup_close int fd =
		socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	(void)!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)!setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, size))
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int tcp_open(struct loop *loop, const struct addr_port *listen, struct tcp **ret, struct err *err)
{
	struct tcp *tcp;
	char text[ADDR_PORT_TEXT];
	int fd = -EBADF, code = tcp_bind(listen, &fd);

	if (code)
		return err_sys(err, code, "tcp %s",
			       addr_port_format(&listen->addr, listen->port, text));
	tcp = xcalloc(1, sizeof(*tcp));
	tcp->loop = loop;
	LIST_INIT(&tcp->connections);
	tcp->listener =
		evconnlistener_new(loop->base, accepted, tcp, LEV_OPT_CLOSE_ON_FREE, SOMAXCONN, fd);
	if (!tcp->listener) {
		close(fd);
		free(tcp);
		return err_set(err, -EIO, "tcp %s: cannot listen",
			       addr_port_format(&listen->addr, listen->port, text));
	}
	*ret = tcp;
	return 0;
}

void tcp_close(struct tcp *tcp)
{
	while (!LIST_EMPTY(&tcp->connections))
		connection_close(LIST_FIRST(&tcp->connections));
	evconnlistener_free(tcp->listener);
	free(tcp);
}
