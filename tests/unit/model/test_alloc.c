/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/model/world.h"

#include "user/model/alloc.h"

#define SPEC(name, spec) \
	"{apiVersion: v1, kind: Service, metadata: {name: " name "}, spec: {" spec "}}\n"

/* What is in the store, what is applied, and what fields it then has: "path=value", or error. */
struct alloc_case {
	const char *name;
	const char *stored;
	const char *given;
	const char *expected[8];
	const char *error;
};

static const struct alloc_case cases[] = {
	{
		.name = "the defaults of the API server",
		.given = SPEC("a", PORTS ", clusterIP: 10.96.0.7"),
		.expected = { "spec.type=\"ClusterIP\"", "spec.sessionAffinity=\"None\"",
			      "spec.internalTrafficPolicy=\"Cluster\"",
			      "spec.externalTrafficPolicy=null",
			      "spec.ports=[{\"port\":80,\"protocol\":\"TCP\",\"targetPort\":80}]",
			      "spec.sessionAffinityConfig=null", "status.loadBalancer={}" },
	},
	{
		.name = "affinity to the client lasts three hours",
		.given = SPEC("a", PORTS ", sessionAffinity: ClientIP"),
		.expected = { "spec.sessionAffinityConfig={\"clientIP\":{\"timeoutSeconds\":10800}"
			      "}" },
	},
	{
		.name = "a named target port stays a name",
		.given = SPEC("a", "ports: [{port: 80, targetPort: web, protocol: UDP}]"),
		.expected = { "spec.ports=[{\"port\":80,\"protocol\":\"UDP\",\"targetPort\":"
			      "\"web\"}]" },
	},
	{
		.name = "a given cluster IP, everywhere it is written",
		.given = SPEC("a", PORTS ", clusterIP: 10.96.0.7"),
		.expected = { "spec.clusterIP=\"10.96.0.7\"", "spec.clusterIPs=[\"10.96.0.7\"]",
			      "spec.ipFamilies=[\"IPv4\"]", "spec.ipFamilyPolicy=\"SingleStack\"" },
	},
	{
		.name = "an IPv6 cluster IP makes an IPv6 service",
		.given = SPEC("a", PORTS ", clusterIP: 'fd00:10:96::7'"),
		.expected = { "spec.clusterIPs=[\"fd00:10:96::7\"]", "spec.ipFamilies=[\"IPv6\"]" },
	},
	{
		.name = "a cluster IP of another service",
		.stored = SPEC("b", PORTS ", clusterIP: 10.96.0.7"),
		.given = SPEC("a", PORTS ", clusterIP: 10.96.0.7"),
		.error = "spec.clusterIPs[0]: Invalid value: \"10.96.0.7\": already allocated to "
			 "service default/b",
	},
	{
		.name = "a cluster IP outside of the range",
		.given = SPEC("a", PORTS ", clusterIP: 10.95.0.7"),
		.error =
			"spec.clusterIPs[0]: Invalid value: \"10.95.0.7\": not in the valid range; "
			"the range of valid IPs is 10.96.0.0/12",
	},
	{
		.name = "the network's own address",
		.given = SPEC("a", PORTS ", clusterIP: 10.96.0.0"),
		.error =
			"spec.clusterIPs[0]: Invalid value: \"10.96.0.0\": not in the valid range; "
			"the range of valid IPs is 10.96.0.0/12",
	},
	{
		.name = "the cluster IP is kept",
		.stored = SPEC("a", PORTS ", clusterIP: 10.96.0.9"),
		.given = SPEC("a", "ports: [{port: 81}]"),
		.expected = { "spec.clusterIPs=[\"10.96.0.9\"]" },
	},
	{
		.name = "the cluster IP is kept when the range has moved",
		.stored = SPEC("a", PORTS ", clusterIP: 10.1.0.9"),
		.given = SPEC("a", PORTS ", clusterIP: 10.1.0.9"),
		.expected = { "spec.clusterIPs=[\"10.1.0.9\"]" },
	},
	{
		.name = "the cluster IP may not change",
		.stored = SPEC("a", PORTS ", clusterIP: 10.96.0.9"),
		.given = SPEC("a", PORTS ", clusterIP: 10.96.0.10"),
		.error = "spec.clusterIPs[0]: Invalid value: \"10.96.0.10\": may not change once "
			 "set",
	},
	{
		.name = "a service with an address may not become headless",
		.stored = SPEC("a", PORTS ", clusterIP: 10.96.0.9"),
		.given = SPEC("a", PORTS ", clusterIP: None"),
		.error = "spec.clusterIPs[0]: Invalid value: \"None\": may not change once set",
	},
	{
		.name = "headless stays headless",
		.stored = SPEC("a", PORTS ", clusterIP: None, selector: {a: b}"),
		.given = SPEC("a", PORTS ", selector: {a: b}"),
		.expected = { "spec.clusterIPs=[\"None\"]", "spec.clusterIP=\"None\"",
			      "spec.ipFamilies=[\"IPv4\"]", "spec.ipFamilyPolicy=\"SingleStack\"" },
	},
	{
		.name = "headless without selector is for both families",
		.given = SPEC("a", PORTS ", clusterIP: None"),
		.expected = { "spec.clusterIPs=[\"None\"]", "spec.ipFamilies=[\"IPv4\",\"IPv6\"]",
			      "spec.ipFamilyPolicy=\"RequireDualStack\"" },
	},
	{
		.name = "what never had an address may become headless",
		.stored = SPEC("a", PORTS ", selector: {a: b}"),
		.given = SPEC("a", PORTS ", selector: {a: b}, clusterIP: None"),
		.expected = { "spec.clusterIPs=[\"None\"]" },
	},
	{
		.name = "an ExternalName has neither address nor families",
		.given = SPEC("a", "type: ExternalName, externalName: example.com"),
		.expected = { "spec.clusterIP=null", "spec.clusterIPs=null", "spec.ipFamilies=null",
			      "spec.internalTrafficPolicy=null", "spec.sessionAffinity=\"None\"" },
	},
	{
		.name = "from an ExternalName to an address",
		.stored = SPEC("a", "type: ExternalName, externalName: example.com"),
		.given = SPEC("a", PORTS ", clusterIP: 10.96.0.9"),
		.expected = { "spec.clusterIPs=[\"10.96.0.9\"]" },
	},
	{
		.name = "two stacks, the second address joins the first",
		.stored = SPEC("a", PORTS ", clusterIP: 10.96.0.9"),
		.given = SPEC("a", PORTS
			      ", ipFamilyPolicy: PreferDualStack, "
			      "clusterIPs: [10.96.0.9, 'fd00:10:96::9'], clusterIP: 10.96.0.9"),
		.expected = { "spec.clusterIPs=[\"10.96.0.9\",\"fd00:10:96::9\"]",
			      "spec.ipFamilies=[\"IPv4\",\"IPv6\"]" },
	},
	{
		.name = "back to one stack",
		.stored =
			SPEC("a", PORTS ", ipFamilyPolicy: PreferDualStack, clusterIP: 10.96.0.9, "
					"clusterIPs: [10.96.0.9, 'fd00:10:96::9'], "
					"ipFamilies: [IPv4, IPv6]"),
		.given = SPEC("a", PORTS ", ipFamilyPolicy: SingleStack"),
		.expected = { "spec.clusterIPs=[\"10.96.0.9\"]", "spec.ipFamilies=[\"IPv4\"]",
			      "spec.ipFamilyPolicy=\"SingleStack\"" },
	},
	{
		.name = "the first address alone keeps the second",
		.stored =
			SPEC("a", PORTS ", ipFamilyPolicy: PreferDualStack, clusterIP: 10.96.0.9, "
					"clusterIPs: [10.96.0.9, 'fd00:10:96::9'], "
					"ipFamilies: [IPv4, IPv6]"),
		.given = SPEC("a", PORTS ", clusterIP: 10.96.0.9"),
		.expected = { "spec.clusterIPs=[\"10.96.0.9\",\"fd00:10:96::9\"]" },
	},
	{
		.name = "two families need a policy",
		.given = SPEC("a", PORTS ", ipFamilies: [IPv4, IPv6]"),
		.error = "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be "
			 "PreferDualStack or RequireDualStack when two IP families are specified",
	},
	{
		.name = "a given node port",
		.given = SPEC("a", "type: NodePort, ports: [{port: 80, nodePort: 30123}]"),
		.expected = { "spec.ports=[{\"nodePort\":30123,\"port\":80,\"protocol\":\"TCP\","
			      "\"targetPort\":80}]",
			      "spec.externalTrafficPolicy=\"Cluster\"" },
	},
	{
		.name = "a node port outside of the range",
		.given = SPEC("a", "type: NodePort, ports: [{port: 80, nodePort: 80}]"),
		.error = "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the "
			 "valid range. The range of valid ports is 30000-32767",
	},
	{
		.name = "a node port of another service",
		.stored = SPEC("b", "type: NodePort, ports: [{port: 80, nodePort: 30123}]"),
		.given = SPEC("a", "type: NodePort, ports: [{port: 80, nodePort: 30123}]"),
		.error = "spec.ports[0].nodePort: Invalid value: 30123: provided port is already "
			 "allocated to service default/b",
	},
	{
		.name = "a node port of another service, but of another protocol",
		.stored = SPEC("b", "type: NodePort, ports: [{port: 80, nodePort: 30123}]"),
		.given = SPEC("a", "type: NodePort, ports: [{port: 80, nodePort: 30123, "
				   "protocol: UDP}]"),
		.expected = { "spec.ports=[{\"nodePort\":30123,\"port\":80,\"protocol\":\"UDP\","
			      "\"targetPort\":80}]" },
	},
	{
		.name = "node ports are kept by the ports' names",
		.stored = SPEC("a", "type: NodePort, ports: [{name: x, port: 80, nodePort: 30123}, "
				    "{name: w, port: 81, nodePort: 30124}]"),
		.given = SPEC("a", "type: NodePort, ports: [{name: w, port: 90}]"),
		.expected = { "spec.ports=[{\"name\":\"w\",\"nodePort\":30124,\"port\":90,"
			      "\"protocol\":\"TCP\",\"targetPort\":90}]" },
	},
	{
		.name = "a given node port takes it from the port that had it",
		.stored =
			SPEC("a", "type: NodePort, ports: [{name: x, port: 80, nodePort: 30123}]"),
		.given = SPEC("a", "type: NodePort, ports: [{name: w, port: 81, nodePort: 30123}]"),
		.expected = { "spec.ports=[{\"name\":\"w\",\"nodePort\":30123,\"port\":81,"
			      "\"protocol\":\"TCP\",\"targetPort\":81}]" },
	},
	{
		.name = "a node port that is another service's health-check port",
		.stored = SPEC("b", "type: LoadBalancer, externalTrafficPolicy: Local, "
				    "healthCheckNodePort: 31000, " PORTS),
		.given = SPEC("a", "type: NodePort, ports: [{port: 80, nodePort: 31000}]"),
		.error = "spec.ports[0].nodePort: Invalid value: 31000: provided port is already "
			 "allocated to service default/b",
	},
	{
		.name = "no node ports any more",
		.stored = SPEC("a", "type: NodePort, ports: [{port: 80, nodePort: 30123}]"),
		.given = SPEC("a", "type: ClusterIP, ports: [{port: 80}]"),
		.expected = { "spec.ports=[{\"port\":80,\"protocol\":\"TCP\",\"targetPort\":80}]",
			      "spec.externalTrafficPolicy=null" },
	},
	{
		.name = "a load balancer gets the pools' first addresses",
		.given = SPEC("a", "type: LoadBalancer, ports: [{port: 80, nodePort: 30123}]"),
		.expected = { "status.loadBalancer.ingress=[{\"ip\":\"203.0.113.0\","
			      "\"ipMode\":\"VIP\"}]",
			      "spec.allocateLoadBalancerNodePorts=true",
			      "spec.healthCheckNodePort=null" },
	},
	{
		.name = "a load balancer of two stacks has two addresses",
		.given = SPEC("a", "type: LoadBalancer, ipFamilyPolicy: RequireDualStack, " PORTS),
		.expected = { "status.loadBalancer.ingress=[{\"ip\":\"203.0.113.0\",\"ipMode\":"
			      "\"VIP\"},{\"ip\":\"2001:db8::\",\"ipMode\":\"VIP\"}]" },
	},
	{
		.name = "the next load balancer gets the next address, but not the node's",
		.stored = SPEC(
			"b", "type: LoadBalancer, " PORTS) "---\n"
							   "apiVersion: v1\nkind: "
							   "Service\nmetadata: {name: c}\n"
							   "spec: {type: LoadBalancer, " PORTS "}\n"
							   "status: {loadBalancer: {ingress: [{ip: "
							   "203.0.113.0}]}}\n",
		.given = SPEC("a", "type: LoadBalancer, " PORTS),
		.expected = { "status.loadBalancer.ingress=[{\"ip\":\"203.0.113.2\","
			      "\"ipMode\":\"VIP\"}]" },
	},
	{
		.name = "the address that is asked for",
		.given = SPEC("a", "type: LoadBalancer, loadBalancerIP: 203.0.113.3, " PORTS),
		.expected = { "status.loadBalancer.ingress=[{\"ip\":\"203.0.113.3\","
			      "\"ipMode\":\"VIP\"}]" },
	},
	{
		.name = "an address that is in no pool",
		.given = SPEC("a", "type: LoadBalancer, loadBalancerIP: 203.0.114.3, " PORTS),
		.error = "spec.loadBalancerIP: Invalid value: \"203.0.114.3\": not in "
			 "loadBalancerPools",
	},
	{
		.name = "an address that another service has",
		.stored = "apiVersion: v1\nkind: Service\nmetadata: {name: c}\n"
			  "spec: {type: LoadBalancer, " PORTS "}\n"
			  "status: {loadBalancer: {ingress: [{ip: 203.0.113.3}]}}\n",
		.given = SPEC("a", "type: LoadBalancer, loadBalancerIP: 203.0.113.3, " PORTS),
		.error =
			"spec.loadBalancerIP: Invalid value: \"203.0.113.3\": already allocated to "
			"service default/c",
	},
	{
		.name = "load-balancer addresses are kept",
		.stored = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
			  "spec: {type: LoadBalancer, " PORTS "}\n"
			  "status: {loadBalancer: {ingress: [{ip: 203.0.113.3, ipMode: Proxy}]}}\n",
		.given = SPEC("a", "type: LoadBalancer, " PORTS),
		.expected = { "status.loadBalancer.ingress=[{\"ip\":\"203.0.113.3\","
			      "\"ipMode\":\"Proxy\"}]" },
	},
	{
		.name = "asking for another address gives the first one up",
		.stored = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
			  "spec: {type: LoadBalancer, " PORTS "}\n"
			  "status: {loadBalancer: {ingress: [{ip: 203.0.113.3}]}}\n",
		.given = SPEC("a", "type: LoadBalancer, loadBalancerIP: 203.0.113.2, " PORTS),
		.expected = { "status.loadBalancer.ingress=[{\"ip\":\"203.0.113.2\","
			      "\"ipMode\":\"VIP\"}]" },
	},
	{
		.name = "load-balancer addresses go with the type",
		.stored = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
			  "spec: {type: LoadBalancer, " PORTS "}\n"
			  "status: {loadBalancer: {ingress: [{ip: 203.0.113.3}]}}\n",
		.given = SPEC("a", PORTS),
		.expected = { "status.loadBalancer={}" },
	},
	{
		.name = "our own class",
		.given = SPEC("a", "type: LoadBalancer, loadBalancerClass: lbctl.io/lb, " PORTS),
		.expected = { "status.loadBalancer.ingress=[{\"ip\":\"203.0.113.0\","
			      "\"ipMode\":\"VIP\"}]" },
	},
	{
		.name = "another class says that somebody else provides",
		.given = SPEC("a", "type: LoadBalancer, loadBalancerClass: x.io/y, " PORTS),
		.expected = { "status.loadBalancer={}" },
	},
	{
		.name = "a load balancer without node ports",
		.given = SPEC("a",
			      "type: LoadBalancer, allocateLoadBalancerNodePorts: false, " PORTS),
		.expected = { "spec.ports=[{\"port\":80,\"protocol\":\"TCP\",\"targetPort\":80}]",
			      "spec.allocateLoadBalancerNodePorts=false" },
	},
	{
		.name = "the health-check port is kept",
		.stored = SPEC("a", "type: LoadBalancer, externalTrafficPolicy: Local, "
				    "healthCheckNodePort: 31000, " PORTS),
		.given = SPEC("a", "type: LoadBalancer, externalTrafficPolicy: Local, " PORTS),
		.expected = { "spec.healthCheckNodePort=31000" },
	},
	{
		.name = "the health-check port may not change",
		.stored = SPEC("a", "type: LoadBalancer, externalTrafficPolicy: Local, "
				    "healthCheckNodePort: 31000, " PORTS),
		.given = SPEC("a", "type: LoadBalancer, externalTrafficPolicy: Local, "
				   "healthCheckNodePort: 31001, " PORTS),
		.error = "spec.healthCheckNodePort: Invalid value: 31001: field is immutable",
	},
	{
		.name = "a health-check port that is a node port",
		.stored = SPEC("b", "type: NodePort, ports: [{port: 80, nodePort: 31000}]"),
		.given = SPEC("a", "type: LoadBalancer, externalTrafficPolicy: Local, "
				   "healthCheckNodePort: 31000, " PORTS),
		.error = "spec.healthCheckNodePort: Invalid value: 31000: provided port is already "
			 "allocated to service default/b",
	},
};

