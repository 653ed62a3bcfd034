/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API server whose watches are files: apid ADDRESS:PORT FOLDER
 *
 * FOLDER/services.watch and the like are streams as a 1.36 server sends them after
 * sendInitialEvents, one event a line. Lines that are appended are sent to all who watch; who goes
 * on from a version gets those that are newer. A kind without a file is empty. Lists are refused:
 * there are only streams.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/util/addr.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define LOOK_US 20000
#define VERSION "\"resourceVersion\":\""

struct watcher {
	struct evhttp_request *request; /* NULL: gone */
	char *path;
	unsigned long after; /* only what is newer */
	long offset;	     /* of what was looked at */
};

static struct {
	const char *folder;
	struct event_base *base;
	VEC(struct watcher *) watchers;
} server;

static unsigned long version_of(const char *line)
{
	const char *at = strstr(line, VERSION);

	return at ? strtoul(at + strlen(VERSION), NULL, 10) : 0;
}

static void line_send(struct watcher *watcher, const char *line)
{
	struct evbuffer *buffer = evbuffer_new();

	evbuffer_add(buffer, line, strlen(line));
	evhttp_send_reply_chunk(watcher->request, buffer);
	evbuffer_free(buffer);
}

static void watcher_look(struct watcher *watcher)
{
	cleanup_fclose FILE *file = fopen(watcher->path, "r");
	cleanup_free char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (!file || fseek(file, watcher->offset, SEEK_SET))
		return;
	while ((n = getline(&line, &room, file)) > 0 && line[n - 1] == '\n') {
		watcher->offset = ftell(file);
		if (version_of(line) > watcher->after)
			line_send(watcher, line);
	}
}

static void all_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	for (size_t i = 0; i < server.watchers.n; i++)
		if (server.watchers.items[i]->request)
			watcher_look(server.watchers.items[i]);
}

static void watcher_gone(struct evhttp_connection *connection, void *arg)
{
	struct watcher *watcher = arg;

	(void)connection;
	watcher->request = NULL;
}

static void text_answer(struct evhttp_request *request, int status, const char *text)
{
	struct evbuffer *buffer = evbuffer_new();

	evbuffer_add(buffer, text, strlen(text));
	evhttp_send_reply(request, status, "Whatever", buffer);
	evbuffer_free(buffer);
}

static void watch_begin(struct evhttp_request *request, const char *kind, const char *after,
			bool initial)
{
	struct watcher *watcher = xcalloc(1, sizeof(*watcher));

	watcher->request = request;
	watcher->path = xasprintf("%s/%s.watch", server.folder, kind);
	watcher->after = after && !initial ? strtoul(after, NULL, 10) : 0;
	vec_push(&server.watchers, watcher);
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), watcher_gone,
				      watcher);
	evhttp_send_reply_start(request, HTTP_OK, "OK");
	if (access(watcher->path, R_OK) && initial)
		line_send(watcher, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"
				   "\"resourceVersion\":\"1\",\"annotations\":{"
				   "\"k8s.io/initial-events-end\":\"true\"}}}}\n");
	watcher_look(watcher);
}

static void request_answer(struct evhttp_request *request, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = evhttp_uri_get_path(uri), *kind = strrchr(path, '/') + 1;
	struct evkeyvalq query;

	(void)arg;
	evhttp_parse_query_str(evhttp_uri_get_query(uri) ? evhttp_uri_get_query(uri) : "", &query);
	if (!strcmp(path, "/version"))
		text_answer(request, HTTP_OK, "{\"gitVersion\":\"v1.36.0\",\"minor\":\"36\"}");
	else if (evhttp_find_header(&query, "watch"))
		watch_begin(request, kind, evhttp_find_header(&query, "resourceVersion"),
			    evhttp_find_header(&query, "sendInitialEvents"));
	else
		text_answer(request, 405, "there are only streams");
	evhttp_clear_headers(&query);
}

int main(int argc, char **argv)
{
	static const struct timeval often = { .tv_usec = LOOK_US };
	char address[ADDR_TEXT];
	struct lb_addr addr;
	struct event *timer;
	struct evhttp *http;
	__be16 port;

	if (argc != 3 || addr_port_parse(argv[1], &addr, &port)) {
		fprintf(stderr, "usage: apid ADDRESS:PORT FOLDER\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	server.folder = argv[2];
	server.base = event_base_new();
	http = evhttp_new(server.base);
	evhttp_set_gencb(http, request_answer, NULL);
	if (evhttp_bind_socket(http, addr_format(&addr, address), ntohs(port))) {
		perror(argv[1]);
		return 1;
	}
	timer = event_new(server.base, -1, EV_PERSIST, all_look, NULL);
	event_add(timer, &often);
	event_base_dispatch(server.base);
	return 0;
}
