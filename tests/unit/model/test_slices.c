/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/model/kubia.h"
#include "tests/unit/model/world.h"

#include "user/model/slices.h"

#define SELECTED "\"kubernetes.io/service-name\":\"kubia\","
#define MANAGED "\"endpointslice.kubernetes.io/managed-by\":"

/* Objects, and for each slice the parts of it in compact JSON with sorted keys. */
struct slices_case {
	const char *name;
	const char *yaml;
	struct {
		const char *labels, *type, *ports, *endpoints;
	} slices[4];
};

static const struct slices_case cases[] = {
	{
		.name = "a pod as the controller writes it",
		.yaml = KUBIA("") POD("a", "10.1.0.1") NODE,
		.slices = { {
			.labels = "{" MANAGED "\"endpointslice-controller.k8s.io\"," SELECTED
				  "\"team\":\"a\"}",
			.type = "\"IPv4\"",
			.ports = "[{\"name\":\"http\",\"port\":8080,\"protocol\":\"TCP\"}]",
			.endpoints =
				"[{\"addresses\":[\"10.1.0.1\"],\"conditions\":{\"ready\":true,"
				"\"serving\":true,\"terminating\":false},\"nodeName\":\"here\","
				"\"targetRef\":{\"kind\":\"Pod\",\"name\":\"a\",\"namespace\":"
				"\"default\",\"uid\":\"u-a\"},\"zone\":\"eu-1\"}]",
		} },
	},
	{
		.name = "no pod: an empty slice",
		.yaml = KUBIA(""),
		.slices = { { .type = "\"IPv4\"", .ports = "[]", .endpoints = "[]" } },
	},
	{
		.name = "headless, with a label that says so, and a host name that fits the "
			"service",
		.yaml = SVC("clusterIP: None, selector: {app: kubia}, ports: [{port: 80}]")
			FULL_POD("a", "", "hostname: web-0, subdomain: kubia, ", "",
				 "podIP: 10.1.0.1")
				FULL_POD("b", "", "hostname: web-1, subdomain: other, ", "",
					 "podIP: 10.1.0.2"),
		.slices = { {
			.labels = "{" MANAGED "\"endpointslice-controller.k8s.io\"," SELECTED
				  "\"service.kubernetes.io/headless\":\"\",\"team\":\"a\"}",
			.ports = "[{\"name\":\"\",\"port\":80,\"protocol\":\"TCP\"}]",
			.endpoints =
				"[{\"addresses\":[\"10.1.0.1\"],\"conditions\":{\"ready\":true,"
				"\"serving\":true,\"terminating\":false},\"hostname\":\"web-0\","
				"\"targetRef\":{\"kind\":\"Pod\",\"name\":\"a\",\"namespace\":"
				"\"default\",\"uid\":\"u-a\"}},"
				"{\"addresses\":[\"10.1.0.2\"],\"conditions\":{\"ready\":true,"
				"\"serving\":true,\"terminating\":false},"
				"\"targetRef\":{\"kind\":\"Pod\",\"name\":\"b\",\"namespace\":"
				"\"default\",\"uid\":\"u-b\"}}]",
		} },
	},
	{
		.name = "different numbers of a named port are different slices",
		.yaml = SVC("clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{port: 80, "
			    "targetPort: web, appProtocol: http}]")
			NAMED_POD("a", "9090", "10.1.0.1") NAMED_POD("b", "8080", "10.1.0.2")
				NAMED_POD("c", "9090", "10.1.0.3"),
		.slices = { { .ports = "[{\"appProtocol\":\"http\",\"name\":\"\",\"port\":9090,"
				       "\"protocol\":\"TCP\"}]" },
			    { .ports = "[{\"appProtocol\":\"http\",\"name\":\"\",\"port\":8080,"
				       "\"protocol\":\"TCP\"}]" } },
	},
	{
		.name = "a pod without the name keeps its other ports",
		.yaml = SVC(
			"clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{name: a, port: 80, "
			"targetPort: web}, {name: b, port: 81}]") POD("a", "10.1.0.1"),
		.slices = { { .ports = "[{\"name\":\"b\",\"port\":81,\"protocol\":\"TCP\"}]" } },
	},
	{
		.name = "a port of that name, but of another protocol",
		.yaml = SVC(
			"clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{name: a, port: 80, "
			"protocol: UDP, targetPort: web}, {name: b, port: 80, targetPort: web}]")
			NAMED_POD("a", "8080", "10.1.0.1"),
		.slices = { { .ports = "[{\"name\":\"b\",\"port\":8080,\"protocol\":\"TCP\"}]" } },
	},
	{
		.name = "Endpoints by hand are mirrored",
		.yaml = SVC(
			"clusterIP: 10.96.0.5, ports: [{port: 80}]") "---\n{apiVersion: v1, kind: "
								     "Endpoints, metadata: {name: "
								     "kubia, labels: "
								     "{from: hand}}, subsets: "
								     "[{addresses: [{ip: "
								     "11.11.11.11, hostname: h}], "
								     "notReadyAddresses: [{ip: "
								     "22.22.22.22}], ports: "
								     "[{port: 8080}]}]}\n",
		.slices = { {
			.labels = "{" MANAGED "\"endpointslicemirroring-controller.k8s.io\","
				  "\"from\":\"hand\",\"kubernetes.io/service-name\":\"kubia\"}",
			.ports = "[{\"name\":\"\",\"port\":8080,\"protocol\":\"TCP\"}]",
			.endpoints = "[{\"addresses\":[\"11.11.11.11\"],\"conditions\":{\"ready\":"
				     "true},\"hostname\":\"h\"},{\"addresses\":[\"22.22.22.22\"],"
				     "\"conditions\":{\"ready\":false}}]",
		} },
	},
	{
		.name = "no mirror where a label forbids it",
		.yaml = SVC(
			"clusterIP: 10.96.0.5, ports: [{port: 80}]") "---\n{apiVersion: v1, kind: "
								     "Endpoints, metadata: {name: "
								     "kubia, labels: "
								     "{endpointslice.kubernetes.io/"
								     "skip-mirror: 'true'}}, "
								     "subsets: [{addresses: "
								     "[{ip: 11.11.11.11}], ports: "
								     "[{port: 8080}]}]}\n",
	},
	{
		.name = "slices by hand, those of the service only",
		.yaml = SVC(
			"clusterIP: 10.96.0.5, ports: [{port: 80}]") "---\n{apiVersion: "
								     "discovery.k8s.io/v1, kind: "
								     "EndpointSlice, metadata: "
								     "{name: x, "
								     "labels: "
								     "{kubernetes.io/service-name: "
								     "kubia}}, addressType: IPv4, "
								     "ports: "
								     "[{port: 1}], endpoints: "
								     "[{addresses: [1.1.1.1]}]}\n"
								     "---\n{apiVersion: "
								     "discovery.k8s.io/v1, kind: "
								     "EndpointSlice, metadata: "
								     "{name: v, "
								     "labels: "
								     "{kubernetes.io/service-name: "
								     "other}}, addressType: IPv4, "
								     "ports: "
								     "[{port: 2}], endpoints: "
								     "[{addresses: [1.1.1.1]}]}\n",
		.slices = { { .ports = "[{\"port\":1}]" } },
	},
	{
		.name = "hints of trafficDistribution",
		.yaml = KUBIA(", trafficDistribution: PreferSameNode") POD("a", "10.1.0.1") NODE,
		.slices = { {
			.endpoints =
				"[{\"addresses\":[\"10.1.0.1\"],\"conditions\":{\"ready\":true,"
				"\"serving\":true,\"terminating\":false},\"hints\":{\"forNodes\":"
				"[{\"name\":\"here\"}],\"forZones\":[{\"name\":\"eu-1\"}]},"
				"\"nodeName\":\"here\",\"targetRef\":{\"kind\":\"Pod\",\"name\":"
				"\"a\",\"namespace\":\"default\",\"uid\":\"u-a\"},\"zone\":"
				"\"eu-1\"}]",
		} },
	},
	{
		.name = "an ExternalName has none",
		.yaml = SVC("type: ExternalName, externalName: example.com"),
	},
};

