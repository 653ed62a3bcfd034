/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS and HTTP/2, by HAProxy in front of the server that follows a script. It adds what it knows of
 * the connection to each request.
 */
#include "tests/unit/api/world.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/k8s/file.h"

static char folder[] = "/tmp/test_tls.XXXXXX";

static char *in_folder(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void shell(const char *command)
{
	cleanup_free char *line =
		xasprintf("cd %s && { %s; } >log 2>&1 </dev/null", folder, command);

	if (system(line))
		fail_msg("%s: see %s/log", command, folder);
}

#define KEY "openssl ecparam -name prime256v1 -genkey -noout -out "
#define SIGNED(name, subject, more)                                                            \
	KEY name ".key && openssl req -new -key " name ".key -subj /CN=" subject " -out " name \
		 ".csr && printf '" more "' >" name ".ext && openssl x509 -req -in " name      \
		 ".csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile " name        \
		 ".ext -out " name ".crt && cat " name ".crt " name ".key >" name ".pem"
#define AUTHORITY(name)                                                             \
	KEY name ".key && openssl req -x509 -new -key " name ".key -subj /CN=" name \
		 " -days 2 -out " name ".crt"

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	shell(AUTHORITY("ca"));
	shell(AUTHORITY("other"));
	shell(SIGNED("server", "x", "subjectAltName=IP:127.0.0.1"));
	shell(SIGNED("named", "x", "subjectAltName=DNS:kubernetes"));
	shell(SIGNED("client", "system:node:n1", "extendedKeyUsage=clientAuth"));
	environment_clean();
	return 0;
}

static int teardown(void **state)
{
	cleanup_free char *line = xasprintf("rm -rf %s", folder);

	(void)state;
	return system(line);
}

/* A port that was free a moment ago. */
static uint16_t port_find(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(at);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	return ntohs(at.sin_port);
}

struct front {
	const char *certificate, *alpn;
	bool asks_client;
};

static pid_t haproxy_start(const struct front *front, uint16_t port, uint16_t server)
{
	cleanup_free char *path = in_folder("haproxy.cfg");
	char *const argv[] = { "haproxy", "-db", "-q", "-f", path, NULL };
	FILE *file = fopen(path, "w");
	pid_t pid;

	assert_non_null(file);
	fprintf(file,
		"global\n  maxconn 50\ndefaults\n  mode http\n  timeout connect 5s\n"
		"  timeout client 1m\n  timeout server 1m\nlisten front\n"
		"  bind 127.0.0.1:%u ssl crt %s/%s.pem alpn %s%s%s%s\n"
		"  http-request set-header x-version %%[req.ver]\n"
		"  http-request set-header x-client %%[ssl_c_s_dn(cn)]\n"
		"  http-request set-header x-host %%[req.hdr(host)]\n"
		"  server script 127.0.0.1:%u\n",
		port, folder, front->certificate, front->alpn,
		front->asks_client ? " verify required ca-file " : "",
		front->asks_client ? folder : "", front->asks_client ? "/ca.crt" : "", server);
	fclose(file);
	assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ), 0);
	return pid;
}

static void pem_file(struct kubeconfig_pem *pem, const char *name)
{
	pem->file = in_folder(name);
}

static void pem_data(struct kubeconfig_pem *pem, const char *name)
{
	cleanup_free char *path = in_folder(name);
	struct err err;
	size_t size;

	assert_int_equal(file_read(path, &pem->data, &size, &err), 0);
}

#define SCRIPT(asks)                                                                     \
	{                                                                                \
		{ asks, 200, NULL, "{}", ENDS, 0, 0 },                                   \
			{ asks, 200, NULL, LIST("7", "", NODE("a", "5")), ENDS, 0, 0 },  \
		{                                                                        \
			asks, 200, NULL, EVENT("ADDED", NODE("b", "8")), IS_SILENT, 5, 0 \
		}                                                                        \
	}

