/* SPDX-License-Identifier: Apache-2.0 */
/* A source and a server over real connections: each row is what the server is asked, and does. */
#include "tests/unit/api/server.h"

#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "user/api/source.h"

#define VERSION                                        \
	{                                              \
		"GET /version ", 200, NULL,            \
			"{\"gitVersion\":\"v1.30.1\"," \
			"\"minor\":\"30\"}",           \
			ENDS, 0, 0                     \
	}
#define OK(asks, body)                            \
	{                                         \
		asks, 200, NULL, body, ENDS, 0, 0 \
	}
#define WATCH(asks, body)                              \
	{                                              \
		asks, 200, NULL, body, IS_SILENT, 0, 0 \
	}

/* Impatient, so that tests need not be patient. */
static const struct source_times impatient = {
	.look_min = 20, .look_max = 40, .list_silence = 400, .watch_silence = 400
};
static const struct source_times patient = {
	.look_min = 20, .look_max = 40, .list_silence = 20000, .watch_silence = 20000
};

struct row {
	const char *name;
	const struct source_times *times;
	struct answer script[8];
	const char *heard;
	const char *error; /* in the end; NULL: none */
};

static const struct row rows[] = {
	{ "a list and a watch",
	  &patient,
	  { VERSION,
	    OK("GET /api/v1/nodes?limit=500&resourceVersion=0 ", LIST("7", "", NODE("a", "5"))),
	    WATCH("&resourceVersion=7 ", EVENT("ADDED", NODE("b", "8"))) },
	  "+a .nodes +b ",
	  NULL },
	{ "every byte comes alone",
	  &patient,
	  { VERSION,
	    { "limit=500", 200, NULL, LIST("7", "c1", NODE("a", "5")), ENDS, 1, 0 },
	    { "continue=c1", 200, NULL, LIST("7", "", NODE("b", "5")), ENDS, 1, 0 },
	    { "watch=1", 200, NULL, EVENT("DELETED", NODE("a", "8")) BOOKMARK("9"), IS_SILENT, 1,
	      0 } },
	  "+a +b .nodes -a ",
	  NULL },
	{ "the server hangs up after each answer",
	  &patient,
	  { { "GET /version ", 200, NULL, "{}", CLOSES, 0, 0 },
	    { "limit=500", 200, NULL, LIST("7", "", NODE("a", "5")), CLOSES, 0, 0 },
	    { "watch=1", 200, NULL, EVENT("ADDED", NODE("b", "8")), CLOSES, 0, 0 },
	    WATCH("&resourceVersion=8 ", EVENT("ADDED", NODE("c", "9"))) },
	  "+a .nodes +b +c ",
	  NULL },
	{ "a watch that is reset in the middle of a line",
	  &patient,
	  { VERSION,
	    OK("limit=500", LIST("7", "", NODE("a", "5"))),
	    { "watch=1", 200, NULL, EVENT("ADDED", NODE("b", "8")) "{\"type\":\"ADD", RESETS, 7,
	      0 },
	    WATCH("&resourceVersion=8 ", EVENT("ADDED", NODE("c", "9"))) },
	  "+a .nodes +b +c ",
	  NULL },
	{ "a connection that falls silent is found, and another one made",
	  &impatient,
	  { VERSION, OK("limit=500", LIST("7", "", NODE("a", "5"))),
	    WATCH("&resourceVersion=7 ", EVENT("ADDED", NODE("b", "8"))),
	    WATCH("&resourceVersion=8 ", EVENT("ADDED", NODE("c", "9"))) },
	  "+a .nodes +b +c ",
	  NULL },
	{ "a list that never comes",
	  &impatient,
	  { VERSION,
	    { "limit=500", 0, NULL, NULL, IS_SILENT, 0, 0 },
	    OK("limit=500", LIST("7", "", NODE("a", "5"))),
	    WATCH("watch=1", BOOKMARK("8")) },
	  "+a .nodes ",
	  NULL },
	{ "410 to the watch",
	  &patient,
	  { VERSION,
	    OK("limit=500", LIST("7", "", NODE("a", "5") "," NODE("b", "5"))),
	    { "watch=1", 410, NULL, STATUS("410", "Expired", "too old"), ENDS, 0, 0 },
	    OK("nodes?resourceVersion=7 ", LIST("9", "", NODE("b", "5"))),
	    WATCH("&resourceVersion=9 ", EVENT("ADDED", NODE("c", "10"))) },
	  "+a +b .nodes -a .nodes +c ",
	  NULL },
	{ "not allowed: what and why is told",
	  &patient,
	  { VERSION,
	    { "limit=500", 403, NULL,
	      STATUS("403", "Forbidden", "nodes is forbidden: User x cannot list resource nodes"),
	      ENDS, 0, 0 } },
	  "",
	  "status 403 Forbidden: nodes is forbidden: User x cannot list resource nodes" },
	{ "a page of a proxy",
	  &patient,
	  { VERSION, { "limit=500", 503, NULL, "<html>\tno\nway", ENDS, 0, 0 } },
	  "",
	  "status 503: <html> no" },
	{ "an object of ten MiB",
	  &patient,
	  { VERSION,
	    OK("limit=500", LIST("7", "", "")),
	    { "watch=1", 200, NULL, "y", IS_SILENT, 0, 10 },
	    WATCH("&resourceVersion=7 ", EVENT("ADDED", NODE("a", "9"))) },
	  ".nodes +a ",
	  NULL },
	{ "a list of version that is not JSON",
	  &patient,
	  { OK("GET /version ", "garbage"), OK("limit=500", LIST("7", "", "")),
	    WATCH("watch=1", EVENT("ADDED", NODE("a", "9"))) },
	  ".nodes +a ",
	  NULL },
	{ "a server that streams lists",
	  &patient,
	  { OK("GET /version ", "{\"gitVersion\":\"v1.36.0\",\"minor\":\"36+\"}"),
	    OK("limit=500&resourceVersion=0", LIST("7", "", NODE("a", "5"))),
	    { "watch=1", 410, NULL, STATUS("410", "Gone", "old"), ENDS, 0, 0 },
	    WATCH("resourceVersion=7&sendInitialEvents=true",
		  EVENT("ADDED", NODE("b", "5")) INITIAL_END("9")) },
	  "+a .nodes +b -a .nodes ",
	  NULL },
};

