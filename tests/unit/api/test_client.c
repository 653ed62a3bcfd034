/* SPDX-License-Identifier: Apache-2.0 */
/* Who a client says it is, and by which way it goes. */
#include "tests/unit/api/world.h"

#include <sys/stat.h>
#include <unistd.h>

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
		cmocka_unit_test(test_token_rotates), cmocka_unit_test(test_token_refused),
		cmocka_unit_test(test_plugin),	      cmocka_unit_test(test_plugin_fails),
		cmocka_unit_test(test_proxies),	      cmocka_unit_test(test_no_proxy),
	};

	environment_clean();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
