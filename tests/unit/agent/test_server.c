/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/temp.h"

#include <event2/event.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "user/agent/client.h"
#include "user/agent/server.h"

#define IDLE_MS 200
#define PATIENCE_MS 3000
#define ENDED "(ended)"

struct served {
	struct event_base *base;
	struct server *server;
	unsigned int answers;
};

static json_t *answer(void *arg, enum protocol_op op)
{
	struct served *served = arg;

	served->answers++;
	return json_pack("{s:b, s:i}", "ok", 1, "op", op);
}

static void served_open(struct served *served, const struct temp *temp)
{
	struct err err = { "" };

	if (access(temp->paths.run, F_OK))
		temp_mkdir(temp, "run");
	*served = (struct served){ .base = event_base_new() };
	if (server_open(served->base, &temp->paths, IDLE_MS, answer, served, &served->server, &err))
		fail_msg("%s", err.text);
}

static void served_close(struct served *served)
{
	server_close(served->server);
	event_base_free(served->base);
}

static int dial(const struct temp *temp)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(to.sun_path, temp->paths.socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Turns the loop until fd has so many lines, or has ended, which ENDED tells. */
static void hear(struct served *served, int fd, unsigned int lines, char *text, size_t size)
{
	int64_t until = now_ms() + PATIENCE_MS;
	size_t used = 0;

	text[0] = '\0';
	while (lines) {
		struct timeval pause = { .tv_usec = 5000 };
		ssize_t n;

		if (now_ms() > until)
			fail_msg("no answer, so far: %s", text);
		event_base_loopexit(served->base, &pause);
		event_base_dispatch(served->base);
		while ((n = recv(fd, text + used, 1, 0)) == 1 && used + sizeof(ENDED) < size) {
			lines -= lines && text[used] == '\n';
			text[++used] = '\0';
		}
		if (n == 0) {
			strcpy(text + used, ENDED);
			return;
		}
	}
}

struct talk_case {
	const char *name;
	const char *say;
	unsigned int lines;
	bool end; /* the client closes its half */
	const char *hear;
	unsigned int answers;
};

static const struct talk_case talks[] = {
	{ "a request", "{\"op\":\"sync\"}\n", 1, false, "{\"ok\":true,\"op\":0}\n", 1 },
	{ "a request, then the end", "{\"op\":\"status\"}\n", 2, true,
	  "{\"ok\":true,\"op\":2}\n" ENDED, 1 },
	{ "three at once, in order",
	  "{\"op\":\"sync\"}\n{\"op\":\"reload\"}\n{\"op\":\"status\"}\n", 3, false,
	  "{\"ok\":true,\"op\":0}\n{\"ok\":true,\"op\":1}\n{\"ok\":true,\"op\":2}\n", 3 },
	{ "nonsense, then a request", "what?\n{\"op\":\"sync\"}\n", 2, false,
	  "{\"ok\":false,\"error\":\"not JSON: '[' or '{' expected near 'what'\"}\n"
	  "{\"ok\":true,\"op\":0}\n",
	  1 },
	{ "an op that does not exist", "{\"op\":\"format\"}\n", 1, false,
	  "{\"ok\":false,\"error\":\"unknown op \\\"format\\\"\"}\n", 0 },
	{ "half a request, then the end", "{\"op\":\"sync\"}", 1, true, ENDED, 0 },
	{ "half a request, then silence", "{\"op\":\"sync\"}", 1, false, ENDED, 0 },
	{ "silence", "", 1, false, ENDED, 0 },
};

static void test_talks(void **state)
{
	struct temp *temp = *state;

	for (size_t i = 0; i < ARRAY_LEN(talks); i++) {
		const struct talk_case *c = &talks[i];
		struct served served;
		char text[512];
		int fd;

		served_open(&served, temp);
		fd = dial(temp);
		assert_int_equal(send(fd, c->say, strlen(c->say), 0), strlen(c->say));
		if (c->end)
			shutdown(fd, SHUT_WR);
		hear(&served, fd, c->lines, text, sizeof(text));
		if (strcmp(text, c->hear) != 0 || served.answers != c->answers)
			fail_msg("%s: heard %s", c->name, text);
		close(fd);
		served_close(&served);
	}
}

static void say_spaces(int fd, size_t n)
{
	cleanup_free char *spaces = xmalloc(n);

	memset(spaces, ' ', n);
	assert_int_equal(send(fd, spaces, n, 0), n);
}

static void test_line_length(void **state)
{
	static const char request[] = "{\"op\":\"sync\"}\n";
	const size_t fits = PROTOCOL_LINE - strlen(request) + 1;
	struct temp *temp = *state;
	struct served served;
	char text[512];

	served_open(&served, temp);
	for (size_t more = 0; more < 2; more++) {
		cleanup_close int fd = dial(temp);

		say_spaces(fd, fits + more);
		assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
		hear(&served, fd, 1, text, sizeof(text));
		if (more)
			assert_non_null(strstr(text, "at most 4096 bytes"));
		else
			assert_string_equal(text, "{\"ok\":true,\"op\":0}\n");
	}
	served_close(&served);
}

static void test_endless_line_is_cut_off(void **state)
{
	struct temp *temp = *state;
	struct served served;
	char text[512];
	cleanup_close int fd = -EBADF;

	served_open(&served, temp);
	fd = dial(temp);
	say_spaces(fd, 3 * PROTOCOL_LINE);
	hear(&served, fd, 1, text, sizeof(text));
	assert_non_null(strstr(text, "\"ok\":false"));
	hear(&served, fd, 1, text, sizeof(text));
	assert_string_equal(text, ENDED);
	served_close(&served);
}

/* Clients that do not read and clients that do not speak: another one is served at once. */
static void test_nobody_is_held_up(void **state)
{
	struct temp *temp = *state;
	struct served served;
	char text[512];
	int idle[20];
	int fd;

	served_open(&served, temp);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		idle[i] = dial(temp);
		for (size_t n = 0; i % 2 && n < 200; n++)
			assert_true(send(idle[i], "{\"op\":\"sync\"}\n", 14, 0) > 0);
	}
	fd = dial(temp);
	assert_int_equal(send(fd, "{\"op\":\"status\"}\n", 16, 0), 16);
	hear(&served, fd, 1, text, sizeof(text));
	assert_string_equal(text, "{\"ok\":true,\"op\":2}\n");
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		close(idle[i]);
	served_close(&served);
}

