/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind but Service: what is read of it, defaults, and the borders of the rules. */
#include "tests/unit/k8s/decode_test.h"

#include <errno.h>

/* ---------------------------------------------------------------- kinds -- */

static const struct {
	const char *word;
	enum k8s_kind kind;
} words[] = {
	{ "svc", K8S_SERVICE },
	{ "service", K8S_SERVICE },
	{ "services", K8S_SERVICE },
	{ "Service", K8S_SERVICE },
	{ "SVC", K8S_SERVICE },
	{ "ep", K8S_ENDPOINTS },
	{ "endpoints", K8S_ENDPOINTS },
	{ "endpointslice", K8S_ENDPOINT_SLICE },
	{ "endpointslices", K8S_ENDPOINT_SLICE },
	{ "po", K8S_POD },
	{ "pods", K8S_POD },
	{ "no", K8S_NODE },
	{ "ns", K8S_NAMESPACE },
	{ "ing", K8S_INGRESS },
	{ "ingresses", K8S_INGRESS },
	{ "secret", K8S_SECRET },
	{ "servic", K8S_KINDS },
	{ "", K8S_KINDS },
	{ "service/x", K8S_KINDS },
};

static void test_kind_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (k8s_kind_find(words[i].word) != words[i].kind)
			fail_msg("%s", words[i].word);
}

static void test_labels(void **state)
{
	struct object *object = decode_good(
		"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n"
		"  labels: {app.kubernetes.io/name: x}\n  annotations: {note: \"1\"}\n");

	(void)state;
	assert_string_equal(object_label(object, "app.kubernetes.io/name"), "x");
	assert_string_equal(object_annotation(object, "note"), "1");
	assert_null(object_label(object, "note"));
	assert_string_equal(object->ns, "");
	assert_null(object->typed);
	object_free(object);
}

/* The caller is told the field, to find its line. */
static void test_field(void **state)
{
	cleanup_json json_t *json =
		json_pack("{s:s, s:s, s:{s:s}, s:{s:[{s:i}]}}", "apiVersion", "v1", "kind",
			  "Service", "metadata", "name", "x", "spec", "ports", "port", 0);
	struct object *object = NULL;
	cleanup_free char *field = NULL;
	struct err err = { "" };

	(void)state;
	assert_int_equal(object_decode(json, "default", &object, &field, &err), -EINVAL);
	assert_null(object);
	assert_string_equal(field, "spec.ports[0].port");
}

/* ------------------------------------------------------------ endpoints -- */

#define ENDPOINTS "apiVersion: v1\nkind: Endpoints\nmetadata: {name: external}\n"

static void test_endpoints(void **state)
{
	struct object *object =
		decode_good(ENDPOINTS "subsets:\n"
				      "- addresses:\n"
				      "  - ip: 11.11.11.11\n"
				      "  - {ip: 22.22.22.22, hostname: b, nodeName: w1,"
				      " targetRef: {kind: Pod, name: kubia-x}}\n"
				      "  notReadyAddresses: [{ip: \"fd00::3\"}]\n"
				      "  ports:\n"
				      "  - {name: http, port: 80}\n"
				      "  - {name: dns, port: 53, protocol: UDP}\n"
				      "- addresses: [{ip: 33.33.33.33}]\n");
	const struct endpoints_subset *subset = object->endpoints->subsets;

	(void)state;
	assert_int_equal(object->endpoints->n_subsets, 2);
	assert_int_equal(subset[0].n_endpoints, 3);
	check_addr(&subset[0].endpoints[0].addr, "11.11.11.11");
	assert_true(subset[0].endpoints[0].ready && subset[0].endpoints[0].serving);
	assert_null(subset[0].endpoints[0].node_name);
	assert_string_equal(subset[0].endpoints[1].hostname, "b");
	assert_string_equal(subset[0].endpoints[1].node_name, "w1");
	assert_string_equal(subset[0].endpoints[1].target_kind, "Pod");
	assert_string_equal(subset[0].endpoints[1].target_name, "kubia-x");
	check_addr(&subset[0].endpoints[2].addr, "fd00::3");
	assert_false(subset[0].endpoints[2].ready || subset[0].endpoints[2].serving);
	assert_int_equal(subset[0].n_ports, 2);
	assert_string_equal(subset[0].ports[1].name, "dns");
	assert_int_equal(subset[0].ports[1].proto, IPPROTO_UDP);
	assert_int_equal(subset[0].ports[1].port, 53);
	assert_int_equal(subset[1].n_ports, 0);
	object_free(object);
}

