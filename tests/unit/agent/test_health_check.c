/* SPDX-License-Identifier: Apache-2.0 */
/* Health ports: which there are, how many endpoints they tell of, and the bytes of an answer. */
#include "tests/unit/model/resolved.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/agent/desired.h"
#include "user/agent/health_server.h"
#include "user/util/vec.h"

#define LOCAL_LB(more)                                                                          \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: kubia}, spec: {type: "           \
	"LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 32001, clusterIP: "   \
	"10.96.0.5, selector: {app: kubia}, ports: [{name: http, port: 80, targetPort: 8080}, " \
	"{name: https, port: 443, targetPort: 8443}]" more "}}\n"
#define BOTH(name, node, ip4, ip6) \
	KUBIA_POD(name, "", node,  \
		  "phase: Running, podIP: " ip4 ", podIPs: [{ip: " ip4 "}, {ip: '" ip6 "'}]")
#define DUAL ", ipFamilyPolicy: RequireDualStack, clusterIPs: [10.96.0.5, 'fd00::5']"

/* ------------------------------------------------------ what is served -- */

struct collect_case {
	const char *name;
	const char *yaml;
	const char *expected; /* "namespace/name:port v4=N v6=N" each; a family not served is left
				 out */
};

static const struct collect_case collect_cases[] = {
	{ "two pods of two ports here, one elsewhere",
	  LOCAL_LB("") POD("a", "here", "172.17.0.7") POD("b", "here", "172.17.0.8")
		  POD("c", "there", "172.17.1.9"),
	  "default/kubia:32001 v4=2" },
	{ "none here", LOCAL_LB("") POD("c", "there", "172.17.1.9"), "default/kubia:32001 v4=0" },
	{ "none at all", LOCAL_LB(""), "default/kubia:32001 v4=0" },
	{ "one not ready",
	  LOCAL_LB("") POD("a", "here", "172.17.0.7") UNREADY_POD("b", "here", "172.17.0.8"),
	  "default/kubia:32001 v4=1" },
	{ "one on its way out beside a ready one",
	  LOCAL_LB("") POD("a", "here", "172.17.0.7") DYING_POD("b", "here", "172.17.0.8"),
	  "default/kubia:32001 v4=1" },
	{ "only one on its way out, which still serves",
	  LOCAL_LB("") DYING_POD("b", "here", "172.17.0.8") POD("c", "there", "172.17.1.9"),
	  "default/kubia:32001 v4=0" },
	{ "publishNotReadyAddresses makes it ready",
	  LOCAL_LB(", publishNotReadyAddresses: true") UNREADY_POD("b", "here", "172.17.0.8"),
	  "default/kubia:32001 v4=1" },
	{ "families count by themselves",
	  LOCAL_LB(DUAL) BOTH("a", "here", "172.17.0.7", "fd00:17::7")
		  POD("b", "here", "172.17.0.8"),
	  "default/kubia:32001 v4=2 v6=1" },
	{ "policy Cluster has none",
	  SVC("kubia", "type: LoadBalancer, clusterIP: 10.96.0.5, selector: {app: kubia}, ports: "
		       "[{port: 80}]") POD("a", "here", "172.17.0.7"),
	  "" },
	{ "one of several Services",
	  SVC("bar", "clusterIP: 10.96.0.4, ports: [{port: 80}]") LOCAL_LB("")
		  SVC("zoo", "clusterIP: 10.96.0.6, ports: [{port: 80}]")
			  POD("a", "here", "172.17.0.7"),
	  "default/kubia:32001 v4=1" },
	{ "another proxy's",
	  "---\n{apiVersion: v1, kind: Service, metadata: {name: kubia, labels: "
	  "{service.kubernetes.io/service-proxy-name: other}}, spec: {type: LoadBalancer, "
	  "externalTrafficPolicy: Local, healthCheckNodePort: 32001, clusterIP: 10.96.0.5, "
	  "ports: [{port: 80}]}}\n",
	  "" },
};

