/* SPDX-License-Identifier: Apache-2.0 */
/* Service: what is read of it, its defaults, and the rules as far as they accept. */
#include "tests/unit/k8s/decode_test.h"

#define HEAD "apiVersion: v1\nkind: Service\nmetadata: {name: kubia}\nspec:\n"

static struct object *service(const char *spec)
{
	cleanup_free char *yaml = xasprintf(HEAD "%s", spec);

	return decode_good(yaml);
}

static void test_defaults(void **state)
{
	struct object *object = service("  ports: [{port: 80}]\n");
	const struct service *s = object->service;

	(void)state;
	assert_int_equal(object->kind, K8S_SERVICE);
	assert_string_equal(object->ns, "default");
	assert_string_equal(object->name, "kubia");
	assert_int_equal(s->type, SERVICE_CLUSTER_IP);
	assert_int_equal(s->n_ports, 1);
	assert_string_equal(s->ports[0].name, "");
	assert_int_equal(s->ports[0].proto, IPPROTO_TCP);
	assert_int_equal(s->ports[0].port, 80);
	assert_int_equal(s->ports[0].target_port, 80);
	assert_null(s->ports[0].target_name);
	assert_int_equal(s->ports[0].node_port, 0);
	assert_null(s->ports[0].app_protocol);
	assert_int_equal(s->n_selector + s->n_cluster_ips + s->n_families + s->n_external_ips, 0);
	assert_int_equal(s->n_ingress + s->n_source_ranges + s->health_check_node_port, 0);
	assert_false(s->headless || s->external_local || s->internal_local);
	assert_false(s->affinity_client_ip || s->publish_not_ready);
	assert_true(addr_is_zero(&s->load_balancer_ip));
	assert_null(s->family_policy);
	assert_null(s->external_name);
	assert_null(s->traffic_distribution);
	object_free(object);
}

static void test_ports(void **state)
{
	struct object *object = service(
		"  type: NodePort\n  ports:\n"
		"  - {name: http, port: 80, targetPort: 8080, nodePort: 30123}\n"
		"  - {name: https, port: 443, targetPort: https, appProtocol: example.com/h2}\n"
		"  - {name: dns, port: 80, protocol: UDP, nodePort: 30123}\n"
		"  - {name: sctp, port: 80, protocol: SCTP}\n");
	const struct service_port *port = object->service->ports;

	(void)state;
	assert_int_equal(object->service->n_ports, 4);
	assert_int_equal(port[0].target_port, 8080);
	assert_int_equal(port[0].node_port, 30123);
	assert_string_equal(port[1].target_name, "https");
	assert_string_equal(port[1].app_protocol, "example.com/h2");
	assert_int_equal(port[2].proto, IPPROTO_UDP);
	assert_int_equal(port[2].target_port, 80);
	assert_int_equal(port[3].proto, IPPROTO_SCTP);
	object_free(object);
}

static void test_addresses(void **state)
{
	struct object *object = service("  type: LoadBalancer\n"
					"  ports: [{port: 80}]\n"
					"  clusterIP: 10.96.0.1\n"
					"  clusterIPs: [10.96.0.1, \"fd00:10:96::1\"]\n"
					"  ipFamilies: [IPv4, IPv6]\n"
					"  ipFamilyPolicy: RequireDualStack\n"
					"  externalIPs: [192.0.2.1, \"2001:db8::1\"]\n"
					"  loadBalancerIP: 203.0.113.7\n"
					"status:\n  loadBalancer:\n    ingress:\n"
					"    - ip: 203.0.113.7\n"
					"    - {ip: \"2001:db8::7\", ipMode: Proxy}\n"
					"    - hostname: lb.example.com\n");
	const struct service *s = object->service;

	(void)state;
	assert_int_equal(s->n_cluster_ips, 2);
	check_addr(&s->cluster_ips[0], "10.96.0.1");
	check_addr(&s->cluster_ips[1], "fd00:10:96::1");
	assert_int_equal(s->n_families, 2);
	assert_true(s->families_v4[0] && !s->families_v4[1]);
	assert_string_equal(s->family_policy, "RequireDualStack");
	assert_int_equal(s->n_external_ips, 2);
	check_addr(&s->external_ips[1], "2001:db8::1");
	check_addr(&s->load_balancer_ip, "203.0.113.7");
	assert_int_equal(s->n_ingress, 3);
	check_addr(&s->ingress[0].addr, "203.0.113.7");
	assert_true(!s->ingress[0].proxy && s->ingress[1].proxy);
	assert_true(addr_is_zero(&s->ingress[2].addr));
	assert_string_equal(s->ingress[2].hostname, "lb.example.com");
	object_free(object);
}

