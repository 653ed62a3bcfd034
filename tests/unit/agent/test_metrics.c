/* SPDX-License-Identifier: Apache-2.0 */
/* The text for Prometheus: by its format's rules, and as it is documented. */
#include "tests/unit/agent/temp.h"

#include "tests/unit/agent/exposition.h"
#include "tests/unit/agent/metrics_families.h"
#include "user/agent/metrics.h"

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

static struct status status_new(bool attached)
{
	struct status status = { .syncs = 7,
				 .failures = 2,
				 .last_sync = 1764400000,
				 .all_operations = 11,
				 .attached = attached,
				 .services = 3,
				 .backends = 4 };

	histogram_add(&status.durations, 100);
	histogram_add(&status.durations, 101);
	histogram_add(&status.durations, 11000000);
	return status;
}

static const struct metrics_config all = { .per_backend = true, .max_series = 100 };

static void test_not_attached(void **state)
{
	struct status status = status_new(false);
	struct metrics metrics = { .version = "v1", .config = &all, .status = &status };
	cleanup_free char *text = text_of(&metrics);

	(void)state;
	assert_non_null(strstr(text, "\nlbctl_attached 0\n"));
	assert_null(strstr(text, "_drops_total"));
	assert_null(strstr(text, "_map_entries"));
	assert_null(strstr(text, "_dns_"));
	assert_null(strstr(text, "_api_"));
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

static struct actual_frontend frontends[] = {
	/* Two addresses of one table, and a local one. */
	{ .value = { .service = 1, .cluster = { 100, 31 } } },
	{ .value = { .service = 1, .cluster = { 100, 31 }, .local = { 200, 7 } } },
	{ .value = { .service = 2, .cluster = { 300, 13 } } },
	{ .value = { .service = 5 } },
};

static char *text_attached(const struct metrics_config *config, const struct actual *actual,
			   const struct prober_result *results, size_t n_results)
{
	struct status status = status_new(true);
	struct lb_stats service_stats[] = { { 10, 1000, 1, 4 }, { 20, 2000, 2, 5 }, { 0 } };
	struct lb_stats backend_stats[] = {
		{ 7, 700, 1, 0 }, { 8, UINT64_MAX, 2, 0 }, { 9, 900, 3, 0 }, { 1, 1, 1, 0 }
	};
	struct datapath_stats stats = { .services = service_stats, .backends = backend_stats };
	struct datapath_flow_counts flows = { .entries = { 5, 0 }, .max_entries = { 64, 32 } };
	struct dns_counts dns = { .answers = { 6, 0, 0, 3, [11] = 1 },
				  .cached = 4,
				  .unanswered = 2 };
	struct ingress_count counts[] = {
		{ "", "", "", { [3] = 4 }, 0, 0, false },
		{ "default", "kubia", "kubia-nodeport", { 0, 8, 1, 0, 2, 0 }, 3, 2, true },
	};
	struct ingress_fact problem = { "default", "bad", "secret", 2 };
	struct ingress_fact certificate = { "default", "tls-secret", NULL, 1764400002 };
	struct ingress_facts problems = { &problem, 1, 1 }, certificates = { &certificate, 1, 1 };
	struct ingress_metrics ingress = { true, 5, 1, { counts, 2, 2 }, &problems, &certificates };
	const struct reflector_state known = { true, 4, 1, 2, 50, 3, 1, NULL };
	const struct reflector_state awaited = { .lists = 6, .errors = 6 };
	struct source_report api[] = { { K8S_SERVICE, &known, 4999 },
				       { K8S_ENDPOINT_SLICE, &awaited, 9000 } };
	struct metrics metrics = { "v1",      config, &status,	actual, &stats, &flows,	   results,
				   n_results, &dns,   &ingress, api,	2,	1764400010 };

	flows.flows[0][LB_FLOW_ESTABLISHED] = 2;
	stats.evictions[LB_EVICTED_CLOSED] = 9;
	stats.reasons[LB_REASON_NAME].packets = 8;
	histogram_add(&dns.upstream, 250);
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

/* Everything that can be told, at once. */
static char *text_full(void)
{
	struct target_key pod = { K8S_POD, "default", "kubia-1", "web", PROBE_READINESS };
	struct target_key hand = { K8S_SERVICE, "default", "old", "192.0.2.7", PROBE_READINESS };
	struct prober_result results[] = { { &pod, OUTCOME_WARNING, 1500, { 3, 1, 2 } },
					   { &hand, OUTCOME_FAILURE, 1000000, { 0, 0, 9 } } };
	struct actual actual = { .services = services,
				 .n_services = ARRAY_LEN(services),
				 .backends = backends,
				 .n_backends = ARRAY_LEN(backends),
				 .frontends = frontends,
				 .n_frontends = ARRAY_LEN(frontends),
				 .n_slots = 50,
				 .max_services = 10,
				 .max_frontends = 20,
				 .max_backends = 30,
				 .max_ranges = 40 };

	for (size_t i = 0; i < ARRAY_LEN(backends); i++)
		assert_int_equal(
			addr_parse(i == 1 ? "fd00::7" : "172.17.0.7", &backends[i].value.addr), 0);
	return text_attached(&all, &actual, results, ARRAY_LEN(results));
}

static void test_families(void **state)
{
	cleanup_free char *text = text_full();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		cleanup_free char *series = family_of(text, families[i].family);

		assert_string_equal(series, families[i].series);
	}
}

/* Families that grow with the cluster end where the configuration says. */
static void test_bounds(void **state)
{
	static const struct {
		const char *name;
		struct metrics_config config;
		const char *has, *lacks;
	} cases[] = {
		{ "no backends", { .max_series = 100 }, "service_packets_total" KUBIA, "backend_" },
		{ "one of each",
		  { .per_backend = true, .max_series = 1 },
		  "series_left_out{of=\"backends\"} 1\n",
		  "service_packets_total" KUBIA },
		{ "none",
		  { .per_backend = true },
		  "series_left_out{of=\"services\"} 2\n",
		  "service_" },
	};
	struct actual actual = { .services = services,
				 .n_services = ARRAY_LEN(services),
				 .backends = backends,
				 .n_backends = ARRAY_LEN(backends) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = text_attached(&cases[i].config, &actual, NULL, 0);
		cleanup_free char *has = xasprintf("lbctl_%s", cases[i].has);
		cleanup_free char *lacks = xasprintf("\nlbctl_%s", cases[i].lacks);

		if (!strstr(text, has) || strstr(text, lacks))
			fail_msg("%s:\n%s", cases[i].name, text);
	}
}

/* Maps without anything in them: no family without a series, and no crash. */
static void test_empty(void **state)
{
	struct actual actual = { 0 };
	cleanup_free char *text = text_attached(&all, &actual, NULL, 0);

	(void)state;
	assert_null(strstr(text, "service_packets"));
	assert_null(strstr(text, "backend_packets"));
	assert_null(strstr(text, "probe_"));
	assert_non_null(strstr(text, "lbctl_drops_total{reason=\"no_backend\"} 5\n"));
}

/* ----------------------------------------------------------------- the table -- */

/* "lbctl_drops_total counter reason" for each row of the document. */
static void rows_read(struct lines *rows)
{
	cleanup_fclose FILE *file = fopen("docs/metrics.md", "r");
	char line[512], name[128], type[32];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		int at = 0;
		char *row, *labels;

		if (sscanf(line, "| `%127[a-z0-9_]` | %31s |%n", name, type, &at) != 2 || !at)
			continue;
		row = xasprintf("%s %s", name, type);
		labels = strndup(line + at, strcspn(line + at, "|"));
		for (char *rest, *label = strtok_r(labels, " ,`", &rest); label;
		     label = strtok_r(NULL, " ,`", &rest)) {
			char *longer = xasprintf("%s %s", row, label);

			free(row);
			row = longer;
		}
		free(labels);
		vec_push(rows, row);
	}
}