static char *checks_text(const struct health_check_list *list)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < list->n; i++) {
		const struct health_check *check = &list->items[i];
		cleanup_free char *before = text;
		cleanup_free char *v4 =
			check->served[0] ? xasprintf(" v4=%u", check->ready[0]) : xstrdup("");
		cleanup_free char *v6 =
			check->served[1] ? xasprintf(" v6=%u", check->ready[1]) : xstrdup("");

		text = xasprintf("%s%s%s/%s:%u%s%s", before, *before ? "\n" : "", check->namespace,
				 check->name, check->port, v4, v6);
	}
	return text;
}

static void test_collect(void **state)
{
	const struct collect_case *test = *state;
	struct config config = { .node_name = (char *)"here" };
	struct store *store = world_new(test->yaml);
	struct health_check_list list = { 0 };
	struct addr_list addresses = { 0 };
	struct desired desired;
	cleanup_free char *text = NULL;

	desired_resolve(store, &config, &addresses, &desired);
	health_checks_collect(store, &desired, &list);
	text = checks_text(&list);
	assert_string_equal(text, test->expected);
	vec_free(&list);
	desired_done(&desired);
	store_free(store);
}

/* ------------------------------------------------------------- addresses -- */

struct address_case {
	const char *name;
	const char *node_port_addresses; /* NULL: all */
	const char *expected;
};

static const struct address_case address_cases[] = {
	{ "all", NULL, "::,0.0.0.0" },
	{ "some", "192.0.2.0/24", "192.0.2.1" },
	{ "both families", "192.0.2.0/24 2001:db8::/32", "192.0.2.1,2001:db8::1" },
	{ "listed twice", "192.0.2.0/24 192.0.2.1/32", "192.0.2.1" },
	{ "none", "203.0.113.0/24", "" },
};

static void test_addresses(void **state)
{
	const struct address_case *test = *state;
	struct config config = { 0 };
	struct addr_list node = { 0 }, list = { 0 };
	char text[256] = "", addr[ADDR_TEXT];

	if (test->node_port_addresses)
		world_prefixes(&config.node_port_addresses, test->node_port_addresses);
	vec_push(&node, world_addr("192.0.2.1"));
	vec_push(&node, world_addr("198.51.100.7"));
	vec_push(&node, world_addr("2001:db8::1"));
	health_addresses(&config, &node, &list);
	for (size_t i = 0; i < list.n; i++) {
		strcat(text, i ? "," : "");
		strcat(text, addr_format(&list.items[i], addr));
	}
	assert_string_equal(text, test->expected);
	vec_free(&list);
	vec_free(&node);
	world_config_done(&config);
}

/* --------------------------------------------------------------- answers -- */

#define BODY(count, healthy)                       \
	"{\n"                                      \
	"\t\"service\": {\n"                       \
	"\t\t\"namespace\": \"default\",\n"        \
	"\t\t\"name\": \"kubia\"\n"                \
	"\t},\n"                                   \
	"\t\"localEndpoints\": " count ",\n"       \
	"\t\"serviceProxyHealthy\": " healthy "\n" \
	"}"

struct answer_case {
	const char *name;
	bool served[2];
	uint32_t ready[2];
	bool v4;
	bool healthy;
	int status;
	uint32_t weight;
	const char *body;
};

static const struct answer_case answer_cases[] = {
	{ "ready ones", { true, false }, { 2, 0 }, true, true, 200, 2, BODY("2", "true") },
	{ "none", { true, false }, { 0, 0 }, true, true, 503, 0, BODY("0", "true") },
	{ "not healthy", { true, false }, { 2, 0 }, true, false, 503, 2, BODY("2", "false") },
	{ "neither", { true, false }, { 0, 0 }, true, false, 503, 0, BODY("0", "false") },
	{ "IPv4 asked over IPv6",
	  { true, false },
	  { 3, 0 },
	  false,
	  true,
	  200,
	  3,
	  BODY("3", "true") },
	{ "IPv6 asked over IPv4",
	  { false, true },
	  { 0, 3 },
	  true,
	  true,
	  200,
	  3,
	  BODY("3", "true") },
	{ "both, IPv4", { true, true }, { 1, 0 }, true, true, 200, 1, BODY("1", "true") },
	{ "both, IPv6", { true, true }, { 1, 0 }, false, true, 503, 0, BODY("0", "true") },
};

