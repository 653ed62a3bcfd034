/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/metrics_server.h"

#include <event2/keyvalq_struct.h>
#include <string.h>
#include <time.h>

#include "user/agent/http.h"
#include "user/agent/metrics.h"
#include "user/util/log.h"
#include "user/util/vec.h"

#define KEEP_MS 1000

struct metrics_server {
	struct http_gate gate;
	int (*collect)(void *arg, char **ret_text, size_t *ret_size, struct err *err);
	void *arg;
	struct metrics_config config;
	struct evhttp *http; /* NULL: does not listen */
	char *error;	     /* why not, or NULL */
	char *text;	     /* of the last answer, or NULL */
	size_t size;
	int64_t collected; /* when */
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int text_refresh(struct metrics_server *server, struct err *err)
{
	int64_t now = clock_ms();
	char *text;
	size_t size;
	int rc;

	if (server->text && now - server->collected < KEEP_MS)
		return 0;
	rc = server->collect(server->arg, &text, &size, err);
	if (rc)
		return rc;
	free(server->text);
	server->text = text;
	server->size = size;
	server->collected = now;
	return 0;
}

static void request_fail(struct evhttp_request *request, int status, const char *reason,
			 const char *text)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			  "text/plain; charset=utf-8");
	http_answer(request, status, reason, text, strlen(text));
}

static void request_answer(struct evhttp_request *request, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = evhttp_uri_get_path(uri);
	struct metrics_server *server = arg;
	struct err err;

	if (!path || strcmp(path, "/metrics") != 0) {
		request_fail(request, HTTP_NOTFOUND, "Not Found", "there is /metrics\n");
	} else if (text_refresh(server, &err)) {
		/* Numbers that are missing look like zero to who adds them up; this does not. */
		request_fail(request, HTTP_INTERNAL, "Internal Server Error", err.text);
	} else {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
				  METRICS_TYPE);
		http_answer(request, HTTP_OK, "OK", server->text, server->size);
	}
}

static void server_close(struct metrics_server *server)
{
	if (server->http)
		http_free(&server->gate, server->http);
	server->http = NULL;
	free(server->error);
	server->error = NULL;
}

static void server_listen(struct metrics_server *server)
{
	struct err err;

	server->http =
		http_new(&server->gate, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD, request_answer, server);
	if (!http_listen(server->http, &server->config.listen, &err)) {
		free(server->error);
		server->error = NULL;
		return;
	}
	if (!server->error || strcmp(server->error, err.text) != 0)
		log_warn("metrics are not served at %s", err.text);
	server_close(server);
	server->error = xstrdup(err.text);
}

static bool places_equal(const struct metrics_config *a, const struct metrics_config *b)
{
	return a->on == b->on && a->listen.port == b->listen.port &&
	       !addr_compare(&a->listen.addr, &b->listen.addr);
}

void metrics_server_update(struct metrics_server *server, const struct metrics_config *config)
{
	if (!places_equal(&server->config, config)) {
		server_close(server);
		server->config = *config;
	}
	if (server->config.on && !server->http)
		server_listen(server);
}

struct metrics_server *metrics_server_new(struct event_base *base,
					  int (*collect)(void *arg, char **ret_text,
							 size_t *ret_size, struct err *err),
					  void *arg)
{
	struct metrics_server *server = xcalloc(1, sizeof(*server));

	http_gate_open(&server->gate, base);
	server->collect = collect;
	server->arg = arg;
	return server;
}

void metrics_server_free(struct metrics_server *server)
{
	if (!server)
		return;
	server_close(server);
	http_gate_close(&server->gate);
	free(server->text);
	free(server);
}