/* --------------------------------------------------------------- slices -- */

#define SLICE                                                                                      \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: kubia-1, labels: " \
	"{kubernetes.io/service-name: kubia}}\naddressType: IPv4\n"

static void test_slice(void **state)
{
	struct object *object = decode_good(
		SLICE "ports:\n- {name: http, port: 8080}\n- port: ~\n  name: \"\"\n"
		      "endpoints:\n"
		      "- addresses: [10.1.1.1, 10.1.1.2]\n  nodeName: w1\n  zone: z1\n"
		      "  hostname: a\n  targetRef: {kind: Pod, name: p}\n"
		      "  hints: {forZones: [{name: z1}, {name: z2}], forNodes: [{name: w1}]}\n");
	const struct endpoint_slice *slice = object->slice;

	(void)state;
	assert_string_equal(slice->service, "kubia");
	assert_true(slice->v4 && !slice->fqdn);
	assert_int_equal(slice->n_ports, 2);
	assert_int_equal(slice->ports[0].port, 8080);
	assert_int_equal(slice->ports[1].port, 0);
	assert_string_equal(slice->ports[1].name, "");
	assert_int_equal(slice->n_endpoints, 1);
	check_addr(&slice->endpoints[0].addr, "10.1.1.1");
	assert_string_equal(slice->endpoints[0].node_name, "w1");
	assert_string_equal(slice->endpoints[0].zone, "z1");
	assert_string_equal(slice->endpoints[0].hostname, "a");
	assert_int_equal(slice->endpoints[0].n_hint_zones, 2);
	assert_string_equal(slice->endpoints[0].hint_zones[1], "z2");
	assert_int_equal(slice->endpoints[0].n_hint_nodes, 1);
	assert_string_equal(slice->endpoints[0].hint_nodes[0], "w1");
	object_free(object);
}

static const struct {
	const char *conditions;
	bool ready, serving, terminating;
} conditions[] = {
	{ "{}", true, true, false },
	{ "{ready: true}", true, true, false },
	{ "{ready: false}", false, false, false },
	{ "{ready: null}", true, true, false },
	{ "{ready: false, serving: true, terminating: true}", false, true, true },
	{ "{ready: false, serving: false, terminating: true}", false, false, true },
	{ "{ready: true, serving: false}", true, false, false },
	{ "{serving: true}", true, true, false },
};

static void test_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		cleanup_free char *yaml =
			xasprintf(SLICE "endpoints: [{addresses: [10.1.1.1], conditions: %s}]\n",
				  conditions[i].conditions);
		struct object *object = decode_good(yaml);
		const struct endpoint *endpoint = object->slice->endpoints;

		if (endpoint->ready != conditions[i].ready ||
		    endpoint->serving != conditions[i].serving ||
		    endpoint->terminating != conditions[i].terminating)
			fail_msg("%s", conditions[i].conditions);
		object_free(object);
	}
}

static void test_slice_v1beta1(void **state)
{
	struct object *object = decode_good(
		"apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\nmetadata: {name: a}\n"
		"addressType: IPv6\nendpoints:\n- addresses: [\"fd00::1\"]\n  topology:\n"
		"    kubernetes.io/hostname: w1\n    topology.kubernetes.io/zone: z1\n");

	(void)state;
	assert_null(object->slice->service);
	assert_string_equal(object->slice->endpoints[0].node_name, "w1");
	assert_string_equal(object->slice->endpoints[0].zone, "z1");
	object_free(object);
}

