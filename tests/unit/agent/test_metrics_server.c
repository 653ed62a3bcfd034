/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics, as it is served. */
#include "tests/unit/agent/temp.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "user/agent/metrics.h"
#include "user/agent/metrics_server.h"

struct stage {
	struct event_base *base;
	struct metrics_server *server;
	struct metrics_config config;
	unsigned int collected;
	bool fails;
};

static int stage_collect(void *arg, char **ret_text, size_t *ret_size, struct err *err)
{
	struct stage *stage = arg;

	if (stage->fails)
		return err_set(err, -EIO, "no maps");
	stage->collected++;
	*ret_text = xasprintf("a %u\n", stage->collected);
	*ret_size = strlen(*ret_text);
	return 0;
}

/* A socket bound to loopback, at a port that becomes the stage's. */
static int loopback_bind(struct stage *stage)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(at);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	stage->config = (struct metrics_config){
		.on = true, .listen = { addr_from_v4(htonl(INADDR_LOOPBACK)), at.sin_port }
	};
	return fd;
}

/* Returns false when nobody listens. */
static bool ask(struct stage *stage, const char *request, char *answer, size_t room)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = stage->config.listen.port,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = 0;
	ssize_t got = -1;

	if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return false;
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	for (unsigned int i = 0; i < 1000 && got; i++) {
		event_base_loop(stage->base, EVLOOP_NONBLOCK);
		got = recv(fd, answer + n, room - 1 - n, MSG_DONTWAIT);
		if (got > 0)
			n += (size_t)got;
		else if (got)
			usleep(1000);
	}
	answer[n] = '\0';
	return true;
}

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static const struct {
	const char *request;
	bool fails;
	const char *start, *header, *body; /* header NULL: any */
} requests[] = {
	{ REQUEST("GET", "/"), false, "HTTP/1.1 404 ", NULL, "there is /metrics\n" },
	{ REQUEST("GET", "/metrics/x"), false, "HTTP/1.1 404 ", NULL, "there is /metrics\n" },
	{ REQUEST("GET", "/metrics"), true, "HTTP/1.1 500 ", NULL, "no maps" },
	{ REQUEST("GET", "/metrics"), false, "HTTP/1.1 200 ",
	  "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", "a 1\n" },
	/* The same second has the same numbers. */
	{ REQUEST("GET", "/metrics?x=y"), false, "HTTP/1.1 200 ", NULL, "a 1\n" },
	{ REQUEST("HEAD", "/metrics"), false, "HTTP/1.1 200 ", "Content-Length: 4\r\n", "" },
};

static void test_server(void **state)
{
	struct stage stage = { .base = event_base_new() };
	int taken = loopback_bind(&stage);
	char answer[2048];

	(void)state;
	stage.server = metrics_server_new(stage.base, stage_collect, &stage);
	/* Somebody else has the port; it is tried again. */
	metrics_server_update(stage.server, &stage.config);
	close(taken);
	assert_false(ask(&stage, REQUEST("GET", "/metrics"), answer, sizeof(answer)));
	metrics_server_update(stage.server, &stage.config);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		const char *body;

		stage.fails = requests[i].fails;
		assert_true(ask(&stage, requests[i].request, answer, sizeof(answer)));
		body = strstr(answer, "\r\n\r\n");
		if (!body || strncmp(answer, requests[i].start, strlen(requests[i].start)) != 0 ||
		    (requests[i].header && !strstr(answer, requests[i].header)) ||
		    strcmp(body + 4, requests[i].body) != 0)
			fail_msg("%s%s", requests[i].request, answer);
	}
	assert_int_equal(stage.collected, 1);
	metrics_server_update(stage.server, &(struct metrics_config){ 0 });
	assert_false(ask(&stage, REQUEST("GET", "/metrics"), answer, sizeof(answer)));
	metrics_server_free(stage.server);
	event_base_free(stage.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