static void expect_part(const char *name, const struct object *slice, const char *path,
			const char *expected)
{
	cleanup_free char *text = NULL;

	if (!expected)
		return;
	text = json_dumps(tree_get(slice->json, path),
			  JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	if (!text || strcmp(text, expected) != 0)
		fail_msg("%s: %s of %s is\n%s\nexpected\n%s", name, path, slice->name,
			 text ? text : "missing", expected);
}

/* Slices are sorted by name, and names are hashes: the row's order is that of the first port. */
static bool part_is(const struct object *slice, const char *ports)
{
	cleanup_free char *text =
		json_dumps(tree_get(slice->json, "ports"), JSON_COMPACT | JSON_SORT_KEYS);

	return !ports || (text && !strcmp(text, ports));
}

static void check_slices(const struct slices_case *row, const struct object_list *list)
{
	size_t expected = 0;

	for (size_t i = 0; i < ARRAY_LEN(row->slices); i++)
		expected += row->slices[i].ports || row->slices[i].endpoints;
	if (list->n != expected)
		fail_msg("%s: %zu slices, expected %zu", row->name, list->n, expected);
	for (size_t i = 0; i < expected; i++) {
		const struct object *slice = NULL;

		for (size_t j = 0; j < list->n && !slice; j++) {
			if (part_is(list->items[j], row->slices[i].ports))
				slice = list->items[j];
		}
		if (!slice)
			fail_msg("%s: no slice with ports %s", row->name, row->slices[i].ports);
		expect_part(row->name, slice, "metadata.labels", row->slices[i].labels);
		expect_part(row->name, slice, "addressType", row->slices[i].type);
		expect_part(row->name, slice, "ports", row->slices[i].ports);
		expect_part(row->name, slice, "endpoints", row->slices[i].endpoints);
	}
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store *store = world_new(cases[i].yaml);
		struct object_list list;

		slices_of_service(store, world_service(store, "kubia"), &list);
		check_slices(&cases[i], &list);
		object_list_free(&list);
		store_free(store);
	}
}

