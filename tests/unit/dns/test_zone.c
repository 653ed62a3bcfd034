/* SPDX-License-Identifier: Apache-2.0 */
/* Zones as tables: when two are the same, names and addresses, and how long a large one takes. */
#include "tests/unit/dns/dns_world.h"

#include <time.h>

#define SERVICES 10000

static const struct {
	const char *name, *a, *b;
	bool equal;
} pairs[] = {
	{ "nothing", "", "", true },
	{ "the same twice", DNS_WORLD, DNS_WORLD, true },
	{ "a service more", SVC("a", "clusterIP: 10.96.0.5, ports: [{port: 1}]"), "", false },
	{ "another address", SVC("a", "clusterIP: 10.96.0.5, ports: [{port: 1}]"),
	  SVC("a", "clusterIP: 10.96.0.6, ports: [{port: 1}]"), false },
	{ "another port without a name", SVC("a", "clusterIP: 10.96.0.5, ports: [{port: 1}]"),
	  SVC("a", "clusterIP: 10.96.0.5, ports: [{port: 2}]"), true },
	{ "another port with a name", SVC("a", "clusterIP: 10.96.0.5, ports: [{name: x, port: 1}]"),
	  SVC("a", "clusterIP: 10.96.0.5, ports: [{name: x, port: 2}]"), false },
	{ "a pod that gets ready",
	  SVC("a", "clusterIP: None, selector: {app: a}")
		  POD("a", "a", "", "podIP: 172.17.0.7", ""),
	  SVC("a", "clusterIP: None, selector: {app: a}")
		  POD("a", "a", "", "podIP: 172.17.0.7", NOT_READY),
	  false },
	{ "a namespace more", "{apiVersion: v1, kind: Namespace, metadata: {name: nn}}\n", "",
	  false },
};

static void test_equal(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct zone *a = dns_zone(pairs[i].a), *b = dns_zone(pairs[i].b);

		if (zone_equal(a, b) != pairs[i].equal || zone_equal(b, a) != pairs[i].equal)
			fail_msg("%s", pairs[i].name);
		zone_free(a);
		zone_free(b);
	}
}

static void test_serial_does_not_count(void **state)
{
	struct config config = { .dns = { .domain = (char *)"cluster.local" } };
	struct store *store = world_new(DNS_WORLD);
	struct zone *a = zone_new(store, &config, 1), *b = zone_new(store, &config, 0x01020304);

	(void)state;
	assert_true(zone_equal(a, b));
	zone_free(a);
	zone_free(b);
	store_free(store);
}

static const struct {
	const char *addr, *name;
} reverse[] = {
	{ "10.96.0.5", "5.0.96.10.in-addr.arpa." },
	{ "0.0.0.0", "0.0.0.0.in-addr.arpa." },
	{ "255.254.253.100", "100.253.254.255.in-addr.arpa." },
	{ "fd00:10:96::a",
	  "a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa." },
};

static void test_reverse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reverse); i++) {
		struct lb_addr addr = world_addr(reverse[i].addr), back;
		struct name name;
		char text[NAME_TEXT];

		name_reverse(&addr, &name);
		assert_string_equal(name_format(name.wire, text), reverse[i].name);
		assert_int_equal(name.size, name_size(name.wire));
		assert_true(name_reverse_parse(name.wire, name.size, &back));
		assert_int_equal(addr_compare(&addr, &back), 0);
	}
}

static const char *const not_reverse[] = {
	"in-addr.arpa.",
	"1.in-addr.arpa.",
	"1.2.3.in-addr.arpa.",
	"1.2.3.4.5.in-addr.arpa.",
	"256.0.0.1.in-addr.arpa.",
	"01.0.0.1.in-addr.arpa.",
	"a.0.0.1.in-addr.arpa.",
	"1.0.0.1.in-addr.arpx.",
	"1.2.3.4.",
	"0.0.0.0.ip6.arpa.",
	"example.com.",
	".",
	"g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa.",
};

static void test_not_reverse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(not_reverse); i++) {
		struct lb_addr addr;
		struct name name;

		assert_int_equal(name_parse(not_reverse[i], &name), 0);
		if (name_reverse_parse(name.wire, name.size, &addr))
			fail_msg("%s", not_reverse[i]);
	}
}

/* 10,000 services of one pod each. */
static struct store *store_of_many(void)
{
	struct store *store = store_new();
	char *yaml = NULL;
	size_t size;

	for (int i = 0; i < SERVICES; i += 500) {
		FILE *out = open_memstream(&yaml, &size);

		for (int j = i; j < i + 500; j++) {
			fprintf(out,
				SVC_IN("ns%2$d", "svc-%1$d",
				       "clusterIP: 10.97.%3$d.%4$d, selector: {app: a%1$d}, ports: "
				       "[{name: http, port: 80}]"),
				j, j % 50, j / 250, j % 250);
		}
		fclose(out);
		world_add(store, yaml);
		free(yaml);
	}
	return store;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The limit is 100 ms without sanitizers and checks; here it must only not be far from linear. */
static void test_many(void **state)
{
	struct config config = { .dns = { .domain = (char *)"cluster.local" } };
	struct store *store = store_of_many();
	double begin = seconds(), took;
	struct zone *zone = zone_new(store, &config, 1);
	struct name name;

	(void)state;
	took = seconds() - begin;
	print_message("%d services in %.0f ms, %zu names\n", SERVICES, took * 1000, zone->n_names);
	assert_true(took < 1);
	assert_true(zone->n_names > 4 * SERVICES);
	assert_int_equal(name_parse("_http._tcp.svc-9999.ns49.svc.cluster.local", &name), 0);
	assert_non_null(zone_find(zone, name.wire, name.size));
	zone_free(zone);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),	cmocka_unit_test(test_serial_does_not_count),
		cmocka_unit_test(test_reverse), cmocka_unit_test(test_not_reverse),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
