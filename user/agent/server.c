/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define SERVER_CLIENTS 64
#define SERVER_BACKLOG 64

struct client {
	struct server *server;
	struct bufferevent *bev;
	bool closing; /* what is in the output still goes out, nothing more is read */
};

struct server {
	struct event_base *base;
	struct evconnlistener *listener;
	struct client *clients[SERVER_CLIENTS];
	struct timeval idle;
	char *path;
	json_t *(*answer)(void *arg, enum protocol_op op);
	void *arg;
};

/* -------------------------------------------------------------- one client -- */

static void client_free(struct client *client)
{
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (client->server->clients[i] == client)
			client->server->clients[i] = NULL;
	bufferevent_free(client->bev);
	free(client);
}

/* Takes json over. */
static void client_send(struct client *client, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	if (text)
		evbuffer_add_printf(bufferevent_get_output(client->bev), "%s\n", text);
	free(text);
	/* The next request has to wait until this answer is out: answers cannot pile up. */
	bufferevent_disable(client->bev, EV_READ);
}

static void client_refuse(struct client *client, const struct err *err)
{
	client->closing = true;
	client_send(client, protocol_error(err));
}

static void client_request(struct client *client, const char *line, size_t length)
{
	enum protocol_op op;
	struct err err;

	if (protocol_request_parse(line, length, &op, &err))
		client_send(client, protocol_error(&err));
	else
		client_send(client, client->server->answer(client->server->arg, op));
}

static void client_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	struct client *client = arg;
	cleanup_free char *line = NULL;
	struct err err;
	size_t length = 0;

	if (client->closing)
		return;
	line = evbuffer_readln(input, &length, EVBUFFER_EOL_LF);
	if (length > PROTOCOL_LINE || (!line && evbuffer_get_length(input) > PROTOCOL_LINE)) {
		err_set(&err, -EMSGSIZE, "a request is at most %d bytes", PROTOCOL_LINE);
		client_refuse(client, &err);
	} else if (line) {
		client_request(client, line, length);
	}
}

/* The output is empty. */
static void client_written(struct bufferevent *bev, void *arg)
{
	struct client *client = arg;

	if (client->closing) {
		client_free(client);
		return;
	}
	bufferevent_enable(bev, EV_READ);
	/* What came together with the last request is in the input already: no event tells. */
	client_read(bev, client);
}

static void client_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *client = arg;

	/* A client may close its sending half first and then read the answer. */
	if (what & BEV_EVENT_EOF && evbuffer_get_length(bufferevent_get_output(bev))) {
		client->closing = true;
		return;
	}
	client_free(client);
}

/* ------------------------------------------------------------ the listener -- */

static bool peer_is_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static struct client **client_slot(struct server *server)
{
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (!server->clients[i])
			return &server->clients[i];
	return NULL;
}

static void server_accept(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *address, int length, void *arg)
{
	struct server *server = arg;
	struct client **slot = client_slot(server);
	struct client *client;
	struct err err;

	(void)listener;
	(void)address;
	(void)length;
	if (!slot) {
		close(fd);
		return;
	}
	client = xcalloc(1, sizeof(*client));
	client->server = server;
	client->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	*slot = client;
	bufferevent_setcb(client->bev, client_read, client_written, client_event, client);
	bufferevent_setwatermark(client->bev, EV_READ, 0, PROTOCOL_LINE + 1);
	bufferevent_set_timeouts(client->bev, &server->idle, &server->idle);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	if (!peer_is_allowed(fd)) {
		err_set(&err, -EPERM, "permission denied");
		client_refuse(client, &err);
	}
}

static int socket_bind(const char *path, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	cleanup_close int fd = -EBADF;
	mode_t mask;
	int rc;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s: longer than a socket's name can be", path);
	strcpy(at.sun_path, path);
	if (unlink(path) && errno != ENOENT)
		return err_sys(err, -errno, "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, -errno, "socket");
	/* 0600 from the start: a chmod would come too late. */
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr *)&at, sizeof(at)) ? -errno : 0;
	umask(mask);
	if (rc)
		return err_sys(err, rc, "%s", path);
	return TAKE_FD(fd);
}

int server_open(struct event_base *base, const struct paths *paths, int idle_ms,
		json_t *(*answer)(void *arg, enum protocol_op op), void *arg, struct server **ret,
		struct err *err)
{
	int fd = socket_bind(paths->socket, err);
	struct server *server;

	if (fd < 0)
		return fd;
	server = xcalloc(1, sizeof(*server));
	*server = (struct server){
		.base = base,
		.idle = { .tv_sec = idle_ms / 1000, .tv_usec = idle_ms % 1000 * 1000 },
		.path = xstrdup(paths->socket),
		.answer = answer,
		.arg = arg,
	};
	server->listener = evconnlistener_new(base, server_accept, server,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
					      SERVER_BACKLOG, fd);
	if (!server->listener) {
		close(fd);
		free(server->path);
		free(server);
		return err_set(err, -EIO, "%s: cannot listen", paths->socket);
	}
	*ret = server;
	return 0;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (server->clients[i])
			client_free(server->clients[i]);
	evconnlistener_free(server->listener);
	unlink(server->path);
	free(server->path);
	free(server);
}
