/* SPDX-License-Identifier: Apache-2.0 */
/* One context of a kubeconfig, the message for each mistake, and the service account of a pod. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/k8s/kubeconfig.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

static char folder[] = "/tmp/test_kubeconfig.XXXXXX";

static char *file_path(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void file_write(const char *name, const char *text)
{
	cleanup_free char *path = file_path(name);
	cleanup_fclose FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	file_write("ca.crt", "-----BEGIN CERTIFICATE-----\n");
	file_write("token", "t\n");
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "ca.crt", "token", "config" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *path = file_path(names[i]);

		unlink(path);
	}
	return rmdir(folder);
}

static int load(const char *text, const char *context, struct kubeconfig *kubeconfig,
		struct err *err)
{
	cleanup_free char *path = file_path("config");

	file_write("config", text);
	return kubeconfig_load(path, context, kubeconfig, err);
}

#define PEM "LS0tLS1CRUdJTiBYLS0tLS0K" /* -----BEGIN X----- */
#define CLUSTER(text) "clusters:\n- name: c\n  cluster: {" text "}\n"
#define USER(text) "users:\n- name: u\n  user: {" text "}\n"
#define CONTEXT "contexts:\n- name: a\n  context: {cluster: c, user: u}\n"
#define HEAD "current-context: a\n" CONTEXT
#define SERVER "server: 'https://10.0.0.1:6443'"

static void test_all_there_is(void **state)
{
	struct kubeconfig k;
	struct err err;

	(void)state;
	if (load("apiVersion: v1\nkind: Config\npreferences: {}\n" HEAD CLUSTER(
			 "server: 'https://10.0.0.1:6443/', certificate-authority: ca.crt, "
			 "tls-server-name: kubernetes, "
			 "proxy-url: 'http://p:3128'")
			 USER("client-certificate-data: " PEM ", client-key-data: " PEM
			      ", token: secret, tokenFile: token"),
		 NULL, &k, &err))
		fail_msg("%s", err.text);
	assert_string_equal(k.server, "https://10.0.0.1:6443");
	assert_string_equal(k.ca.file + strlen(folder), "/ca.crt");
	assert_string_equal(k.tls_server_name, "kubernetes");
	assert_string_equal(k.proxy, "http://p:3128");
	assert_string_equal(k.certificate.data, "-----BEGIN X-----\n");
	assert_string_equal(k.key.data, "-----BEGIN X-----\n");
	assert_string_equal(k.token, "secret");
	assert_string_equal(k.token_file + strlen(folder), "/token");
	assert_string_equal(k.context, "a");
	assert_null(k.exec);
	assert_false(k.insecure);
	kubeconfig_done(&k);
}

static void test_another_context(void **state)
{
	static const char text[] =
		"current-context: a\ncontexts:\n- {name: a, context: {cluster: gone, user: gone}}\n"
		"- {name: b, context: {cluster: c}}\n" CLUSTER("server: 'http://127.0.0.1:8001'");
	struct kubeconfig k;
	struct err err;

	(void)state;
	if (load(text, "b", &k, &err))
		fail_msg("%s", err.text);
	assert_string_equal(k.server, "http://127.0.0.1:8001");
	assert_null(k.token);
	kubeconfig_done(&k);
}

static void test_exec(void **state)
{
	static const char text[] = HEAD CLUSTER(
		SERVER) "users:\n- name: u\n  user:\n    exec:\n"
			"      apiVersion: client.authentication.k8s.io/v1beta1\n      command: "
			"./bin/login\n"
			"      args: [get-token, '']\n      env: [{name: A, value: b}, {name: C}]\n"
			"      installHint: install it\n      provideClusterInfo: true\n"
			"      interactiveMode: IfAvailable\n";
	struct kubeconfig k;
	struct err err;

	(void)state;
	if (load(text, NULL, &k, &err))
		fail_msg("%s", err.text);
	assert_string_equal(k.exec->command + strlen(folder), "/./bin/login");
	assert_string_equal(k.exec->api_version, "client.authentication.k8s.io/v1beta1");
	assert_int_equal(k.exec->n_args, 2);
	assert_string_equal(k.exec->args[0], "get-token");
	assert_string_equal(k.exec->args[1], "");
	assert_int_equal(k.exec->n_env, 2);
	assert_string_equal(k.exec->env[0].value, "b");
	assert_null(k.exec->env[1].value);
	assert_string_equal(k.exec->install_hint, "install it");
	assert_true(k.exec->cluster_info);
	kubeconfig_done(&k);
}

#define EXEC(text) HEAD CLUSTER(SERVER) USER("exec: {" text "}")
#define V1 "apiVersion: client.authentication.k8s.io/v1"