static void test_policies(void **state)
{
	struct object *object = service("  type: LoadBalancer\n"
					"  ports: [{port: 80}]\n"
					"  externalTrafficPolicy: Local\n"
					"  internalTrafficPolicy: Local\n"
					"  healthCheckNodePort: 32000\n"
					"  sessionAffinity: ClientIP\n"
					"  publishNotReadyAddresses: true\n"
					"  trafficDistribution: PreferSameZone\n");
	const struct service *s = object->service;

	(void)state;
	assert_true(s->external_local && s->internal_local && s->publish_not_ready);
	assert_int_equal(s->health_check_node_port, 32000);
	assert_true(s->affinity_client_ip);
	assert_int_equal(s->affinity_seconds, 10800);
	assert_string_equal(s->traffic_distribution, "PreferSameZone");
	object_free(object);
}

static void test_affinity_timeout(void **state)
{
	struct object *object =
		service("  ports: [{port: 80}]\n  sessionAffinity: ClientIP\n"
			"  sessionAffinityConfig: {clientIP: {timeoutSeconds: 86400}}\n");

	(void)state;
	assert_int_equal(object->service->affinity_seconds, 86400);
	object_free(object);
}

static void test_selector_sorted(void **state)
{
	struct object *object =
		service("  ports: [{port: 80}]\n  selector: {tier: web, app: kubia, b: \"\"}\n");
	const struct label *label = object->service->selector;

	(void)state;
	assert_int_equal(object->service->n_selector, 3);
	assert_string_equal(label[0].key, "app");
	assert_string_equal(label[0].value, "kubia");
	assert_string_equal(label[1].key, "b");
	assert_string_equal(label[2].key, "tier");
	object_free(object);
}

