/* SPDX-License-Identifier: Apache-2.0 */
/* The text for Prometheus: whole, by its format's rules, and as it is served. */
#include "tests/unit/agent/temp.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "user/agent/metrics.h"
#include "user/agent/metrics_server.h"

/* ------------------------------------------------------------- the format -- */

struct lines {
	char **items;
	size_t n, room;
};

static bool lines_have(const struct lines *lines, const char *text)
{
	for (size_t i = 0; i < lines->n; i++)
		if (!strcmp(lines->items[i], text))
			return true;
	return false;
}

static void lines_done(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->items[i]);
	vec_free(lines);
}

/* The end of a metric's or label's name, NULL: there is none. */
static const char *name_end(const char *at)
{
	size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789");

	return length && (*at < '0' || *at > '9') ? at + length : NULL;
}

/* Behind {key="value",…}; NULL: it is not that. */
static const char *labels_end(const char *at)
{
	do {
		at = name_end(at + 1);
		if (!at || *at++ != '=' || *at++ != '"')
			return NULL;
		for (; *at && *at != '"'; at++)
			if (*at == '\\' && !strchr("\\\"n", *++at))
				return NULL;
		if (*at++ != '"')
			return NULL;
	} while (*at == ',');
	return *at == '}' ? at + 1 : NULL;
}

struct checker {
	struct lines families, series;
	char family[128], type[16];
	bool help; /* the line before was the family's HELP */
};

static const char *head_check(struct checker *checker, const char *line)
{
	char name[128], rest[256];

	if (sscanf(line, "# HELP %127s %255[^\n]", name, rest) == 2) {
		if (lines_have(&checker->families, name))
			return "a family twice";
		vec_push(&checker->families, xstrdup(name));
		strcpy(checker->family, name);
		checker->help = true;
		return NULL;
	}
	if (!checker->help || sscanf(line, "# TYPE %127s %15s", name, checker->type) != 2 ||
	    strcmp(name, checker->family) != 0)
		return "no TYPE behind HELP";
	checker->help = false;
	if (strcmp(checker->type, "counter") != 0 && strcmp(checker->type, "gauge") != 0)
		return "unknown type";
	return NULL;
}

static const char *series_check(struct checker *checker, const char *line)
{
	const char *end = name_end(line);
	char *series, *number_end;
	size_t length = end ? (size_t)(end - line) : 0;
	size_t total = strlen("_total");
	bool twice;

	if (!end || checker->help || length != strlen(checker->family) ||
	    memcmp(line, checker->family, length) != 0)
		return "not of the family";
	if ((!memcmp(end - total, "_total", total)) != !strcmp(checker->type, "counter"))
		return "counters, and nothing else, end in _total";
	if (*end == '{')
		end = labels_end(end);
	if (!end || *end != ' ')
		return "bad labels";
	series = strndup(line, (size_t)(end - line));
	twice = lines_have(&checker->series, series);
	vec_push(&checker->series, series);
	if (twice)
		return "a series twice";
	(void)strtod(end + 1, &number_end);
	return number_end > end + 1 && !*number_end ? NULL : "bad value";
}

/* What is wrong with the text, NULL: nothing. */
static const char *format_check(const char *text, size_t *ret_series)
{
	cleanup_free char *copy = xstrdup(text);
	struct checker checker = { 0 };
	const char *wrong = *text && text[strlen(text) - 1] != '\n' ? "no end of line" : NULL;
	char *rest, *line = strtok_r(copy, "\n", &rest);

	for (; line && !wrong; line = strtok_r(NULL, "\n", &rest))
		wrong = *line == '#' ? head_check(&checker, line) : series_check(&checker, line);
	*ret_series = checker.series.n;
	lines_done(&checker.families);
	lines_done(&checker.series);
	return wrong;
}

#define HEAD(type) "# HELP a" type " help\n# TYPE a" type