static void expect_field(const char *name, const json_t *json, const char *expected)
{
	size_t length = strcspn(expected, "=");
	cleanup_free char *path = strndup(expected, length);
	json_t *value = tree_get(json, path);
	cleanup_free char *text =
		value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)
		      : xstrdup("null");

	if (strcmp(text, expected + length + 1) != 0)
		fail_msg("%s: %s is %s, not %s", name, path, text, expected + length + 1);
}

static void test_cases(void **state)
{
	struct config config =
		world_config("10.96.0.0/12 fd00:10:96::/112", "203.0.113.0/30 2001:db8::/126");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct alloc_case *row = &cases[i];
		struct store *store = world_new(row->stored ? row->stored : "");
		struct object *object = world_object(row->given);
		struct err err = { "" };
		int rc = alloc_service(store, &config, &object, &err);

		if (row->error ? !rc : rc)
			fail_msg("%s: returned %d: %s", row->name, rc, err.text);
		if (row->error && strcmp(err.text, row->error) != 0)
			fail_msg("%s: %s", row->name, err.text);
		for (size_t j = 0; j < ARRAY_LEN(row->expected) && row->expected[j]; j++)
			expect_field(row->name, object->json, row->expected[j]);
		object_free(object);
		store_free(store);
	}
	world_config_done(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
