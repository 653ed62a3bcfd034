/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of an object that nobody prints, and that its strings live without the tree. */
#include "tests/unit/k8s/decode_test.h"

static void check_json(const char *yaml, const char *want)
{
	struct object *object = decode_good(yaml);
	cleanup_free char *text = NULL;

	object_slim(object);
	text = json_dumps(object->json, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, want);
	object_free(object);
}

static void test_tree(void **state)
{
	(void)state;
	check_json(
		"apiVersion: v1\nkind: Node\nmetadata:\n  name: a\n  generateName: x\n"
		"  annotations:\n    a/b: c\n"
		"    kubectl.kubernetes.io/last-applied-configuration: '{}'\n"
		"  ownerReferences: [{name: o}]\nspec:\n  taints: [{key: k}]\n",
		"{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"annotations\":{\"a/b\":"
		"\"c\"},\"name\":\"a\"},\"spec\":{\"taints\":[{\"key\":\"k\"}]}}");
	check_json("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: a\n"
		   "  namespace: b\n  uid: u\n  resourceVersion: '7'\n  labels: {c: d}\n"
		   "addressType: IPv4\nendpoints: [{addresses: [10.0.0.1]}]\nports: []\n",
		   "{\"metadata\":{\"labels\":{\"c\":\"d\"},\"name\":\"a\","
		   "\"namespace\":\"b\",\"resourceVersion\":\"7\"}}");
	check_json("apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b, uid: u, "
		   "creationTimestamp: '2026-01-01T00:00:00Z', annotations: {a/b: c}}\n"
		   "spec: {ports: [{port: 80}]}\nstatus: {loadBalancer: {}}\n",
		   "{\"metadata\":{\"annotations\":{\"a/b\":\"c\"},\"creationTimestamp\":"
		   "\"2026-01-01T00:00:00Z\",\"name\":\"a\",\"namespace\":\"b\",\"uid\":\"u\"}}");
}

#define ENDPOINT(i)                                                                               \
	"- addresses: [10.0.0." #i "]\n  nodeName: node-" #i "\n  zone: z\n  hostname: h" #i "\n" \
	"  targetRef: {kind: Pod, name: pod-" #i "}\n"                                            \
	"  hints: {forZones: [{name: z}, {name: z" #i "}], forNodes: [{name: node-" #i "}]}\n"

/* AddressSanitizer tells of any string that went with the tree. */
static void test_strings(void **state)
{
	struct object *object = decode_good(
		"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: a\n"
		"  labels: {kubernetes.io/service-name: web}\naddressType: IPv4\n"
		"ports: [{name: http, port: 80, appProtocol: a.b/c}, {port: "
		"81}]\nendpoints:\n" ENDPOINT(1) ENDPOINT(2) ENDPOINT(3) ENDPOINT(4) ENDPOINT(5)
			ENDPOINT(6) "- addresses: [10.0.0.9]\n");
	const struct endpoint_slice *slice = object->slice;

	(void)state;
	object_slim(object);
	assert_string_equal(slice->service, "web");
	assert_string_equal(slice->ports[0].name, "http");
	assert_string_equal(slice->ports[0].app_protocol, "a.b/c");
	assert_string_equal(slice->ports[1].name, "");
	assert_null(slice->ports[1].app_protocol);
	for (unsigned int i = 1; i <= 6; i++) {
		const struct endpoint *endpoint = &slice->endpoints[i - 1];
		char text[32];

		snprintf(text, sizeof(text), "node-%u", i);
		assert_string_equal(endpoint->node_name, text);
		assert_string_equal(endpoint->hint_nodes[0], text);
		snprintf(text, sizeof(text), "h%u", i);
		assert_string_equal(endpoint->hostname, text);
		snprintf(text, sizeof(text), "pod-%u", i);
		assert_string_equal(endpoint->target_name, text);
		assert_string_equal(endpoint->target_kind, "Pod");
		assert_string_equal(endpoint->zone, "z");
		assert_string_equal(endpoint->hint_zones[0], "z");
	}
	/* One text for all. */
	assert_ptr_equal(slice->endpoints[0].zone, slice->endpoints[1].zone);
	assert_null(slice->endpoints[6].node_name);
	object_free(object);
}

static void test_strings_of_a_service(void **state)
{
	struct object *object = decode_good(
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  type: LoadBalancer\n"
		"  loadBalancerClass: a.b/c\n  selector: {app: web, tier: front}\n"
		"  ports: [{name: http, port: 80, targetPort: web, appProtocol: a.b/d}, "
		"{name: x, port: 81}]\n"
		"  ipFamilyPolicy: SingleStack\n  trafficDistribution: PreferClose\n"
		"status: {loadBalancer: {ingress: [{hostname: lb.example.com}]}}\n");
	const struct service *service = object->service;

	(void)state;
	object_slim(object);
	assert_string_equal(service->load_balancer_class, "a.b/c");
	assert_string_equal(service->selector[0].key, "app");
	assert_string_equal(service->selector[1].value, "front");
	assert_string_equal(service->ports[0].name, "http");
	assert_string_equal(service->ports[0].target_name, "web");
	assert_string_equal(service->ports[0].app_protocol, "a.b/d");
	assert_string_equal(service->ports[1].name, "x");
	assert_string_equal(service->family_policy, "SingleStack");
	assert_string_equal(service->traffic_distribution, "PreferClose");
	assert_string_equal(service->ingress[0].hostname, "lb.example.com");
	assert_null(service->external_name);
	object_free(object);
}

static void test_pod(void **state)
{
	struct object *object =
		decode_good("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b, labels: "
			    "{tier: front, "
			    "app: web}}\n"
			    "spec:\n  nodeName: node-1\n  hostname: h\n  subdomain: web\n"
			    "  containers: [{name: c, ports: [{name: http, containerPort: 80}]}]\n"
			    "status: {podIP: 10.0.0.1, phase: Running}\n");
	const struct pod *pod = object->pod;

	(void)state;
	object_slim(object);
	assert_null(object->json);
	assert_int_equal(pod->n_containers, 0);
	assert_string_equal(object->ns, "b");
	assert_string_equal(object->name, "a");
	assert_int_equal(pod->n_labels, 2);
	assert_string_equal(pod->labels[0].key, "app");
	assert_string_equal(pod->labels[0].value, "web");
	assert_string_equal(pod->labels[1].value, "front");
	assert_string_equal(pod->ports[0].name, "http");
	assert_string_equal(pod->node_name, "node-1");
	assert_string_equal(pod->hostname, "h");
	assert_string_equal(pod->subdomain, "web");
	assert_string_equal(pod->phase, "Running");
	object_free(object);
}

/* Its container's status and its annotations say which target it is. */
static void test_probed_pod(void **state)
{
	struct object *object = decode_good(
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
		"  - {name: c, livenessProbe: {tcpSocket: {port: 80}}}\n"
		"status: {podIP: 10.0.0.1, containerStatuses: [{name: c, containerID: x}]}\n");

	(void)state;
	object_slim(object);
	assert_int_equal(object->pod->n_containers, 1);
	assert_non_null(json_object_get(object->json, "status"));
	object_free(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_strings_of_a_service),
		cmocka_unit_test(test_pod),
		cmocka_unit_test(test_probed_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