/* Up to the limits and one past them. */
static void check_count(const char *list, const char *item, size_t n, const char *error)
{
	cleanup_free char *yaml = xmalloc(sizeof(SLICE) + 100 + n * 60);
	size_t at = (size_t)sprintf(yaml, SLICE "%s: [", list);

	for (size_t i = 0; i < n; i++)
		at += (size_t)sprintf(yaml + at, item, i);
	sprintf(yaml + at, "]\n");
	check_row(list, yaml, "", error);
}

static void test_slice_limits(void **state)
{
	(void)state;
	check_count("endpoints", "{addresses: [10.1.1.1]},", 1000, NULL);
	check_count("endpoints", "{addresses: [10.1.1.1]},", 1001,
		    "endpoints: Too many: 1001: must have at most 1000 items");
	check_count("ports", "{name: p%zu, port: 80},", 100, NULL);
	check_count("ports", "{name: p%zu, port: 80},", 101,
		    "ports: Too many: 101: must have at most 100 items");
}

/* ------------------------------------------------------------ pods, nodes -- */

#define POD "apiVersion: v1\nkind: Pod\nmetadata: {name: kubia-x}\n"

static void test_pod(void **state)
{
	struct object *object = decode_good(
		POD "spec:\n  nodeName: w1\n  hostname: a\n  subdomain: b\n  containers:\n"
		    "  - name: main\n    ports:\n    - {name: http, containerPort: 8080}\n"
		    "    - {containerPort: 53, protocol: UDP}\n"
		    "  - name: side\n    readinessProbe: {tcpSocket: {port: 1}}\n"
		    "    ports: [{name: http, containerPort: 9090}]\n"
		    "status:\n  phase: Running\n  podIP: 10.1.1.1\n"
		    "  podIPs: [{ip: 10.1.1.1}, {ip: \"fd00::1\"}]\n"
		    "  conditions: [{type: Initialized, status: \"True\"},"
		    " {type: Ready, status: \"True\"}]\n");
	const struct pod *pod = object->pod;

	(void)state;
	assert_int_equal(pod->n_ips, 2);
	check_addr(&pod->ips[0], "10.1.1.1");
	check_addr(&pod->ips[1], "fd00::1");
	assert_string_equal(pod->node_name, "w1");
	assert_string_equal(pod->hostname, "a");
	assert_string_equal(pod->subdomain, "b");
	assert_string_equal(pod->phase, "Running");
	assert_int_equal(pod->n_ports, 3);
	assert_string_equal(pod->ports[0].name, "http");
	assert_int_equal(pod->ports[0].port, 8080);
	assert_null(pod->ports[1].name);
	assert_int_equal(pod->ports[1].proto, IPPROTO_UDP);
	assert_int_equal(pod->ports[2].port, 9090);
	assert_true(pod->has_ready && pod->ready && pod->has_probe);
	assert_false(pod->terminating);
	object_free(object);
}

static void test_pod_minimal(void **state)
{
	struct object *object = decode_good(
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a, deletionTimestamp: "
		"2024-01-31T10:00:00Z}\nspec: {containers: [{name: c}]}\nstatus:\n"
		"  podIP: 10.1.1.1\n  conditions: [{type: Ready, status: \"False\"}]\n");
	const struct pod *pod = object->pod;

	(void)state;
	assert_int_equal(pod->n_ips, 1);
	assert_int_equal(pod->n_ports, 0);
	assert_true(pod->has_ready && !pod->ready && pod->terminating);
	assert_false(pod->has_probe);
	assert_null(pod->node_name);
	object_free(object);
}

