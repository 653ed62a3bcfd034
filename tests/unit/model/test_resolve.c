/* SPDX-License-Identifier: Apache-2.0 */
/* Services, their frontends, and where their endpoints come from. */
#include "tests/unit/model/resolved.h"

static const struct resolve_case cases[] = {
	{
		.name = "a service with two pods",
		.yaml = KUBIA("") POD("a", "here", "10.1.0.1") POD("b", "there", "10.1.0.2"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 clLP 10.1.0.2:8080 cP\n",
	},
	{
		.name = "a service without pods still answers",
		.yaml = KUBIA(""),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 >\n",
	},
	{
		.name = "ended pods and pods of other labels and namespaces do not count",
		.yaml = KUBIA("") POD("a", "here", "10.1.0.1")
			KUBIA_POD("b", "", "here", "phase: Failed, podIP: 10.1.0.2") POD_OBJECT(
				"c", "labels: {app: other}", "", "podIP: 10.1.0.3")
				KUBIA_POD("d", "namespace: other, ", "here", "podIP: 10.1.0.4")
					KUBIA_POD("e", "", "here", "phase: Pending"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 clLP\n",
	},
	{
		.name = "all labels of the selector have to match",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, selector: {app: kubia, tier: web}, "
				     "ports: [{port: 80}]") POD("a", "here", "10.1.0.1")
			POD_OBJECT("b", "labels: {app: kubia, tier: web, x: z}", "nodeName: here, ",
				   "podIP: 10.1.0.2")
				POD_OBJECT("c", "labels: {tier: web}", "", "podIP: 10.1.0.3")
					POD_OBJECT("d", "labels: {tier: web, app: other}", "",
						   "podIP: 10.1.0.4"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.2:80 clLP\n",
	},
	{
		.name = "a named target port is looked up in each pod",
		.yaml = SVC("kubia",
			    "clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{port: 80, "
			    "targetPort: web}]") PORT_POD("a", "8080", "10.1.0.1")
			PORT_POD("b", "9090", "10.1.0.2") POD("c", "there", "10.1.0.3"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 cP 10.1.0.2:9090 cP\n",
	},
	{
		.name = "a pod's weight, and a slice's",
		.yaml = SVC("kubia",
			    "clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{port: 80}]")
			KUBIA_POD("a", "annotations: {lbctl.io/weight: '3'}, ", "there",
				  "phase: Running, podIP: 10.1.0.1")
				POD("b", "there",
				    "10.1.0.2") "---\n{apiVersion: discovery.k8s.io/v1, kind: "
						"EndpointSlice, metadata: {name: s, "
						"labels: {kubernetes.io/service-name: kubia}, "
						"annotations: {lbctl.io/weight: "
						"'7'}}, addressType: IPv4, ports: [{name: '', "
						"port: 80}], endpoints: "
						"[{addresses: [10.1.0.3]}]}\n",
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:80 cPw3 10.1.0.2:80 cP "
			    "10.1.0.3:80 cw7\n",
	},
	{
		.name = "ports in order, each with its own backends",
		.yaml = SVC("kubia",
			    "clusterIP: 10.96.0.5, selector: {app: kubia}, ports: ["
			    "{name: https, port: 443, targetPort: 8443}, "
			    "{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}, "
			    "{name: s, port: 99, protocol: SCTP}]") POD("a", "there", "10.1.0.1"),
		.expected = "kubia:dns-tcp 53/TCP4 > 10.96.0.5:53 > 10.1.0.1:53 cP\n"
			    "kubia:dns 53/UDP4 > 10.96.0.5:53 > 10.1.0.1:53 cP\n"
			    "kubia:s 99/SCTP4 > 10.96.0.5:99 > 10.1.0.1:99 cP\n"
			    "kubia:https 443/TCP4 > 10.96.0.5:443 > 10.1.0.1:8443 cP\n",
	},
	{
		.name = "what is not served: headless, ExternalName, other proxies",
		.yaml = SVC("a", "clusterIP: None, ports: [{port: 80}]") SVC(
			"b",
			"type: ExternalName, externalName: example.com") "---\n{apiVersion: v1, "
									 "kind: Service, metadata: "
									 "{name: c, labels: "
									 "{service.kubernetes.io/"
									 "service-proxy-name: x}}, "
									 "spec: {clusterIP: "
									 "10.96.0.1, "
									 "ports: [{port: 80}]}}\n"
									 "---\n{apiVersion: v1, "
									 "kind: Service, metadata: "
									 "{name: d, labels: "
									 "{service.kubernetes.io/"
									 "headless: ''}}, spec: "
									 "{clusterIP: 10.96.0.2, "
									 "ports: [{port: 80}]}}\n",
		.expected = "",
	},
	{
		.name = "two families are two services",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, clusterIPs: [10.96.0.5, 'fd00::5'], "
				     "ipFamilies: [IPv4, IPv6], ipFamilyPolicy: RequireDualStack, "
				     "selector: {app: kubia}, ports: [{port: 80}]")
			KUBIA_POD("a", "", "here",
				  "podIP: 10.1.0.1, podIPs: [{ip: 10.1.0.1}, "
				  "{ip: 'fd01::1'}]") POD("b", "here", "10.1.0.2"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:80 clLP 10.1.0.2:80 clLP\n"
			    "kubia: 80/TCP6 > [fd00::5]:80 > [fd01::1]:80 clLP\n",
	},
	{
		.name = "a node port answers on all addresses of the node",
		.yaml = SVC("kubia", "type: NodePort, clusterIP: 10.96.0.5, ports: [{port: 80, "
				     "nodePort: 30123}]"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 127.0.0.1:30123 en 192.0.2.1:30123 en "
			    "192.0.2.2:30123 en >\n",
	},
	{
		.name = "an IPv6 node port has no loopback",
		.yaml = SVC("kubia", "type: NodePort, clusterIP: 'fd00::5', ports: [{port: 80, "
				     "nodePort: 30123}]"),
		.expected = "kubia: 80/TCP6 > [2001:db8::1]:30123 en [fd00::5]:80 >\n",
	},
	{
		.name = "nodePortAddresses choose among them",
		.yaml = SVC("kubia", "type: NodePort, clusterIP: 10.96.0.5, ports: [{port: 80, "
				     "nodePort: 30123}]"),
		.node_port_addresses = "192.0.2.2/32",
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 192.0.2.2:30123 en >\n",
	},
	{
		.name = "a load balancer with policy Local and source ranges",
		.yaml = LB("kubia",
			   "clusterIP: 10.96.0.5, externalTrafficPolicy: Local, "
			   "loadBalancerSourceRanges: [10.0.0.0/8, ' 192.168.0.0/16 '], "
			   "selector: {app: kubia}, ports: [{port: 80, nodePort: 30123}]",
			   "{ip: 203.0.113.1}, {ip: 203.0.113.2, ipMode: Proxy}, {ip: 'fd09::1'}, "
			   "{hostname: example.com}") POD("a", "here", "10.1.0.1")
			POD("b", "there", "10.1.0.2"),
		.node_port_addresses = "192.0.2.2/32",
		.expected =
			"kubia: 80/TCP4 > 10.96.0.5:80 192.0.2.2:30123 eln 203.0.113.1:80 els > "
			"10.1.0.1:80 clLP 10.1.0.2:80 cP from 10.0.0.0/8 192.168.0.0/16\n",
	},
	{
		.name = "source ranges of the other family shut this one",
		.yaml = LB("kubia",
			   "clusterIP: 10.96.0.5, loadBalancerSourceRanges: ['fd00::/8'], "
			   "ports: [{port: 80}]",
			   "{ip: 203.0.113.1}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 203.0.113.1:80 es >\n",
	},
	{
		.name = "external IPs are not served unless configured",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, externalIPs: [203.0.113.9], "
				     "ports: [{port: 80}]"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 >\n",
	},
	{
		.name = "external IPs, where configured",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, externalIPs: [203.0.113.9, 'fd09::9'], "
				     "externalTrafficPolicy: Local, ports: [{port: 80}]"),
		.external_ips = true,
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 203.0.113.9:80 el >\n",
	},
	{
		.name = "an address that is both is guarded as the load balancer's",
		.yaml = LB("kubia",
			   "clusterIP: 10.96.0.5, externalIPs: [203.0.113.1], "
			   "loadBalancerSourceRanges: [10.0.0.0/8], ports: [{port: 80}]",
			   "{ip: 203.0.113.1}"),
		.external_ips = true,
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 203.0.113.1:80 es > from 10.0.0.0/8\n",
	},
	{
		.name = "the node's own address is no load balancer's",
		.yaml = LB("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]", "{ip: 192.0.2.1}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 >\n",
		.warning =
			"service default/kubia: load-balancer address 192.0.2.1 is an address of "
			"this node and is not served: the node would lose its own ports",
	},
	{
		.name = "nor is it an external IP",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, externalIPs: [192.0.2.2, 203.0.113.9], "
				     "ports: [{name: w, port: 80}, {name: x, port: 81}]"),
		.external_ips = true,
		.expected = "kubia:w 80/TCP4 > 10.96.0.5:80 203.0.113.9:80 e >\n"
			    "kubia:x 81/TCP4 > 10.96.0.5:81 203.0.113.9:81 e >\n",
		.warning =
			"service default/kubia: external IP 192.0.2.2 is an address of this node "
			"and is not served: the node would lose its own ports",
	},
	{
		.name = "the older service keeps an address",
		.yaml = OLD_SVC(
			"a", "2026-01-02T00:00:00Z",
			"clusterIP: 10.96.0.1, externalIPs: [203.0.113.9], ports: [{port: 80}]")
			OLD_SVC("b", "2026-01-01T00:00:00Z",
				"clusterIP: 10.96.0.2, externalIPs: [203.0.113.9], ports: [{port: "
				"80}]"),
		.external_ips = true,
		.expected = "a: 80/TCP4 > 10.96.0.1:80 >\n"
			    "b: 80/TCP4 > 10.96.0.2:80 203.0.113.9:80 e >\n",
		.warning = "service default/a: 203.0.113.9:80/TCP is not served: it belongs to "
			   "default/b, which is older",
	},
	{
		.name = "a service without a date is younger than one with",
		.yaml = SVC("a", "clusterIP: 10.96.0.3, ports: [{port: 80}]") OLD_SVC(
			"b", "2026-01-02T00:00:00Z", "clusterIP: 10.96.0.3, ports: [{port: 80}]"),
		.expected = "a: 80/TCP4 > >\n"
			    "b: 80/TCP4 > 10.96.0.3:80 >\n",
		.warning = "service default/a: 10.96.0.3:80/TCP is not served: it belongs to "
			   "default/b, which is older",
	},
	{
		.name = "of two of one age the name decides",
		.yaml = SVC("b", "clusterIP: 10.96.0.3, ports: [{port: 80}]")
			SVC("a", "clusterIP: 10.96.0.3, ports: [{port: 80}]"),
		.expected = "a: 80/TCP4 > 10.96.0.3:80 >\n"
			    "b: 80/TCP4 > >\n",
		.warning = "service default/b: 10.96.0.3:80/TCP is not served: it belongs to "
			   "default/a, which is older",
	},
	{
		.name = "a slice by hand, for a service without selector",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{name: http, port: 80}]")
			SLICE("s", "{name: http, port: 8080}, {name: other, port: 1}",
			      "{addresses: [11.11.11.11]}, "
			      "{addresses: [22.22.22.22], conditions: {ready: false}}, "
			      "{addresses: [192.0.2.1]}, "
			      "{addresses: [33.33.33.33], nodeName: here, targetRef: {kind: Pod, "
			      "name: p}}, "
			      "{addresses: [44.44.44.44], targetRef: {kind: Node, name: n1}}")
				SLICE("u", "{name: http, port: 2, protocol: UDP}",
				      "{addresses: [55.0.0.1]}")
					SLICE("v", "{name: http}", "{addresses: [55.0.0.2]}"),
		.expected = "kubia:http 80/TCP4 > 10.96.0.5:80 > 11.11.11.11:8080 c "
			    "33.33.33.33:8080 clLP 44.44.44.44:8080 c 192.0.2.1:8080 clL\n",
	},
	{
		.name = "an endpoint in two slices is one backend",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]")
			SLICE("s1", "{port: 8080}", "{addresses: [11.11.11.11]}")
				SLICE("s2", "{port: 8080}",
				      "{addresses: [11.11.11.11]}, {addresses: [11.11.11.12]}")
					SLICE("s3", "{port: 9090}", "{addresses: [11.11.11.11]}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.11.11.11:8080 c 11.11.11.11:9090 c "
			    "11.11.11.12:8080 c\n",
	},
	{
		.name = "Endpoints by hand",
		.yaml = SVC(
			"kubia",
			"clusterIP: 10.96.0.5, ports: [{port: 80}]") "---\n{apiVersion: v1, kind: "
								     "Endpoints, metadata: {name: "
								     "kubia}, subsets: ["
								     "{addresses: [{ip: "
								     "11.11.11.11}, {ip: "
								     "22.22.22.22}], "
								     "notReadyAddresses: "
								     "[{ip: 33.33.33.33}], ports: "
								     "[{port: 8080}]}]}\n",
		.expected =
			"kubia: 80/TCP4 > 10.96.0.5:80 > 11.11.11.11:8080 c 22.22.22.22:8080 c\n",
	},
	{
		.name = "Endpoints that are not to be mirrored",
		.yaml = SVC(
			"kubia",
			"clusterIP: 10.96.0.5, ports: [{port: 80}]") "---\n{apiVersion: v1, kind: "
								     "Endpoints, metadata: {name: "
								     "kubia, labels: "
								     "{endpointslice.kubernetes.io/"
								     "skip-mirror: 'true'}}, "
								     "subsets: ["
								     "{addresses: [{ip: "
								     "11.11.11.11}], ports: "
								     "[{port: 8080}]}]}\n",
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 >\n",
	},
	{
		.name = "Endpoints beside a selector are the controller's, not ours",
		.yaml = KUBIA("") POD(
			"a", "there",
			"10.1.0.1") "---\n{apiVersion: v1, kind: Endpoints, metadata: {name: "
				    "kubia}, subsets: ["
				    "{addresses: [{ip: 11.11.11.11}], ports: [{port: 8080}]}]}\n",
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 cP\n",
	},
};

static void test_cases(void **state)
{
	(void)state;
	resolve_check(cases, ARRAY_LEN(cases));
}

static void test_names(void **state)
{
	static const struct resolve_case row = {
		.yaml = SVC("kubia",
			    "type: NodePort, clusterIP: 10.96.0.5, sessionAffinity: ClientIP, "
			    "externalTrafficPolicy: Local, internalTrafficPolicy: Local, "
			    "ports: [{name: http, port: 80}]"),
	};
	struct desired desired;
	const struct lb_name *name;

	(void)state;
	resolve_run(&row, &desired);
	assert_int_equal(desired.n_services, 1);
	name = &desired.services[0].name;
	assert_string_equal(name->namespace, "default");
	assert_string_equal(name->name, "kubia");
	assert_string_equal(name->port_name, "http");
	assert_int_equal(name->port, htons(80));
	assert_int_equal(name->proto, IPPROTO_TCP);
	assert_int_equal(name->type, LB_SERVICE_NODE_PORT);
	assert_int_equal(name->flags, LB_NAME_EXTERNAL_LOCAL | LB_NAME_INTERNAL_LOCAL);
	assert_int_equal(name->affinity, 10800);
	desired_done(&desired);
}

/* Addresses of all pods that exist, whether a service wants them or not. */
static void test_pods(void **state)
{
	static const struct resolve_case row = {
		.yaml = POD("a", "here", "10.1.0.9") POD("b", "there", "10.1.0.2")
			DYING_POD("c", "here", "10.1.0.5") UNREADY_POD("d", "here", "10.1.0.2")
				KUBIA_POD("e", "", "here", "phase: Succeeded, podIP: 10.1.0.7"),
	};
	/* Once for each pod: the address is free when the last one ends. */
	static const char *const expected[] = { "10.1.0.2", "10.1.0.2", "10.1.0.5", "10.1.0.9" };
	struct desired desired;

	(void)state;
	resolve_run(&row, &desired);
	assert_int_equal(desired.n_pods, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		char text[ADDR_TEXT];

		assert_string_equal(addr_format(&desired.pods[i], text), expected[i]);
	}
	desired_done(&desired);
}

/* One a service address, never on a node's, with the oldest service that has an endpoint. */
static void test_echo(void **state)
{
	static const struct {
		const char *name, *yaml, *expected;
		bool off;
	} rows[] = {
		{ "cluster IP and load balancer, not the node port",
		  LB("kubia",
		     "clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{port: 80, nodePort: "
		     "30000}]",
		     "{ip: 192.0.2.9}") POD("a", "here", "10.1.0.1"),
		  "kubia:10.96.0.5 kubia:192.0.2.9 ", false },
		{ "of two services on an address the one with endpoints",
		  LB("a", "clusterIP: 10.96.0.5, ports: [{port: 80}]", "{ip: 192.0.2.9}") LB(
			  "b", "clusterIP: 10.96.0.6, selector: {app: kubia}, ports: [{port: 81}]",
			  "{ip: 192.0.2.9}") POD("p", "here", "10.1.0.1"),
		  "a:10.96.0.5 b:10.96.0.6 b:192.0.2.9 ", false },
		{ "icmpEcho: false leaves the address known, but silent",
		  SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]"), "kubia:10.96.0.5- ",
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct resolve_case row = { .yaml = rows[i].yaml, .echo_off = rows[i].off };
		char text[256] = "", addr[ADDR_TEXT];
		struct desired desired;

		resolve_run(&row, &desired);
		for (size_t s = 0; s < desired.n_services; s++)
			for (size_t f = 0; f < desired.services[s].n_frontends; f++) {
				const struct desired_frontend *frontend =
					&desired.services[s].frontends[f];

				if (frontend->kind != FRONTEND_ECHO)
					continue;
				assert_int_equal(frontend->key.port, 0);
				assert_int_equal(frontend->key.proto, IPPROTO_ICMP);
				snprintf(text + strlen(text), sizeof(text) - strlen(text),
					 "%s:%s%s ", desired.services[s].name.name,
					 addr_format(&frontend->key.addr, addr),
					 frontend->flags & LB_FRONTEND_ECHO ? "" : "-");
			}
		assert_string_equal(text, rows[i].expected);
		desired_done(&desired);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_pods),
		cmocka_unit_test(test_echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