static const struct row {
	const char *name;
	struct front front;
	const char *ca, *client; /* files, without .crt and .key */
	bool data;		 /* not by their paths */
	const char *server_name;
	bool insecure;
	struct answer script[4];
	const char *error; /* a part of it; NULL: it works */
} rows[] = {
	{ "HTTP/2",
	  { "server", "h2,http/1.1", false },
	  "ca",
	  NULL,
	  false,
	  NULL,
	  false,
	  SCRIPT("x-version: 2.0\r\n"),
	  NULL },
	{ "HTTP/1.1 where there is no other",
	  { "server", "http/1.1", false },
	  "ca",
	  NULL,
	  false,
	  NULL,
	  false,
	  SCRIPT("x-version: 1.1\r\n"),
	  NULL },
	{ "the CA as data",
	  { "server", "h2", false },
	  "ca",
	  NULL,
	  true,
	  NULL,
	  false,
	  SCRIPT("x-version: 2.0\r\n"),
	  NULL },
	{ "a client certificate in files",
	  { "server", "h2", true },
	  "ca",
	  "client",
	  false,
	  NULL,
	  false,
	  SCRIPT("x-client: system:node:n1\r\n"),
	  NULL },
	{ "a client certificate as data",
	  { "server", "h2", true },
	  "ca",
	  "client",
	  true,
	  NULL,
	  false,
	  SCRIPT("x-client: system:node:n1\r\n"),
	  NULL },
	{ "no client certificate",
	  { "server", "h2", true },
	  "ca",
	  NULL,
	  false,
	  NULL,
	  false,
	  { { 0 } },
	  "certificate required" },
	{ "another CA",
	  { "server", "h2", false },
	  "other",
	  NULL,
	  false,
	  NULL,
	  false,
	  { { 0 } },
	  "certificate" },
	{ "no CA: those of the system",
	  { "server", "h2", false },
	  NULL,
	  NULL,
	  false,
	  NULL,
	  false,
	  { { 0 } },
	  "certificate" },
	{ "whatever certificate",
	  { "server", "h2", false },
	  NULL,
	  NULL,
	  false,
	  NULL,
	  true,
	  SCRIPT("x-version: 2.0\r\n"),
	  NULL },
	{ "a certificate for a name",
	  { "named", "h2", false },
	  "ca",
	  NULL,
	  false,
	  NULL,
	  false,
	  { { 0 } },
	  "127.0.0.1" },
	{ "that is expected",
	  { "named", "h2", false },
	  "ca",
	  NULL,
	  false,
	  "kubernetes",
	  false,
	  SCRIPT("x-host: 127.0.0.1:"),
	  NULL },
};

static void kubeconfig_fill(const struct row *row, uint16_t port, struct kubeconfig *kubeconfig)
{
	void (*pem)(struct kubeconfig_pem * to, const char *name) = row->data ? pem_data : pem_file;

	free(kubeconfig->server);
	kubeconfig->server = xasprintf("https://127.0.0.1:%u", port);
	kubeconfig->insecure = row->insecure;
	kubeconfig->tls_server_name = row->server_name ? xstrdup(row->server_name) : NULL;
	if (row->ca) {
		cleanup_free char *name = xasprintf("%s.crt", row->ca);

		pem(&kubeconfig->ca, name);
	}
	if (row->client) {
		pem(&kubeconfig->certificate, "client.crt");
		pem(&kubeconfig->key, "client.key");
	}
}

static void check_row(const struct row *row)
{
	const char *heard = row->error ? "" : "+a .nodes +b ", *error;
	uint16_t port = port_find();
	struct world world;
	pid_t haproxy;

	world_open(&world, row->script);
	haproxy = haproxy_start(&row->front, port, world.server.port);
	kubeconfig_fill(row, port, &world.kubeconfig);
	world_start(&world, &patient);
	/* While HAProxy starts, there is another error. */
	for (unsigned int i = 0; i < 2000 && !world.server.failed; i++) {
		loop_run(world.base, 10);
		error = source_report(world.source, 0).state->error;
		if (row->error ? error && strstr(error, row->error)
			       : !strcmp(notes_text(&world.notes), heard))
			break;
	}
	error = source_report(world.source, 0).state->error;
	if (row->error ? !error || !strstr(error, row->error) : error != NULL)
		fail_msg("%s: \"%s\"", row->name, error ? error : "no error");
	world_check(&world, row->name, heard, error);
	world_close(&world);
	kill(haproxy, SIGTERM);
	waitpid(haproxy, NULL, 0);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
