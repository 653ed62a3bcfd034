/* SPDX-License-Identifier: Apache-2.0 */
/* Which endpoints are used: ready or on their way out, of which zone and node. */
#include "tests/unit/model/resolved.h"

#define ZONED(ip, zone) "{addresses: [" ip "], hints: {forZones: [{name: " zone "}]}}"

static const struct resolve_case cases[] = {
	{
		.name = "a pod that is not ready is left out",
		.yaml = KUBIA("") POD("a", "here", "10.1.0.1") UNREADY_POD("b", "here", "10.1.0.2"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 clLP\n",
	},
	{
		.name = "publishNotReadyAddresses takes it in",
		.yaml = KUBIA(", publishNotReadyAddresses: true")
			UNREADY_POD("b", "here", "10.1.0.2"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.2:8080 clLP\n",
	},
	{
		.name = "a terminating pod is left out while another is ready",
		.yaml = KUBIA("") POD("a", "there", "10.1.0.1") DYING_POD("b", "there", "10.1.0.2"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 cP\n",
	},
	{
		.name = "a terminating pod serves where none is ready",
		.yaml = KUBIA("") DYING_POD("b", "there", "10.1.0.2")
			UNREADY_POD("c", "there", "10.1.0.3"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.2:8080 cPT\n",
	},
	{
		.name = "the local set falls back by itself",
		.yaml = KUBIA(", internalTrafficPolicy: Local") POD("a", "there", "10.1.0.1")
			DYING_POD("b", "here", "10.1.0.2"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 l > 10.1.0.1:8080 cP "
			    "10.1.0.2:8080 lLPT\n",
	},
	{
		.name = "hints for our zone",
		.zone = "a",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]") SLICE(
			"s", "{port: 8080}", ZONED("11.0.0.1", "a") ", " ZONED("11.0.0.2", "b")),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c\n",
	},
	{
		.name = "one endpoint without a hint, and hints do not count",
		.zone = "a",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]")
			SLICE("s", "{port: 8080}",
			      ZONED("11.0.0.1", "a") ", " ZONED("11.0.0.2",
								"b") ", "
								     "{addresses: [11.0.0.3]}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c "
			    "11.0.0.2:8080 c "
			    "11.0.0.3:8080 c\n",
	},
	{
		.name = "only ready endpoints have a say in it",
		.zone = "a",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]")
			SLICE("s", "{port: 8080}",
			      ZONED("11.0.0.1", "a") ", " ZONED(
				      "11.0.0.2", "b") ", "
						       "{addresses: [11.0.0.3], conditions: "
						       "{ready: false}}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c\n",
	},
	{
		.name = "no hint for our zone",
		.zone = "c",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]") SLICE(
			"s", "{port: 8080}", ZONED("11.0.0.1", "a") ", " ZONED("11.0.0.2", "b")),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c "
			    "11.0.0.2:8080 c\n",
	},
	{
		.name = "a node without a zone",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]") SLICE(
			"s", "{port: 8080}", ZONED("11.0.0.1", "a") ", " ZONED("11.0.0.2", "b")),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c "
			    "11.0.0.2:8080 c\n",
	},
	{
		.name = "the zone of the Node object, and endpoints that have one",
		.yaml = SVC("kubia",
			    "clusterIP: 10.96.0.5, ports: [{port: "
			    "80}]") "---\n{apiVersion: v1, kind: "
				    "Node, metadata: {name: here, "
				    "labels: "
				    "{topology.kubernetes.io/"
				    "zone: a}}}\n" SLICE("s", "{port: 8080}",
							 ZONED("11.0.0.1", "a") ", " ZONED("11."
											   "0."
											   "0."
											   "2",
											   "b")),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c\n",
	},
	{
		.name = "hints never narrow the local set",
		.zone = "a",
		.yaml = SVC("kubia", "type: NodePort, clusterIP: 10.96.0.5, "
				     "externalTrafficPolicy: Local, "
				     "ports: [{port: 80}]")
			SLICE("s", "{port: 8080}",
			      ZONED("11.0.0.1", "a") ", "
						     "{addresses: [11.0.0.2], nodeName: here, "
						     "hints: {forZones: [{name: b}]}}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c "
			    "11.0.0.2:8080 lL\n",
	},
	{
		.name = "hints for our node come before those for the zone",
		.zone = "a",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]")
			SLICE("s", "{port: 8080}",
			      "{addresses: [11.0.0.1], hints: {forZones: [{name: "
			      "a}], forNodes: "
			      "[{name: here}]}}, "
			      "{addresses: [11.0.0.2], hints: {forZones: [{name: "
			      "a}], forNodes: "
			      "[{name: x}]}}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c\n",
	},
	{
		.name = "hints for nodes count when all ready endpoints have one",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]")
			SLICE("s", "{port: 8080}",
			      "{addresses: [11.0.0.1], hints: {forNodes: [{name: "
			      "here}]}}, "
			      "{addresses: [11.0.0.2]}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c "
			    "11.0.0.2:8080 c\n",
	},
	{
		.name = "trafficDistribution is served by hints of our own",
		.yaml = KUBIA(", trafficDistribution: PreferClose") POD("a", "here", "10.1.0.1")
			POD("b", "there", "10.1.0.2")
				POD("c", "near", "10.1.0.3") "---\n{apiVersion: v1, kind: Node, "
							     "metadata: {name: here, labels: "
							     "{topology.kubernetes.io/zone: a}}}\n"
							     "---\n{apiVersion: v1, kind: Node, "
							     "metadata: {name: near, labels: "
							     "{topology.kubernetes.io/zone: a}}}\n"
							     "---\n{apiVersion: v1, kind: Node, "
							     "metadata: {name: there, labels: "
							     "{topology.kubernetes.io/zone: b}}}\n",
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 clLPz "
			    "10.1.0.3:8080 cPz\n",
	},
	{
		.name = "PreferSameNode",
		.yaml = KUBIA(", trafficDistribution: PreferSameNode") POD("a", "here", "10.1.0.1")
			POD("b", "there", "10.1.0.2"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 clLP\n",
	},
};

static void test_cases(void **state)
{
	(void)state;
	resolve_check(cases, ARRAY_LEN(cases));
}

/* Zones have numbers that all nodes agree on, so this one is fixed. */
static void test_zone_number(void **state)
{
	static const struct resolve_case row = {
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]")
			SLICE("s", "{port: 1}",
			      "{addresses: [11.0.0.1], zone: eu-1a}, "
			      "{addresses: [11.0.0.2], zone: eu-1b}, "
			      "{addresses: [11.0.0.3], zone: eu-1a}, "
			      "{addresses: [11.0.0.4]}"),
	};
	struct desired desired;
	const struct desired_backend *backends;

	(void)state;
	resolve_run(&row, &desired);
	backends = desired.services[0].backends;
	assert_int_equal(desired.services[0].n_backends, 4);
	assert_int_equal(backends[0].zone, 12266);
	assert_int_not_equal(backends[1].zone, backends[0].zone);
	assert_int_equal(backends[2].zone, backends[0].zone);
	assert_int_equal(backends[3].zone, 0);
	desired_done(&desired);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_zone_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