static struct health_check check_new(uint16_t port, const bool *served, const uint32_t *ready)
{
	return (struct health_check){ .namespace = "default",
				      .name = "kubia",
				      .port = port,
				      .served = { served[0], served[1] },
				      .ready = { ready[0], ready[1] } };
}

static void test_answer(void **state)
{
	const struct answer_case *test = *state;
	struct health_check check = check_new(32001, test->served, test->ready);
	struct health_answer answer;

	health_check_answer(&check, test->v4, test->healthy, &answer);
	assert_int_equal(answer.status, test->status);
	assert_int_equal(answer.weight, test->weight);
	assert_string_equal(answer.body, test->body);
}

/* The longest names there are. */
static void test_answer_long(void **state)
{
	struct health_check check = { .served = { true, false }, .ready = { UINT32_MAX, 0 } };
	struct health_answer answer;

	(void)state;
	memset(check.namespace, 'n', sizeof(check.namespace) - 1);
	memset(check.name, 's', sizeof(check.name) - 1);
	health_check_answer(&check, true, false, &answer);
	assert_string_equal(
		strstr(answer.body, "\t\"localEndpoints\""),
		"\t\"localEndpoints\": 4294967295,\n\t\"serviceProxyHealthy\": false\n}");
}

/* ---------------------------------------------------------------- server -- */

struct stage {
	struct event_base *base;
	struct health_server *server;
	uint16_t port; /* nobody's */
	bool healthy;
};

static bool stage_healthy(void *arg)
{
	return ((struct stage *)arg)->healthy;
}

