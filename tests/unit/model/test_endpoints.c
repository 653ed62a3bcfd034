/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/model/kubia.h"
#include "tests/unit/model/world.h"

#include "user/model/slices.h"

struct endpoints_case {
	const char *name;
	const char *yaml;
	const char *subsets; /* NULL: there is no object */
};

#define ADDRESS(name, ip)                                                           \
	"{\"ip\":\"" ip                                                             \
	"\",\"nodeName\":\"here\",\"targetRef\":{\"kind\":\"Pod\",\"name\":\"" name \
	"\",\"namespace\":\"default\",\"uid\":\"u-" name "\"}}"
#define HTTP "\"ports\":[{\"name\":\"http\",\"port\":8080,\"protocol\":\"TCP\"}]"

static const struct endpoints_case endpoints_cases[] = {
	{ "addresses in the order of their text",
	  KUBIA("") POD("a", "10.1.0.9") POD("b", "10.1.0.10"),
	  "[{\"addresses\":[" ADDRESS("b", "10.1.0.10") "," ADDRESS("a", "10.1.0.9") "]," HTTP
										     "}]" },
	{ "those that are not ready apart",
	  KUBIA("") POD("a", "10.1.0.9")
		  FULL_POD("b", "", "nodeName: here, ", "", "podIP: 10.1.0.10, phase: Pending"),
	  "[{\"addresses\":[" ADDRESS("a", "10.1.0.9") "],\"notReadyAddresses\":[" ADDRESS(
		  "b", "10.1.0.10") "]," HTTP "}]" },
	{ "terminating pods are left out",
	  KUBIA("") FULL_POD("a", ", deletionTimestamp: '2026-01-01T00:00:00Z'", "", "",
			     "podIP: 10.1.0.1"),
	  "null" },
	{ "a named port of two numbers gives two subsets",
	  SVC("clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{port: 80, targetPort: web}]")
		  FULL_POD("a", "", "nodeName: here, ", ", ports: [{name: web, containerPort: 90}]",
			   "podIP: 10.1.0.1") FULL_POD("b", "", "nodeName: here, ",
						       ", ports: [{name: web, containerPort: 80}]",
						       "podIP: 10.1.0.2") POD("c", "10.1.0.3"),
	  "[{\"addresses\":[" ADDRESS(
		  "b", "10.1.0.2") "],\"ports\":[{\"port\":80,\"protocol\":"
				   "\"TCP\"}]},{\"addresses\":[" ADDRESS(
					   "a", "10.1.0.1") "],\"ports\":[{\"port\":90,"
							    "\"protocol\":\"TCP\"}]}]" },
	{ "no pods, no subsets", KUBIA(""), "null" },
	{ "by hand",
	  SVC("clusterIP: 10.96.0.5, ports: [{port: 80}]") "---\n{apiVersion: v1, kind: Endpoints, "
							   "metadata: {name: kubia}, subsets: "
							   "[{addresses: "
							   "[{ip: 11.11.11.11}], ports: [{port: "
							   "80}]}]}\n",
	  "[{\"addresses\":[{\"ip\":\"11.11.11.11\"}],\"ports\":[{\"port\":80}]}]" },
	{ "neither selector nor Endpoints", SVC("clusterIP: 10.96.0.5, ports: [{port: 80}]"),
	  NULL },
};

static void test_endpoints(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(endpoints_cases); i++) {
		const struct endpoints_case *row = &endpoints_cases[i];
		struct store *store = world_new(row->yaml);
		struct object *object = endpoints_of_service(store, world_service(store, "kubia"));
		cleanup_free char *text = NULL;

		if (!object != !row->subsets)
			fail_msg("%s: %s", row->name, object ? "is there" : "is missing");
		if (object) {
			json_t *subsets = tree_get(object->json, "subsets");

			assert_string_equal(object->name, "kubia");
			text = subsets ? json_dumps(subsets, JSON_COMPACT | JSON_SORT_KEYS)
				       : xstrdup("null");
			if (strcmp(text, row->subsets) != 0)
				fail_msg("%s:\n%s\nexpected\n%s", row->name, text, row->subsets);
			object_free(object);
		}
		store_free(store);
	}
}

/* 1,050 ready and 50 others: 1,000 of the ready ones, and a note of it. */
static void test_over_capacity(void **state)
{
	struct store *store = world_new(KUBIA(""));
	struct object *object;

	(void)state;
	for (int i = 0; i < 1100; i++) {
		cleanup_free char *yaml = xasprintf(
			"{apiVersion: v1, kind: Pod, metadata: {name: p-%04d, labels: {app: "
			"kubia}}, spec: {containers: [{name: c, image: i}]}, status: {phase: "
			"%s, podIP: 10.1.%d.%d}}\n",
			i, i % 22 ? "Running" : "Pending", i / 100, i % 100);

		store_put(store, world_object(yaml));
	}
	object = endpoints_of_service(store, world_service(store, "kubia"));
	assert_non_null(object);
	assert_int_equal(json_array_size(tree_get(object->json, "subsets")), 1);
	assert_int_equal(object->endpoints->subsets[0].n_endpoints, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_true(object->endpoints->subsets[0].endpoints[i].ready);
	assert_string_equal(object_annotation(object, "endpoints.kubernetes.io/over-capacity"),
			    "truncated");
	object_free(object);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_over_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