/* The error, from behind the file's name. */
static const struct {
	const char *text, *context, *error;
} mistakes[] = {
	{ "", NULL, ":1: is empty: it must have clusters and contexts" },
	{ "a: 1\n", NULL, ":1: current-context: Required value" },
	{ "current-context: b\n" CONTEXT, NULL, ":1: current-context: no \"b\" in contexts" },
	{ HEAD, "b", ":1: no \"b\" in contexts" },
	{ HEAD, NULL, ":4: contexts[0].context.cluster: no \"c\" in clusters" },
	{ HEAD CLUSTER(SERVER), NULL, ":4: contexts[0].context.user: no \"u\" in users" },
	{ HEAD "clusters: 7\n", NULL, ":5: clusters: expected a list, got a number" },
	{ HEAD "clusters:\n- name: c\n", NULL, ":6: clusters[0].cluster: Required value" },
	{ HEAD CLUSTER(""), NULL, ":7: clusters[0].cluster.server: Required value" },
	{ HEAD CLUSTER("server: 10.0.0.1"), NULL,
	  ":7: clusters[0].cluster.server: Invalid value: \"10.0.0.1\": must be a URL "
	  "(e.g. "
	  "https://10.0.0.1:6443)" },
	{ HEAD CLUSTER(SERVER ", certificate-authority-data: '***'"), NULL,
	  ":7: clusters[0].cluster.certificate-authority-data: must be base64" },
	{ HEAD CLUSTER(SERVER ", certificate-authority-data: YWJj"), NULL,
	  ":7: clusters[0].cluster.certificate-authority-data: must be base64 of PEM "
	  "(-----BEGIN …)" },
	{ HEAD CLUSTER(SERVER ", certificate-authority: /nowhere"), NULL,
	  ":7: clusters[0].cluster.certificate-authority: /nowhere: No such file or "
	  "directory" },
	{ HEAD CLUSTER(SERVER ", insecure-skip-tls-verify: true, "
			      "certificate-authority: ca.crt"),
	  NULL,
	  ":7: clusters[0].cluster.insecure-skip-tls-verify: makes no sense with a "
	  "certificate-authority" },
	{ HEAD CLUSTER(SERVER) USER("client-certificate-data: " PEM), NULL,
	  ":10: users[0].user.client-certificate: client-certificate and client-key belong "
	  "together" },
	{ HEAD CLUSTER(SERVER) USER("tokenFile: nowhere"), NULL, "nowhere: cannot be read" },
	{ HEAD CLUSTER(SERVER) USER("username: x, password: y"), NULL,
	  ":10: users[0].user.username: passwords are not supported: API servers have none "
	  "any more" },
	{ HEAD CLUSTER(SERVER) USER("as: admin"), NULL,
	  ":10: users[0].user.as: acting as another user is not supported" },
	{ HEAD CLUSTER(SERVER) USER("auth-provider: {name: gcp}"), NULL,
	  ":10: users[0].user.auth-provider: is not supported: use exec" },
	{ EXEC("command: x"), NULL, ":10: users[0].user.exec.apiVersion: Required value" },
	{ EXEC(V1 "alpha1"), NULL,
	  ":10: users[0].user.exec.apiVersion: Unsupported value: "
	  "\"client.authentication.k8s.io/v1alpha1\": supported values: "
	  "\"client.authentication.k8s.io/v1\", \"client.authentication.k8s.io/v1beta1\"" },
	{ EXEC(V1), NULL, ":10: users[0].user.exec.command: Required value" },
	{ EXEC(V1 ", command: x, interactiveMode: Always"), NULL,
	  ":10: users[0].user.exec.interactiveMode: an agent has no terminal that the "
	  "command could ask at" },
	{ EXEC(V1 ", command: x, env: [{value: b}]"), NULL,
	  ":10: users[0].user.exec.env[0].name: Required value" },
	{ "a: [\n", NULL, ":1: did not find expected node content" },
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		struct kubeconfig k;
		struct err err = { "" };

		if (!load(mistakes[i].text, mistakes[i].context, &k, &err))
			fail_msg("row %zu was accepted: %s", i, mistakes[i].text);
		if (strncmp(err.text, folder, strlen(folder)) != 0 ||
		    !strstr(err.text, mistakes[i].error))
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.text, mistakes[i].error);
	}
}

/* What is secret stays out of errors, wherever the mistake is. */
static void test_secrets_are_kept(void **state)
{
	static const char *const texts[] = {
		HEAD CLUSTER(SERVER) USER("token: [hunter2]"),
		HEAD CLUSTER(SERVER) USER("client-key-data: hunter2!"),
		HEAD CLUSTER(SERVER) USER("password: hunter2"),
		HEAD CLUSTER(SERVER) USER("token: hunter2, tokenFile: nowhere"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct kubeconfig k;
		struct err err = { "" };

		assert_int_not_equal(load(texts[i], NULL, &k, &err), 0);
		if (strstr(err.text, "hunter2"))
			fail_msg("%s", err.text);
	}
}

static void test_in_cluster(void **state)
{
	static const struct {
		const char *host, *port, *server;
	} rows[] = {
		{ "10.96.0.1", "443", "https://10.96.0.1:443" },
		{ "fd00::1", "6443", "https://[fd00::1]:6443" },
		{ "10.96.0.1", NULL, NULL },
		{ NULL, "443", NULL },
		{ "", "443", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kubeconfig k = { 0 };
		struct err err;

		unsetenv("KUBERNETES_SERVICE_HOST");
		unsetenv("KUBERNETES_SERVICE_PORT");
		if (rows[i].host)
			setenv("KUBERNETES_SERVICE_HOST", rows[i].host, 1);
		if (rows[i].port)
			setenv("KUBERNETES_SERVICE_PORT", rows[i].port, 1);
		assert_int_equal(kubeconfig_in_cluster(folder, &k, &err),
				 rows[i].server ? 0 : -ENOENT);
		if (rows[i].server) {
			assert_string_equal(k.server, rows[i].server);
			assert_string_equal(k.token_file + strlen(folder), "/token");
			assert_string_equal(k.ca.file + strlen(folder), "/ca.crt");
			assert_int_equal(kubeconfig_in_cluster("/nowhere", &k, &err), -ENOENT);
			assert_string_equal(err.text, "/nowhere/token: No such file or directory");
		}
		kubeconfig_done(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_there_is),
		cmocka_unit_test(test_another_context),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_secrets_are_kept),
		cmocka_unit_test(test_in_cluster),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