/* 250 pods: three slices, and a name that stays when a pod comes. */
static void test_many(void **state)
{
	struct store *store = world_new(KUBIA(""));
	struct object_list list, again;
	size_t sizes[3] = { 0 }, total = 0;

	(void)state;
	for (int i = 0; i < 250; i++) {
		cleanup_free char *yaml = xasprintf(
			"{apiVersion: v1, kind: Pod, metadata: {name: p-%03d, labels: {app: "
			"kubia}}, spec: {containers: [{name: c, image: i}]}, status: {podIP: "
			"10.1.%d.%d}}\n",
			i, i / 100, i % 100);

		store_put(store, world_object(yaml));
	}
	slices_of_service(store, world_service(store, "kubia"), &list);
	assert_int_equal(list.n, 3);
	for (size_t i = 0; i < 3; i++) {
		sizes[i] = list.items[i]->slice->n_endpoints;
		assert_true(sizes[i] == 100 || sizes[i] == 50);
		total += sizes[i];
		assert_true(!i || strcmp(list.items[i - 1]->name, list.items[i]->name) < 0);
		assert_int_equal(strlen(list.items[i]->name), strlen("kubia-xxxxx"));
	}
	assert_int_equal(total, 250);
	world_add(store, POD("q", "10.1.9.9"));
	slices_of_service(store, world_service(store, "kubia"), &again);
	assert_int_equal(again.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(again.items[i]->name, list.items[i]->name);
	object_list_free(&list);
	object_list_free(&again);
	store_free(store);
}

static void test_two_families(void **state)
{
	struct store *store = world_new(
		SVC("clusterIP: 10.96.0.5, clusterIPs: [10.96.0.5, 'fd00::5'], ipFamilies: [IPv4, "
		    "IPv6], ipFamilyPolicy: RequireDualStack, selector: {app: kubia}, ports: "
		    "[{port: 80}]")
			FULL_POD("a", "", "", "",
				 "podIP: 10.1.0.1, podIPs: [{ip: 10.1.0.1}, {ip: 'fd01::1'}]")
				POD("b", "10.1.0.2"));
	struct object_list list;
	int v4;

	(void)state;
	slices_of_service(store, world_service(store, "kubia"), &list);
	assert_int_equal(list.n, 2);
	v4 = list.items[0]->slice->v4 ? 0 : 1;
	assert_int_equal(list.items[v4]->slice->n_endpoints, 2);
	assert_false(list.items[!v4]->slice->v4);
	assert_int_equal(list.items[!v4]->slice->n_endpoints, 1);
	object_list_free(&list);
	store_free(store);
}

/* What was printed and is applied again is not there twice. */
static void test_printed_and_applied(void **state)
{
	struct store *store = world_new(KUBIA("") POD("a", "10.1.0.1"));
	struct object_list list, again;

	(void)state;
	slices_of_service(store, world_service(store, "kubia"), &list);
	assert_int_equal(list.n, 1);
	store_load(store, &list);
	slices_of_service(store, world_service(store, "kubia"), &again);
	assert_int_equal(again.n, 1);
	object_list_free(&again);
	store_free(store);
}

/* -------------------------------------------------------------- conditions -- */

struct condition_case {
	const char *name;
	const char *pod;
	bool publish;
	const char *expected; /* ready, serving, terminating; "" when it is left out */
};

#define STATUS(text) FULL_POD("a", "", "", "", text)
#define READY(status) \
	"podIP: 10.1.0.1, phase: Running, conditions: [{type: Ready, status: '" status "'}]"

static const struct condition_case conditions[] = {
	{ "running, nothing else known", STATUS("podIP: 10.1.0.1, phase: Running"), false, "rs" },
	{ "no phase at all", STATUS("podIP: 10.1.0.1"), false, "rs" },
	{ "pending", STATUS("podIP: 10.1.0.1, phase: Pending"), false, "-" },
	{ "the condition says ready", STATUS(READY("True")), false, "rs" },
	{ "the condition says not ready", STATUS(READY("False")), false, "-" },
	{ "the condition says unknown", STATUS(READY("Unknown")), false, "-" },
	{ "not ready, but published", STATUS(READY("False")), true, "r" },
	{ "a probe that nobody ran yet",
	  FULL_POD("a", "", "", ", readinessProbe: {exec: {command: [ls, /var/ready]}}",
		   "podIP: 10.1.0.1, phase: Running"),
	  false, "-" },
	{ "a probe that passed",
	  FULL_POD("a", "", "", ", readinessProbe: {exec: {command: [ls, /var/ready]}}",
		   READY("True")),
	  false, "rs" },
	{ "terminating and still ready",
	  FULL_POD("a", ", deletionTimestamp: '2026-01-01T00:00:00Z'", "", "", READY("True")),
	  false, "st" },
	{ "terminating and not ready",
	  FULL_POD("a", ", deletionTimestamp: '2026-01-01T00:00:00Z'", "", "", READY("False")),
	  false, "t" },
	{ "terminating and published",
	  FULL_POD("a", ", deletionTimestamp: '2026-01-01T00:00:00Z'", "", "", READY("True")), true,
	  "rst" },
	{ "failed", STATUS("podIP: 10.1.0.1, phase: Failed"), true, "" },
	{ "succeeded", STATUS("podIP: 10.1.0.1, phase: Succeeded"), true, "" },
	{ "no address", STATUS("phase: Running"), true, "" },
	{ "an address of the other family", STATUS("podIP: 'fd01::1', phase: Running"), true, "" },
};

static void test_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		const struct condition_case *row = &conditions[i];
		struct store *store = world_new(
			row->publish ? KUBIA(", publishNotReadyAddresses: true") : KUBIA(""));
		struct object_list list;
		const struct endpoint_slice *slice;
		char text[4] = "";

		world_add(store, row->pod);
		slices_of_service(store, world_service(store, "kubia"), &list);
		assert_int_equal(list.n, 1);
		slice = list.items[0]->slice;
		if (slice->n_endpoints) {
			const struct endpoint *endpoint = &slice->endpoints[0];

			snprintf(text, sizeof(text), "%s%s%s", endpoint->ready ? "r" : "",
				 endpoint->serving ? "s" : "", endpoint->terminating ? "t" : "");
			if (!*text)
				snprintf(text, sizeof(text), "-");
		}
		if (strcmp(text, row->expected) != 0)
			fail_msg("%s: %s, expected %s", row->name, text, row->expected);
		object_list_free(&list);
		store_free(store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	     cmocka_unit_test(test_many),
		cmocka_unit_test(test_two_families), cmocka_unit_test(test_printed_and_applied),
		cmocka_unit_test(test_conditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