struct world {
	struct event_base *base;
	struct server server;
	struct kubeconfig kubeconfig;
	struct client *client;
	struct source *source;
	struct notes notes;
};

static void world_open(struct world *world, const struct answer *script)
{
	*world = (struct world){ .base = event_base_new() };
	notes_open(&world->notes);
	world->server.base = world->base;
	world->server.script = script;
	server_listen(&world->server, 0);
	world->kubeconfig.server = xasprintf("http://127.0.0.1:%u", world->server.port);
}

static void world_start(struct world *world, const struct source_times *times)
{
	static const struct source_kind kinds[] = { { K8S_NODE, NULL } };

	world->client = client_open(world->base, &world->kubeconfig);
	world->source = source_open(world->base, world->client, kinds, 1, times, &notes_sink, NULL,
				    &world->notes);
}

static void world_close(struct world *world)
{
	source_close(world->source);
	client_close(world->client);
	server_close(&world->server);
	event_base_free(world->base);
	notes_close(&world->notes);
}

/* Until the script has come to its end and was heard, five seconds at most. */
static void world_run(struct world *world, const char *heard, bool error)
{
	for (unsigned int i = 0; i < 500 && !world->server.failed; i++) {
		loop_run(world->base, 10);
		if (!world->server.script[world->server.at].asks &&
		    !strcmp(notes_text(&world->notes), heard) &&
		    error == !!source_report(world->source, 0).state->error)
			break;
	}
	/* Nothing more comes of it. */
	loop_run(world->base, 20);
}

static void world_check(struct world *world, const char *name, const char *heard, const char *error)
{
	const char *now = source_report(world->source, 0).state->error;

	if (world->server.failed)
		fail_msg("%s: %s", name, world->server.failed);
	if (strcmp(notes_text(&world->notes), heard) != 0)
		fail_msg("%s: \"%s\", not \"%s\" (row %zu, %s)", name, world->notes.text, heard,
			 world->server.at, now ? now : "no error");
	if (error ? !now || strcmp(now, error) != 0 : now != NULL)
		fail_msg("%s: error \"%s\"", name, now ? now : "none");
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world world;

		world_open(&world, rows[i].script);
		world_start(&world, rows[i].times);
		world_run(&world, rows[i].heard, rows[i].error);
		world_check(&world, rows[i].name, rows[i].heard, rows[i].error);
		world_close(&world);
	}
}

/* ------------------------------------------------------------ credentials -- */

static void file_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void token_rotate(void *arg, size_t row)
{
	if (row == 2)
		file_write(arg, "new\n");
}