/* A socket bound to loopback. *port 0: any; gets the number. */
static int loopback_bind(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(*port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(at);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static int stage_setup(void **state)
{
	struct stage *stage = xcalloc(1, sizeof(*stage));

	stage->base = event_base_new();
	stage->server = health_server_new(stage->base, stage_healthy, stage);
	stage->healthy = true;
	close(loopback_bind(&stage->port));
	*state = stage;
	return 0;
}

static int stage_teardown(void **state)
{
	struct stage *stage = *state;

	health_server_free(stage->server);
	event_base_free(stage->base);
	free(stage);
	return 0;
}

/* ready < 0: the Service has no health port any more. */
static void stage_update(struct stage *stage, int ready)
{
	struct health_check_list checks = { 0 };
	struct addr_list addresses = { 0 };

	if (ready >= 0)
		vec_push(&checks, check_new(stage->port, (bool[]){ true, false },
					    (uint32_t[]){ (uint32_t)ready, 0 }));
	vec_push(&addresses, addr_from_v4(htonl(INADDR_LOOPBACK)));
	health_server_update(stage->server, &checks, &addresses);
	assert_null(checks.items);
	assert_null(addresses.items);
}

/* A connected socket, or -errno. */
static int stage_connect(const struct stage *stage)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(stage->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return -errno;
	return TAKE_FD(fd);
}

/* -errno of connect, or 0 and the whole answer, without its date. */
static int stage_ask(struct stage *stage, const char *request, char *ret_text, size_t size)
{
	cleanup_close int fd = stage_connect(stage);
	size_t n = 0;
	ssize_t got = -1;
	char *date;

	if (fd < 0)
		return fd;
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	for (int i = 0; i < 2000 && got; i++) {
		event_base_loop(stage->base, EVLOOP_NONBLOCK);
		got = recv(fd, ret_text + n, size - 1 - n, MSG_DONTWAIT);
		n += got > 0 ? (size_t)got : 0;
		if (got < 0)
			usleep(1000);
	}
	assert_int_equal(got, 0);
	ret_text[n] = '\0';
	date = strstr(ret_text, "Date: ");
	assert_non_null(date);
	memmove(date, strstr(date, "\r\n") + 2, strlen(strstr(date, "\r\n") + 2) + 1);
	return 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n"
#define ANSWER(status, weight, length)                              \
	"HTTP/1.1 " status "\r\nContent-Type: application/json\r\n" \
	"X-Content-Type-Options: nosniff\r\n"                       \
	"X-Load-Balancing-Endpoint-Weight: " weight "\r\n"          \
	"Content-Length: " length "\r\nConnection: close\r\n\r\n"
#define ANSWER_1 ANSWER("200 OK", "1", "116") BODY("1", "true")

static void test_bytes(void **state)
{
	static const struct {
		const char *request;
		int ready;
		bool healthy;
		const char *answer;
	} rows[] = {
		{ GET("/healthz"), 1, true, ANSWER_1 },
		{ GET("/"), 1, true, ANSWER_1 },
		{ GET("/any/path?with=query"), 1, true, ANSWER_1 },
		{ "POST / HTTP/1.1\r\nHost: n\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
		  1, true, ANSWER_1 },
		{ "HEAD / HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n", 1, true,
		  ANSWER("200 OK", "1", "116") },
		{ GET("/healthz"), 0, true,
		  ANSWER("503 Service Unavailable", "0", "116") BODY("0", "true") },
		{ GET("/healthz"), 12, false,
		  ANSWER("503 Service Unavailable", "12", "118") BODY("12", "false") },
	};
	struct stage *stage = *state;
	char text[1024];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		stage->healthy = rows[i].healthy;
		stage_update(stage, rows[i].ready);
		assert_int_equal(stage_ask(stage, rows[i].request, text, sizeof(text)), 0);
		assert_string_equal(text, rows[i].answer);
	}
}

static void test_ports(void **state)
{
	struct stage *stage = *state;
	char text[1024];
	int taken;

	assert_int_equal(stage_ask(stage, GET("/"), text, sizeof(text)), -ECONNREFUSED);
	taken = loopback_bind(&stage->port);
	assert_int_equal(listen(taken, 1), 0);
	stage_update(stage, 1);
	close(taken);
	assert_int_equal(stage_ask(stage, GET("/"), text, sizeof(text)), -ECONNREFUSED);
	stage_update(stage, 1);
	assert_int_equal(stage_ask(stage, GET("/"), text, sizeof(text)), 0);
	assert_string_equal(text, ANSWER_1);
	stage_update(stage, -1);
	assert_int_equal(stage_ask(stage, GET("/"), text, sizeof(text)), -ECONNREFUSED);
}

/* Who connects and says nothing gets no more than half of the descriptors, and others get in later.
 */
static void test_silent_clients(void **state)
{
	struct stage *stage = *state;
	struct rlimit limit, few;
	int fds[48], lowest;
	char text[1024];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	stage_update(stage, 1);
	/* Their ends of the connections are above what counts. */
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = stage_connect(stage);
		assert_true(fds[i] >= 0);
		lowest = fcntl(fds[i], F_DUPFD_CLOEXEC, 200);
		close(fds[i]);
		fds[i] = lowest;
	}
	few = (struct rlimit){ 64, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 200; i++)
		event_base_loop(stage->base, EVLOOP_NONBLOCK);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	lowest = dup(STDERR_FILENO);
	assert_in_range(lowest, 32, 36);
	close(lowest);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	assert_int_equal(stage_ask(stage, GET("/"), text, sizeof(text)), 0);
	assert_string_equal(text, ANSWER_1);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(collect_cases) + ARRAY_LEN(address_cases) +
				ARRAY_LEN(answer_cases) + 4];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(collect_cases); i++)
		tests[n++] = (struct CMUnitTest){ collect_cases[i].name, test_collect, NULL, NULL,
						  (void *)&collect_cases[i] };
	for (size_t i = 0; i < ARRAY_LEN(address_cases); i++)
		tests[n++] = (struct CMUnitTest){ address_cases[i].name, test_addresses, NULL, NULL,
						  (void *)&address_cases[i] };
	for (size_t i = 0; i < ARRAY_LEN(answer_cases); i++)
		tests[n++] = (struct CMUnitTest){ answer_cases[i].name, test_answer, NULL, NULL,
						  (void *)&answer_cases[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_answer_long);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(test_bytes, stage_setup,
									stage_teardown);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(test_ports, stage_setup,
									stage_teardown);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(
		test_silent_clients, stage_setup, stage_teardown);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