static void test_socket_file(void **state)
{
	struct temp *temp = *state;
	struct served served;
	struct stat st;

	served_open(&served, temp);
	assert_int_equal(stat(temp->paths.socket, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	served_close(&served);
	assert_int_equal(stat(temp->paths.socket, &st), -1);
}

static void test_dead_socket_is_replaced(void **state)
{
	struct temp *temp = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	cleanup_close int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct served served;
	json_t *json = NULL;
	char text[512];
	int fd;

	temp_mkdir(temp, "run");
	strcpy(at.sun_path, temp->paths.socket);
	assert_int_equal(bind(dead, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(client_ask(&temp->paths, PROTOCOL_STATUS, &json, NULL), -ENOENT);
	served_open(&served, temp);
	fd = dial(temp);
	assert_int_equal(send(fd, "{\"op\":\"sync\"}\n", 14, 0), 14);
	hear(&served, fd, 1, text, sizeof(text));
	assert_string_equal(text, "{\"ok\":true,\"op\":0}\n");
	close(fd);
	served_close(&served);
}

/* The file's mode keeps others out; should it be loosened, their identity does. */
static void test_other_users_are_refused(void **state)
{
	struct temp *temp = *state;
	struct served served;
	char text[512];
	int fd;

	if (geteuid() != 0)
		skip();
	served_open(&served, temp);
	assert_int_equal(chmod(temp->root, 0755), 0);
	assert_int_equal(chmod(temp->paths.socket, 0666), 0);
	assert_int_equal(seteuid(65534), 0);
	fd = dial(temp);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(send(fd, "{\"op\":\"sync\"}\n", 14, 0), 14);
	hear(&served, fd, 2, text, sizeof(text));
	assert_string_equal(text, "{\"ok\":false,\"error\":\"permission denied\"}\n" ENDED);
	assert_int_equal(served.answers, 0);
	close(fd);
	served_close(&served);
}

static void test_name_too_long(void **state)
{
	struct temp *temp = *state;
	struct event_base *base = event_base_new();
	struct server *server = NULL;
	json_t *json = NULL;
	struct err err;

	free(temp->paths.socket);
	temp->paths.socket = xmalloc(201);
	memset(temp->paths.socket, 'x', 200);
	temp->paths.socket[200] = '\0';
	assert_int_equal(server_open(base, &temp->paths, IDLE_MS, answer, NULL, &server, &err),
			 -ENAMETOOLONG);
	assert_int_equal(client_ask(&temp->paths, PROTOCOL_SYNC, &json, &err), -ENOENT);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		temp_test(test_talks),
		temp_test(test_line_length),
		temp_test(test_endless_line_is_cut_off),
		temp_test(test_nobody_is_held_up),
		temp_test(test_socket_file),
		temp_test(test_dead_socket_is_replaced),
		temp_test(test_other_users_are_refused),
		temp_test(test_name_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