static void test_node(void **state)
{
	struct object *object = decode_good(
		"apiVersion: v1\nkind: Node\nmetadata:\n  name: w1.example.com\n"
		"  labels: {topology.kubernetes.io/zone: z1}\n"
		"spec: {podCIDR: 10.244.1.0/24, podCIDRs: [10.244.1.0/24, \"fd00:1::/64\"]}\n"
		"status:\n  addresses:\n  - {type: Hostname, address: w1}\n"
		"  - {type: InternalIP, address: 192.0.2.1}\n"
		"  - {type: ExternalIP, address: 198.51.100.1}\n"
		"  - {type: InternalIP, address: \"2001:db8::1\"}\n");
	const struct node *node = object->node;

	(void)state;
	assert_int_equal(node->n_pod_cidrs, 2);
	check_addr(&node->pod_cidrs[0].addr, "10.244.1.0");
	check_addr(&node->pod_cidrs[1].addr, "fd00:1::");
	assert_int_equal(node->pod_cidrs[1].bits, 64);
	assert_int_equal(node->n_internal_ips, 2);
	check_addr(&node->internal_ips[0], "192.0.2.1");
	check_addr(&node->internal_ips[1], "2001:db8::1");
	assert_string_equal(node->zone, "z1");
	object_free(object);
}

/* -------------------------------------------------------- secrets, ingress -- */

#define SECRET "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"

static const struct {
	const char *text, *base64;
} encodings[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

/* stringData goes into data, over what is there, as the API server stores it. */
static void test_secret_string_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
		cleanup_free char *yaml =
			xasprintf(SECRET "data: {a: eA==, b: eA==}\nstringData: {a: \"%s\"}\n",
				  encodings[i].text);
		struct object *object = decode_good(yaml);
		const json_t *data = json_object_get(object->json, "data");

		assert_string_equal(json_string_value(json_object_get(data, "a")),
				    encodings[i].base64);
		assert_string_equal(json_string_value(json_object_get(data, "b")), "eA==");
		assert_null(json_object_get(object->json, "stringData"));
		object_free(object);
	}
}