/* The same of a text: a family's labels are those of its first series. */
static void families_read(const char *text, struct lines *rows)
{
	cleanup_free char *copy = xstrdup(text);
	char *rest, *row = NULL;
	char name[128], type[32];

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "# TYPE %127s %31s", name, type) == 2) {
			row = xasprintf("%s %s", name, type);
		} else if (*line != '#' && row) {
			char *at = strchr(line, '{');

			while (at && *at != '}') {
				int n = (int)strcspn(at + 1, "=");
				char *longer = xasprintf("%s %.*s", row, n, at + 1);

				free(row);
				row = longer;
				at = strstr(at, "\",");
				at = at ? at + 1 : NULL;
			}
			vec_push(rows, row);
			row = NULL;
		}
	}
}

static void test_document(void **state)
{
	struct lines rows = { 0 }, found = { 0 };
	cleanup_free char *text = text_full();

	(void)state;
	rows_read(&rows);
	families_read(text, &found);
	for (size_t i = 0; i < rows.n; i++)
		if (!lines_have(&found, rows.items[i]))
			fail_msg("docs/metrics.md has a row that is no family: %s", rows.items[i]);
	for (size_t i = 0; i < found.n; i++)
		if (!lines_have(&rows, found.items[i]))
			fail_msg("docs/metrics.md lacks %s", found.items[i]);
	lines_done(&rows);
	lines_done(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_attached), cmocka_unit_test(test_families),
		cmocka_unit_test(test_bounds),	     cmocka_unit_test(test_document),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