/* 401 to a token that was right before: the file has another one by now. */
static void test_token_rotates(void **state)
{
	static const struct answer script[] = {
		OK("Authorization: Bearer old\r\n", "{}"),
		OK("Authorization: Bearer old\r\n", LIST("7", "", NODE("a", "5"))),
		{ "Authorization: Bearer old\r\n", 401, NULL, "", ENDS, 0, 0 },
		WATCH("Authorization: Bearer new\r\n", EVENT("ADDED", NODE("b", "8"))),
		{ 0 },
	};
	char path[] = "/tmp/test_source.XXXXXX";
	struct world world;
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	file_write(path, "  old\n");
	world_open(&world, script);
	world.kubeconfig.token_file = xstrdup(path);
	world.server.asked = token_rotate;
	world.server.arg = path;
	world_start(&world, &patient);
	world_run(&world, "+a .nodes +b ", false);
	world_check(&world, "rotated", "+a .nodes +b ", NULL);
	world_close(&world);
	unlink(path);
}

/* A token that the server never takes is not tried over and over at once. */
static void test_token_refused(void **state)
{
	static const struct answer script[] = {
		{ "Bearer bad\r\n", 401, NULL, "", ENDS, 0, 0 },
		{ "Bearer bad\r\n", 401, NULL, STATUS("401", "Unauthorized", "Unauthorized"), ENDS,
		  0, 0 },
		{ 0 },
	};
	struct world world;

	(void)state;
	world_open(&world, script);
	world.kubeconfig.token = xstrdup("bad");
	world_start(&world, &patient);
	world_run(&world, "", true);
	world_check(&world, "refused", "", "status 401 Unauthorized: Unauthorized");
	world_close(&world);
}

static struct kubeconfig_exec *exec_new(const char *path)
{
	struct kubeconfig_exec *exec = xcalloc(1, sizeof(*exec));

	exec->api_version = xstrdup("client.authentication.k8s.io/v1");
	exec->command = xstrdup(path);
	exec->args = xcalloc(1, sizeof(*exec->args));
	exec->args[exec->n_args++] = xstrdup("a b");
	exec->env = xcalloc(1, sizeof(*exec->env));
	exec->env[exec->n_env++] =
		(struct kubeconfig_variable){ xstrdup("PREFIX"), xstrdup("token") };
	return exec;
}

/* The program counts how often it is run, in its token. */
static void test_plugin(void **state)
{
	static const struct answer script[] = {
		OK("Authorization: Bearer token-a b-1\r\n", "{}"),
		OK("Authorization: Bearer token-a b-1\r\n", LIST("7", "", NODE("a", "5"))),
		{ "Authorization: Bearer token-a b-1\r\n", 401, NULL, "", ENDS, 0, 0 },
		WATCH("Authorization: Bearer token-a b-2\r\n", EVENT("ADDED", NODE("b", "8"))),
		{ 0 },
	};
	char folder[] = "/tmp/test_source.XXXXXX";
	cleanup_free char *program = NULL, *count = NULL, *text = NULL;
	struct world world;

	(void)state;
	assert_non_null(mkdtemp(folder));
	program = xasprintf("%s/plugin", folder);
	count = xasprintf("%s/count", folder);
	text = xasprintf(
		"#!/bin/sh\n"
		"echo >>%s\n"
		"case $KUBERNETES_EXEC_INFO in *ExecCredential*) ;; *) exit 1 ;; esac\n"
		"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":"
		"\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"'$PREFIX-\"$1\"-"
		"$(wc -l <%s)'\"}}'\n",
		count, count);
	file_write(program, text);
	assert_int_equal(chmod(program, 0700), 0);
	world_open(&world, script);
	world.kubeconfig.exec = exec_new(program);
	world_start(&world, &patient);
	world_run(&world, "+a .nodes +b ", false);
	world_check(&world, "plugin", "+a .nodes +b ", NULL);
	world_close(&world);
	unlink(program);
	unlink(count);
	rmdir(folder);
}

static void test_plugin_fails(void **state)
{
	static const struct answer script[] = { { 0 } };
	static const struct {
		const char *command, *error;
	} rows_failing[] = {
		{ "/nonexistent/plugin",
		  "credential plugin /nonexistent/plugin: No such file or directory" },
		{ "false", "credential plugin false: exit status 1" },
		{ "true", "credential plugin true: printed something else than an ExecCredential" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows_failing); i++) {
		struct world world;

		world_open(&world, script);
		world.kubeconfig.exec = exec_new(rows_failing[i].command);
		world_start(&world, &patient);
		for (unsigned int k = 0; k < 100 && !source_report(world.source, 0).state->error;
		     k++)
			loop_run(world.base, 10);
		world_check(&world, rows_failing[i].command, "", rows_failing[i].error);
		world_close(&world);
	}
}