static const struct {
	const char *name, *head, *body, *error;
} rows[] = {
	{ "secret without data", SECRET, "", NULL },
	{ "secret over several lines", SECRET, "data: {a: \"eHh4\\neHh4\\n\"}\n", NULL },
	{ "secret of odd length", SECRET, "data: {a: eHh}\n",
	  "data[a]: Invalid value: must be base64" },
	{ "secret padded inside", SECRET, "data: {a: eA==eA==}\n",
	  "data[a]: Invalid value: must be base64" },
	{ "TLS secret", SECRET, "type: kubernetes.io/tls\ndata: {tls.crt: eA==, tls.key: eA==}\n",
	  NULL },
	{ "TLS secret by stringData", SECRET,
	  "type: kubernetes.io/tls\nstringData: {tls.crt: x, tls.key: z}\n", NULL },
	{ "endpoints without subsets", ENDPOINTS, "", NULL },
	{ "endpoints without addresses but not ready ones", ENDPOINTS,
	  "subsets: [{notReadyAddresses: [{ip: 10.1.1.1}]}]\n", NULL },
	{ "slice without endpoints", SLICE, "endpoints: null\n", NULL },
	{ "slice with a port of 0", SLICE, "ports: [{port: 0}]\nendpoints: []\n",
	  "ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive" },
	{ "slice, second address wrong", SLICE, "endpoints: [{addresses: [10.1.1.1, x]}]\n",
	  "endpoints[0].addresses[1]: Invalid value: \"x\": must be a valid IP address, (e.g. "
	  "10.9.8.7 or 2001:db8::ffff)" },
	{ "slice of names",
	  "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\n",
	  "addressType: FQDN\nendpoints: [{addresses: [example.com]}]\n", NULL },
	{ "pod without image", POD, "spec: {containers: [{name: c}]}\n", NULL },
	{ "pod with IPs of one family", POD,
	  "spec: {containers: [{name: c}]}\nstatus: {podIPs: [{ip: 10.1.1.1}, {ip: 10.1.1.2}]}\n",
	  "status.podIPs: Invalid value: may specify no more than one IP for each IP family" },
	{ "pod port name twice in a container", POD,
	  "spec: {containers: [{name: c, ports: [{name: a, containerPort: 1}, {name: a, "
	  "containerPort: 2}]}]}\n",
	  "spec.containers[0].ports[1].name: Duplicate value: \"a\"" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(rows[i].name, rows[i].head, rows[i].body, rows[i].error);
}

#define INGRESS(version) "apiVersion: " version "\nkind: Ingress\nmetadata: {name: kubia}\nspec:\n"
#define NEW INGRESS("networking.k8s.io/v1")
#define BACKEND "backend: {service: {name: kubia, port: {number: 80}}}"
#define OLD_BACKEND "backend: {serviceName: kubia, servicePort: 80}"

static const struct {
	const char *name, *head, *spec, *error;
} ingresses[] = {
	{ "rule with paths", NEW,
	  "  ingressClassName: haproxy\n  tls: [{hosts: [a.example.com], secretName: s}]\n"
	  "  rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, " BACKEND
	  "}]}}]\n",
	  NULL },
	{ "wildcard host", NEW, "  rules: [{host: \"*.example.com\"}]\n", NULL },
	{ "default backend by port name", NEW,
	  "  defaultBackend: {service: {name: kubia, port: {name: http}}}\n", NULL },
	{ "resource backend", NEW, "  defaultBackend: {resource: {kind: Bucket, name: b}}\n",
	  NULL },
	{ "no path, any type", NEW,
	  "  rules: [{http: {paths: [{pathType: ImplementationSpecific, " BACKEND "}]}}]\n", NULL },
	{ "double slash, implementation's own", NEW,
	  "  rules: [{http: {paths: [{path: /a//b, pathType: ImplementationSpecific, " BACKEND
	  "}]}}]\n",
	  NULL },
	{ "path ends with dots", NEW,
	  "  rules: [{http: {paths: [{path: /a/.., pathType: Exact, " BACKEND "}]}}]\n",
	  "spec.rules[0].http.paths[0].path: Invalid value: \"/a/..\": cannot end with '/..'" },
	{ "port by number and name", NEW,
	  "  defaultBackend: {service: {name: kubia, port: {number: 80, name: http}}}\n",
	  "spec.defaultBackend.service.port: Invalid value: cannot set both port name & port "
	  "number" },
	{ "wildcard inside", NEW, "  rules: [{host: a.*.example.com}]\n",
	  "spec.rules[0].host: Invalid value: \"a.*.example.com\": a lowercase RFC 1123 subdomain "
	  "must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
	  "with an alphanumeric character" },
	{ "extensions/v1beta1", INGRESS("extensions/v1beta1"),
	  "  rules: [{host: a.b, http: {paths: [{path: /kubia, " OLD_BACKEND "}]}}]\n", NULL },
	{ "networking/v1beta1 by port name", INGRESS("networking.k8s.io/v1beta1"),
	  "  backend: {serviceName: kubia, servicePort: http}\n", NULL },
	{ "old form, empty", INGRESS("extensions/v1beta1"), "  rules: []\n",
	  "spec: Invalid value: either `backend` or `rules` must be specified" },
	{ "old form, path relative", INGRESS("extensions/v1beta1"),
	  "  rules: [{http: {paths: [{path: kubia, " OLD_BACKEND "}]}}]\n",
	  "spec.rules[0].http.paths[0].path: Invalid value: \"kubia\": must be an absolute path" },
	{ "backend missing", NEW, "  rules: [{http: {paths: [{path: /, pathType: Prefix}]}}]\n",
	  "spec.rules[0].http.paths[0].backend: Required value" },
};

static void test_ingress(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ingresses); i++)
		check_row(ingresses[i].name, ingresses[i].head, ingresses[i].spec,
			  ingresses[i].error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind_find),     cmocka_unit_test(test_labels),
		cmocka_unit_test(test_field),	      cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_slice),	      cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_slice_v1beta1), cmocka_unit_test(test_slice_limits),
		cmocka_unit_test(test_pod),	      cmocka_unit_test(test_pod_minimal),
		cmocka_unit_test(test_node),	      cmocka_unit_test(test_secret_string_data),
		cmocka_unit_test(test_rows),	      cmocka_unit_test(test_ingress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