/* The checker itself: what it lets pass, and what it must not. */
static void test_checker(void **state)
{
	static const struct {
		const char *text, *wrong;
	} cases[] = {
		{ HEAD("") " gauge\na 1\n", NULL },
		{ HEAD("") " gauge\na{b=\"x\\\"\\\\\\n\",c=\"\"} 1.5\na{b=\"y\"} 2\n", NULL },
		{ HEAD("_total") " counter\na_total 1\n", NULL },
		{ HEAD("") " counter\na 1\n", "counters, and nothing else, end in _total" },
		{ HEAD("") " gauge\n" HEAD("") " gauge\n", "a family twice" },
		{ HEAD("") " gauge\na 1\na 2\n", "a series twice" },
		{ HEAD("") " gauge\na{b=\"x\"y\"} 1\n", "bad labels" },
		{ HEAD("") " gauge\na{b=\"x\\y\"} 1\n", "bad labels" },
		{ HEAD("") " gauge\nb 1\n", "not of the family" },
		{ HEAD("") " gauge\na 1x\n", "bad value" },
		{ HEAD("") " gauge\na 1", "no end of line" },
		{ "# HELP a help\na 1\n", "not of the family" },
		{ HEAD("") " table\n", "unknown type" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n;
		const char *wrong = format_check(cases[i].text, &n);

		if (wrong && cases[i].wrong)
			assert_string_equal(wrong, cases[i].wrong);
		else if (wrong != cases[i].wrong)
			fail_msg("%s: %s", cases[i].text, wrong ? wrong : "passes");
	}
}

/* ---------------------------------------------------------------- the text -- */

static char *text_of(const struct metrics *metrics)
{
	char *text;
	size_t size, n;
	FILE *out = open_memstream(&text, &size);
	const char *wrong;

	metrics_write(out, metrics);
	fclose(out);
	wrong = format_check(text, &n);
	if (wrong)
		fail_msg("%s:\n%s", wrong, text);
	return text;
}

#define AGENT(attached)                                                                    \
	"# HELP lbctl_build_info Always 1; the label tells which lbctl this is.\n"         \
	"# TYPE lbctl_build_info gauge\n"                                                  \
	"lbctl_build_info{version=\"v1\"} 1\n"                                             \
	"# HELP lbctl_attached Whether the datapath is attached.\n"                        \
	"# TYPE lbctl_attached gauge\n"                                                    \
	"lbctl_attached " attached "\n"                                                    \
	"# HELP lbctl_sync_total Syncs of the maps with the objects.\n"                    \
	"# TYPE lbctl_sync_total counter\n"                                                \
	"lbctl_sync_total 7\n"                                                             \
	"# HELP lbctl_sync_errors_total Syncs that failed.\n"                              \
	"# TYPE lbctl_sync_errors_total counter\n"                                         \
	"lbctl_sync_errors_total 2\n"                                                      \
	"# HELP lbctl_sync_last_success_timestamp_seconds When a sync succeeded the last " \
	"time; 0: none has.\n"                                                             \
	"# TYPE lbctl_sync_last_success_timestamp_seconds gauge\n"                         \
	"lbctl_sync_last_success_timestamp_seconds 1764400000\n"                           \
	"# HELP lbctl_sync_duration_seconds How long the last sync took.\n"                \
	"# TYPE lbctl_sync_duration_seconds gauge\n"                                       \
	"lbctl_sync_duration_seconds 1.002003\n"                                           \
	"# HELP lbctl_services Services that the maps should hold.\n"                      \
	"# TYPE lbctl_services gauge\n"                                                    \
	"lbctl_services 3\n"                                                               \
	"# HELP lbctl_backends Backends that the maps should hold.\n"                      \
	"# TYPE lbctl_backends gauge\n"                                                    \
	"lbctl_backends 4\n"

static struct status status_new(bool attached)
{
	return (struct status){ .syncs = 7,
				.failures = 2,
				.last_sync = 1764400000,
				.duration = 1002003,
				.attached = attached,
				.services = 3,
				.backends = 4 };
}

static void test_not_attached(void **state)
{
	struct status status = status_new(false);
	struct metrics metrics = { .version = "v1", .status = &status };
	cleanup_free char *text = text_of(&metrics);

	(void)state;
	assert_string_equal(text, AGENT("0"));
}

/* One Service of two families, and another; a freed slot, and one of a Service that is unknown. */
static struct actual_service services[] = {
	{ 1, { .namespace = "default", .name = "kubia", .port = 0x5000, .proto = IPPROTO_TCP } },
	{ 2,
	  { .namespace = "default",
	    .name = "kubia",
	    .port = 0x5000,
	    .proto = IPPROTO_TCP,
	    .flags = LB_NAME_IPV6 } },
	{ 5, { .namespace = "a\\b", .name = "a\"b\nc", .port = 0x3500, .proto = IPPROTO_UDP } },
};

static struct actual_backend backends[] = {
	{ 1, { .port = 0x901f, .proto = IPPROTO_TCP, .service = 1 } },
	{ 2, { .port = 0x901f, .proto = IPPROTO_TCP, .service = 2 } },
	{ 3, { .port = 0x901f, .proto = IPPROTO_TCP, .flags = LB_BACKEND_GONE } },
	{ 4, { .port = 0x901f, .proto = IPPROTO_TCP, .service = 4 } },
};

static char *text_attached(const struct actual *actual, const struct prober_result *results,
			   size_t n_results)
{
	struct status status = status_new(true);
	struct lb_stats service_stats[] = { { 10, 1000, 1, 0 }, { 20, 2000, 2, 0 }, { 0 } };
	struct lb_stats backend_stats[] = {
		{ 7, 700, 1, 0 }, { 8, UINT64_MAX, 2, 0 }, { 9, 900, 3, 0 }, { 1, 1, 1, 0 }
	};
	struct datapath_stats stats = { .services = service_stats, .backends = backend_stats };
	struct metrics metrics = { "v1", &status, actual, &stats, results, n_results };

	stats.reasons[LB_REASON_FORWARDED].packets = 77;
	stats.reasons[LB_REASON_NO_BACKEND].packets = 5;
	return text_of(&metrics);
}

/* The lines of one family, without its head. */
static char *family_of(const char *text, const char *name)
{
	cleanup_free char *type = xasprintf("\n# TYPE lbctl_%s ", name);
	const char *at = strstr(text, type), *end;

	if (!at)
		return xstrdup("");
	at = strchr(at + 1, '\n') + 1;
	end = strstr(at, "# HELP");
	return end ? strndup(at, (size_t)(end - at)) : xstrdup(at);
}

#define KUBIA "{namespace=\"default\",service=\"kubia\",port=\"80\",protocol=\"TCP\""
#define ODD "{namespace=\"a\\\\b\",service=\"a\\\"b\\nc\",port=\"53\",protocol=\"UDP\""
#define POD "{namespace=\"default\",pod=\"kubia-1\",container=\"web\",probe=\"readiness\""
#define BY_HAND "{namespace=\"default\",service=\"old\",endpoint=\"192.0.2.7\",probe=\"readiness\""

static const struct {
	const char *family, *series;
} families[] = {
	{ "attached", "lbctl_attached 1\n" },
	{ "service_packets_total", "lbctl_service_packets_total" ODD "} 0\n"
				   "lbctl_service_packets_total" KUBIA "} 30\n" },
	{ "service_bytes_total", "lbctl_service_bytes_total" ODD "} 0\n"
				 "lbctl_service_bytes_total" KUBIA "} 3000\n" },
	{ "service_connections_total", "lbctl_service_connections_total" ODD "} 0\n"
				       "lbctl_service_connections_total" KUBIA "} 3\n" },
	{ "backend_packets_total",
	  "lbctl_backend_packets_total" KUBIA ",backend=\"172.17.0.7:8080\"} 7\n"
	  "lbctl_backend_packets_total" KUBIA ",backend=\"[fd00::7]:8080\"} 8\n" },
	{ "backend_bytes_total",
	  "lbctl_backend_bytes_total" KUBIA ",backend=\"172.17.0.7:8080\"} 700\n"
	  "lbctl_backend_bytes_total" KUBIA ",backend=\"[fd00::7]:8080\"} 18446744073709551615\n" },
	{ "backend_connections_total",
	  "lbctl_backend_connections_total" KUBIA ",backend=\"172.17.0.7:8080\"} 1\n"
	  "lbctl_backend_connections_total" KUBIA ",backend=\"[fd00::7]:8080\"} 2\n" },
	{ "drops_total", "lbctl_drops_total{reason=\"malformed\"} 0\n"
			 "lbctl_drops_total{reason=\"no_backend\"} 5\n"
			 "lbctl_drops_total{reason=\"no_local_backend\"} 0\n"
			 "lbctl_drops_total{reason=\"source_range\"} 0\n"
			 "lbctl_drops_total{reason=\"no_port\"} 0\n"
			 "lbctl_drops_total{reason=\"no_room\"} 0\n"
			 "lbctl_drops_total{reason=\"busy\"} 0\n"
			 "lbctl_drops_total{reason=\"ttl\"} 0\n"
			 "lbctl_drops_total{reason=\"neighbour\"} 0\n"
			 "lbctl_drops_total{reason=\"no_address\"} 0\n"
			 "lbctl_drops_total{reason=\"backend_gone\"} 0\n"
			 "lbctl_drops_total{reason=\"internal\"} 0\n"
			 "lbctl_drops_total{reason=\"fragment\"} 0\n" },
	{ "map_entries", "lbctl_map_entries{map=\"services\"} 3\n"
			 "lbctl_map_entries{map=\"frontends\"} 0\n"
			 "lbctl_map_entries{map=\"backends\"} 3\n"
			 "lbctl_map_entries{map=\"source_ranges\"} 0\n" },
	{ "map_max_entries", "lbctl_map_max_entries{map=\"services\"} 10\n"
			     "lbctl_map_max_entries{map=\"frontends\"} 20\n"
			     "lbctl_map_max_entries{map=\"backends\"} 30\n"
			     "lbctl_map_max_entries{map=\"source_ranges\"} 40\n" },
	{ "probe_result", "lbctl_probe_result" POD "} 1\n"
			  "lbctl_probe_result" BY_HAND "} 0\n" },
	{ "probe_duration_seconds", "lbctl_probe_duration_seconds" POD "} 0.001500\n"
				    "lbctl_probe_duration_seconds" BY_HAND "} 1.000000\n" },
	{ "probe_runs_total", "lbctl_probe_runs_total" POD ",result=\"success\"} 3\n"
			      "lbctl_probe_runs_total" POD ",result=\"warning\"} 1\n"
			      "lbctl_probe_runs_total" POD ",result=\"failure\"} 2\n"
			      "lbctl_probe_runs_total" BY_HAND ",result=\"success\"} 0\n"
			      "lbctl_probe_runs_total" BY_HAND ",result=\"warning\"} 0\n"
			      "lbctl_probe_runs_total" BY_HAND ",result=\"failure\"} 9\n" },
};

static void test_families(void **state)
{
	struct target_key pod = { K8S_POD, "default", "kubia-1", "web", PROBE_READINESS };
	struct target_key hand = { K8S_SERVICE, "default", "old", "192.0.2.7", PROBE_READINESS };
	struct prober_result results[] = { { &pod, OUTCOME_WARNING, 1500, { 3, 1, 2 } },
					   { &hand, OUTCOME_FAILURE, 1000000, { 0, 0, 9 } } };
	struct actual actual = { .services = services,
				 .n_services = ARRAY_LEN(services),
				 .backends = backends,
				 .n_backends = ARRAY_LEN(backends),
				 .max_services = 10,
				 .max_frontends = 20,
				 .max_backends = 30,
				 .max_ranges = 40 };
	cleanup_free char *text = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(backends); i++)
		assert_int_equal(
			addr_parse(i == 1 ? "fd00::7" : "172.17.0.7", &backends[i].value.addr), 0);
	text = text_attached(&actual, results, ARRAY_LEN(results));
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		cleanup_free char *series = family_of(text, families[i].family);

		assert_string_equal(series, families[i].series);
	}
}

/* Maps without anything in them: no family without a series, and no crash. */
static void test_empty(void **state)
{
	struct actual actual = { 0 };
	cleanup_free char *text = text_attached(&actual, NULL, 0);

	(void)state;
	assert_null(strstr(text, "service_packets"));
	assert_null(strstr(text, "backend_packets"));
	assert_null(strstr(text, "probe_"));
	assert_non_null(strstr(text, "lbctl_drops_total{reason=\"no_backend\"} 5\n"));
}

/* -------------------------------------------------------------- the server -- */

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
	stage->config =
		(struct metrics_config){ true,
					 { addr_from_v4(htonl(INADDR_LOOPBACK)), at.sin_port } };
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
		cmocka_unit_test(test_checker),	 cmocka_unit_test(test_not_attached),
		cmocka_unit_test(test_families), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