/* ------------------------------------------------------------------- times -- */

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_retry_after(void **state)
{
	static const struct answer script[] = {
		VERSION,
		{ "limit=500", 429, "Retry-After: 2\r\n", STATUS("429", "TooManyRequests", "later"),
		  ENDS, 0, 0 },
		OK("limit=500", LIST("7", "", NODE("a", "5"))),
		WATCH("watch=1", ""),
		{ 0 },
	};
	int64_t began = clock_ms();
	struct world world;

	(void)state;
	world_open(&world, script);
	world_start(&world, &patient);
	world_run(&world, "+a .nodes ", false);
	world_check(&world, "retry", "+a .nodes ", NULL);
	assert_in_range(clock_ms() - began, 2000, 3500);
	world_close(&world);
}

/* A server that was away for long is found again as soon as one that was away for short. */
static void test_comes_back(void **state)
{
	static const struct answer script[] = {
		VERSION,
		OK("limit=500", LIST("7", "", NODE("a", "5"))),
		{ "watch=1", 200, NULL, "{", RESETS, 0, 0 },
		VERSION,
		WATCH("&resourceVersion=7 ", EVENT("ADDED", NODE("b", "8"))),
		{ 0 },
	};
	struct world world;
	int64_t back;

	(void)state;
	world_open(&world, script);
	world_start(&world, &patient);
	for (unsigned int i = 0; i < 500 && world.server.at < 3; i++)
		loop_run(world.base, 10);
	evconnlistener_free(world.server.listener);
	world.server.listener = NULL;
	for (size_t i = 0; i < ARRAY_LEN(world.server.clients); i++)
		server_hang_up(&world.server, i, true);
	loop_run(world.base, 2500);
	assert_non_null(strstr(source_report(world.source, 0).state->error, "connect"));
	assert_string_equal(notes_text(&world.notes), "+a .nodes ");
	server_listen(&world.server, world.server.port);
	back = clock_ms();
	world_run(&world, "+a .nodes +b ", false);
	world_check(&world, "back", "+a .nodes +b ", NULL);
	assert_in_range(clock_ms() - back, 0, 500);
	world_close(&world);
}

/* ------------------------------------------------------------------ proxies -- */

static void check_proxied(const char *name, bool by_environment)
{
	static const struct answer script[] = {
		OK("GET http://api.invalid:8001/version ", "{}"),
		OK("GET http://api.invalid:8001/api/v1/nodes?", LIST("7", "", NODE("a", "5"))),
		WATCH("watch=1", ""),
		{ 0 },
	};
	struct world world;
	char *proxy;

	world_open(&world, script);
	proxy = world.kubeconfig.server;
	world.kubeconfig.server = xstrdup("http://api.invalid:8001");
	if (by_environment) {
		setenv("http_proxy", proxy, 1);
		free(proxy);
	} else {
		world.kubeconfig.proxy = proxy;
	}
	world_start(&world, &patient);
	world_run(&world, "+a .nodes ", false);
	unsetenv("http_proxy");
	world_check(&world, name, "+a .nodes ", NULL);
	world_close(&world);
}

static void test_proxies(void **state)
{
	(void)state;
	check_proxied("proxy-url", false);
	check_proxied("environment", true);
	/* What the kubeconfig says counts, whatever the environment excepts. */
	setenv("no_proxy", "*", 1);
	check_proxied("proxy-url and no_proxy", false);
	unsetenv("no_proxy");
}

static void test_no_proxy(void **state)
{
	static const struct answer script[] = { OK("GET /version ", "{}"),
						OK("GET /api/v1/nodes?",
						   LIST("7", "", NODE("a", "5"))),
						WATCH("watch=1", ""),
						{ 0 } };
	struct world world;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("no_proxy", "10.0.0.0/8,127.0.0.0/8", 1);
	world_open(&world, script);
	world_start(&world, &patient);
	world_run(&world, "+a .nodes ", false);
	unsetenv("http_proxy");
	unsetenv("no_proxy");
	world_check(&world, "no_proxy", "+a .nodes ", NULL);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	      cmocka_unit_test(test_token_rotates),
		cmocka_unit_test(test_token_refused), cmocka_unit_test(test_plugin),
		cmocka_unit_test(test_plugin_fails),  cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_comes_back),    cmocka_unit_test(test_proxies),
		cmocka_unit_test(test_no_proxy),
	};

	signal(SIGPIPE, SIG_IGN); /* as the agent does */
	unsetenv("http_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("https_proxy");
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