static void test_source_ranges(void **state)
{
	static const char *const want[] = { "10.0.0.0/8", "192.168.1.0/24", "172.16.0.0/12",
					    "2001:db8::/32", "0.0.0.0/0" };
	struct object *object =
		service("  type: LoadBalancer\n  ports: [{port: 80}]\n  loadBalancerSourceRanges:\n"
			"  - 10.0.0.0/8\n  - \" 192.168.1.0/24 \"\n  - 172.016.00.0/012\n"
			"  - \"2001:db8::/32\"\n  - 0.0.0.0/0\n");
	char text[PREFIX_TEXT];

	(void)state;
	assert_int_equal(object->service->n_source_ranges, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(prefix_format(&object->service->source_ranges[i], text),
				    want[i]);
	object_free(object);
}

static void test_headless(void **state)
{
	struct object *object = service("  clusterIP: None\n");

	(void)state;
	assert_true(object->service->headless);
	assert_int_equal(object->service->n_cluster_ips, 0);
	object_free(object);
	object = service("  clusterIP: None\n  clusterIPs: [None]\n  ports: [{port: 80}]\n");
	assert_true(object->service->headless);
	object_free(object);
}

static void test_external_name(void **state)
{
	struct object *object = service("  type: ExternalName\n  externalName: api.example.com.\n");

	(void)state;
	assert_int_equal(object->service->type, SERVICE_EXTERNAL_NAME);
	assert_string_equal(object->service->external_name, "api.example.com.");
	object_free(object);
}

/* Borders of the rules; messages of what they refuse are in test_broken.c. */
static const struct {
	const char *name, *spec, *error;
} rows[] = {
	{ "empty cluster IP", "  clusterIP: \"\"\n  ports: [{port: 80}]\n", NULL },
	{ "null values count as absent",
	  "  type: null\n  clusterIP: ~\n  selector:\n  ports: [{port: 80, nodePort: null}]\n",
	  NULL },
	{ "unknown fields", "  ports: [{port: 80, color: red}]\n  shape: [round]\n", NULL },
	{ "port 65535", "  ports: [{port: 65535, targetPort: 1}]\n", NULL },
	{ "port 65536", "  ports: [{port: 65536}]\n",
	  "spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive" },
	{ "port 80.0 is 80", "  ports: [{port: 80.0}]\n", NULL },
	{ "one port needs no name", "  ports: [{port: 80}]\n", NULL },
	{ "the same number on TCP and UDP",
	  "  ports: [{name: a, port: 53}, {name: b, port: 53, protocol: UDP}]\n", NULL },
	{ "node port 0 is none", "  ports: [{port: 80, nodePort: 0}]\n", NULL },
	{ "target port 15 letters", "  ports: [{port: 80, targetPort: abcdefghijklmno}]\n", NULL },
	{ "target port two hyphens", "  ports: [{port: 80, targetPort: a--b}]\n",
	  "spec.ports[0].targetPort: Invalid value: \"a--b\": must not contain consecutive "
	  "hyphens" },
	{ "external policy with external IPs",
	  "  externalTrafficPolicy: Local\n  externalIPs: [192.0.2.1]\n  ports: [{port: 80}]\n",
	  NULL },
	{ "prefer dual stack, one address",
	  "  clusterIP: 10.96.0.1\n  ipFamilyPolicy: PreferDualStack\n  ports: [{port: 80}]\n",
	  NULL },
	{ "cluster IPs without cluster IP", "  clusterIPs: [10.96.0.1]\n  ports: [{port: 80}]\n",
	  "spec.clusterIPs: Invalid value: must be empty when `clusterIP` is not specified" },
	{ "external name needs no port", "  type: ExternalName\n  externalName: example.com\n",
	  NULL },
	{ "class on a load balancer",
	  "  type: LoadBalancer\n  loadBalancerClass: a/b\n  ports: [{port: 80}]\n", NULL },
	{ "empty source ranges anywhere", "  loadBalancerSourceRanges: []\n  ports: [{port: 80}]\n",
	  NULL },
	{ "empty source range",
	  "  type: LoadBalancer\n  loadBalancerSourceRanges: [\"\"]\n  ports: [{port: 80}]\n",
	  "spec.loadBalancerSourceRanges[0]: Invalid value: \"\": must be a valid CIDR value, "
	  "(e.g. 10.9.8.0/24 or 2001:db8::/64)" },
	{ "long values are cut",
	  "  type: "
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaa\n  ports: [{port: 80}]\n",
	  "spec.type: Unsupported value: "
	  "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaa...: supported values: \"ClusterIP\", \"ExternalName\", "
	  "\"LoadBalancer\", \"NodePort\"" },
	{ "the first error is told", "  type: Foo\n  ports: [{port: 0}, {port: 0}]\n",
	  "spec.type: Unsupported value: \"Foo\": supported values: \"ClusterIP\", "
	  "\"ExternalName\", \"LoadBalancer\", \"NodePort\"" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(rows[i].name, HEAD, rows[i].spec, rows[i].error);
}

/* Tens of thousands of ports are checked in a moment, not in their square. */
static void test_many_ports(void **state)
{
	enum { PORTS = 60000 };
	cleanup_free char *yaml = xmalloc(sizeof(HEAD) + 16 + PORTS * 40);
	size_t at = (size_t)sprintf(yaml, HEAD "  ports:\n");
	struct object *object;

	(void)state;
	for (int i = 1; i <= PORTS; i++)
		at += (size_t)sprintf(yaml + at, "  - {name: p%d, port: %d}\n", i, i);
	object = decode_good(yaml);
	assert_int_equal(object->service->n_ports, PORTS);
	object_free(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),	 cmocka_unit_test(test_ports),
		cmocka_unit_test(test_addresses),	 cmocka_unit_test(test_policies),
		cmocka_unit_test(test_affinity_timeout), cmocka_unit_test(test_selector_sorted),
		cmocka_unit_test(test_source_ranges),	 cmocka_unit_test(test_headless),
		cmocka_unit_test(test_external_name),	 cmocka_unit_test(test_rows),
		cmocka_unit_test(test_many_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
