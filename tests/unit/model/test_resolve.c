/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in, desired state out, as text. A service is
 *
 *	name:port 80/TCP4 > FRONTENDS > BACKENDS
 *
 * with frontends `address:port` and their flags (e external, l local policy, s source ranges,
 * n node port), and backends `address:port` and their sets (c cluster, l local) and flags
 * (L on this node, P pod, T terminating).
 */
#include "tests/unit/model/world.h"

#include <time.h>

#include "user/model/resolve.h"

#define SVC(name, spec) \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: " name "}, spec: {" spec "}}\n"
#define OLD_SVC(name, created, spec)                                  \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: " name \
	", creationTimestamp: '" created "'}, spec: {" spec "}}\n"
#define KUBIA(more)                                                                      \
	SVC("kubia", "clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{port: 80, " \
		     "targetPort: 8080}]" more)
#define POD_OBJECT(name, metadata, spec, status)                                                  \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name ", " metadata "}, spec: {" spec \
	"containers: [{name: c, image: i}]}, status: {" status "}}\n"
#define KUBIA_POD(name, metadata, node, status) \
	POD_OBJECT(name, metadata "labels: {app: kubia}", "nodeName: " node ", ", status)
#define POD(name, node, ip) KUBIA_POD(name, "", node, "phase: Running, podIP: " ip)
#define DYING_POD(name, node, ip)                                            \
	KUBIA_POD(name, "deletionTimestamp: '2026-01-01T00:00:00Z', ", node, \
		  "phase: Running, podIP: " ip)
#define UNREADY_POD(name, node, ip) \
	KUBIA_POD(name, "", node,   \
		  "phase: Running, podIP: " ip ", conditions: [{type: Ready, status: 'False'}]")
#define PORT_POD(name, port, ip)                                                                \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name                               \
	", labels: {app: kubia}}, spec: {containers: [{name: c, image: i, ports: [{name: web, " \
	"containerPort: " port "}]}]}, status: {podIP: " ip "}}\n"
#define SLICE(name, ports, endpoints)                                                        \
	"---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: " name \
	", labels: {kubernetes.io/service-name: kubia}}, addressType: IPv4, ports: [" ports  \
	"], endpoints: [" endpoints "]}\n"
#define LB(name, spec, ingress)                                                               \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: " name                         \
	"}, spec: {type: LoadBalancer, " spec "}, status: {loadBalancer: {ingress: [" ingress \
	"]}}}\n"

struct resolve_case {
	const char *name;
	const char *yaml;
	const char *expected;
	const char *warning;
	const char *zone;		 /* of the node */
	const char *node_port_addresses; /* NULL: all */
	bool external_ips;
};

/* The node is `here`, with 192.0.2.1, 192.0.2.2 and 2001:db8::1. */
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
		.expected =
			"kubia: 80/TCP4 > 10.96.0.5:80 l > 10.1.0.1:8080 cP 10.1.0.2:8080 lLPT\n",
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
		.name = "ports in order, each with its own backends; SCTP is not served",
		.yaml = SVC("kubia",
			    "clusterIP: 10.96.0.5, selector: {app: kubia}, ports: ["
			    "{name: https, port: 443, targetPort: 8443}, "
			    "{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}, "
			    "{name: s, port: 99, protocol: SCTP}]") POD("a", "there", "10.1.0.1"),
		.expected = "kubia:dns-tcp 53/TCP4 > 10.96.0.5:53 > 10.1.0.1:53 cP\n"
			    "kubia:dns 53/UDP4 > 10.96.0.5:53 > 10.1.0.1:53 cP\n"
			    "kubia:https 443/TCP4 > 10.96.0.5:443 > 10.1.0.1:8443 cP\n",
		.warning = "service default/kubia: port 99 is SCTP, which is not served",
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
#define ZONED(ip, zone) "{addresses: [" ip "], hints: {forZones: [{name: " zone "}]}}"
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
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c 11.0.0.2:8080 c "
			    "11.0.0.3:8080 c\n",
	},
	{
		.name = "only ready endpoints have a say in it",
		.zone = "a",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]")
			SLICE("s", "{port: 8080}",
			      ZONED("11.0.0.1", "a") ", " ZONED(
				      "11.0.0.2",
				      "b") ", "
					   "{addresses: [11.0.0.3], conditions: {ready: false}}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c\n",
	},
	{
		.name = "no hint for our zone",
		.zone = "c",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]") SLICE(
			"s", "{port: 8080}", ZONED("11.0.0.1", "a") ", " ZONED("11.0.0.2", "b")),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c 11.0.0.2:8080 c\n",
	},
	{
		.name = "a node without a zone",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]") SLICE(
			"s", "{port: 8080}", ZONED("11.0.0.1", "a") ", " ZONED("11.0.0.2", "b")),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c 11.0.0.2:8080 c\n",
	},
	{
		.name = "the zone of the Node object, and endpoints that have one",
		.yaml = SVC(
			"kubia",
			"clusterIP: 10.96.0.5, ports: [{port: 80}]") "---\n{apiVersion: v1, kind: "
								     "Node, metadata: {name: here, "
								     "labels: "
								     "{topology.kubernetes.io/"
								     "zone: a}}}\n" SLICE(
									     "s", "{port: 8080}",
									     ZONED("11.0.0.1", "a") ", " ZONED(
										     "11.0.0.2",
										     "b")),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c\n",
	},
	{
		.name = "hints never narrow the local set",
		.zone = "a",
		.yaml = SVC("kubia",
			    "type: NodePort, clusterIP: 10.96.0.5, externalTrafficPolicy: Local, "
			    "ports: [{port: 80}]")
			SLICE("s", "{port: 8080}",
			      ZONED("11.0.0.1", "a") ", "
						     "{addresses: [11.0.0.2], nodeName: here, "
						     "hints: {forZones: [{name: b}]}}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c 11.0.0.2:8080 lL\n",
	},
	{
		.name = "hints for our node come before those for the zone",
		.zone = "a",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]")
			SLICE("s", "{port: 8080}",
			      "{addresses: [11.0.0.1], hints: {forZones: [{name: a}], forNodes: "
			      "[{name: here}]}}, "
			      "{addresses: [11.0.0.2], hints: {forZones: [{name: a}], forNodes: "
			      "[{name: x}]}}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c\n",
	},
	{
		.name = "hints for nodes count when all ready endpoints have one",
		.yaml = SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]")
			SLICE("s", "{port: 8080}",
			      "{addresses: [11.0.0.1], hints: {forNodes: [{name: here}]}}, "
			      "{addresses: [11.0.0.2]}"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 11.0.0.1:8080 c 11.0.0.2:8080 c\n",
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
		.expected =
			"kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 clLPz 10.1.0.3:8080 cPz\n",
	},
	{
		.name = "PreferSameNode",
		.yaml = KUBIA(", trafficDistribution: PreferSameNode") POD("a", "here", "10.1.0.1")
			POD("b", "there", "10.1.0.2"),
		.expected = "kubia: 80/TCP4 > 10.96.0.5:80 > 10.1.0.1:8080 clLP\n",
	},
};

/* ------------------------------------------------------------------ as text -- */

static void write_frontends(FILE *out, const struct desired_service *service)
{
	static const char letters[] = "elsn";
	char text[ADDR_PORT_TEXT];

	for (size_t i = 0; i < service->n_frontends; i++) {
		const struct desired_frontend *frontend = &service->frontends[i];

		fprintf(out, " %s%s",
			addr_port_format(&frontend->key.addr, frontend->key.port, text),
			frontend->flags ? " " : "");
		for (int bit = 0; bit < 4; bit++) {
			if (frontend->flags & 1u << bit)
				fputc(letters[bit], out);
		}
	}
}

static void write_backends(FILE *out, const struct desired_service *service)
{
	char text[ADDR_PORT_TEXT];

	for (size_t i = 0; i < service->n_backends; i++) {
		const struct desired_backend *backend = &service->backends[i];

		assert_int_equal(backend->weight, 1);
		fprintf(out, " %s %s%s%s%s%s%s",
			addr_port_format(&backend->addr, backend->port, text),
			backend->cluster ? "c" : "", backend->local ? "l" : "",
			backend->flags & LB_BACKEND_LOCAL ? "L" : "",
			backend->flags & LB_BACKEND_POD ? "P" : "",
			backend->flags & LB_BACKEND_TERMINATING ? "T" : "",
			backend->zone ? "z" : "");
	}
}

static char *desired_text(const struct desired *desired)
{
	char *text = NULL, prefix[PREFIX_TEXT];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < desired->n_services; i++) {
		const struct desired_service *service = &desired->services[i];

		assert_int_equal(service->v4, !(service->name.flags & LB_NAME_IPV6));
		fprintf(out, "%s:%s %u/%s%c >", service->name.name, service->name.port_name,
			ntohs(service->name.port),
			service->name.proto == IPPROTO_UDP ? "UDP" : "TCP",
			service->v4 ? '4' : '6');
		write_frontends(out, service);
		fputs(" >", out);
		write_backends(out, service);
		for (size_t j = 0; j < service->n_source_ranges; j++)
			fprintf(out, "%s %s", j ? "" : " from",
				prefix_format(&service->source_ranges[j], prefix));
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

static void run(const struct resolve_case *row, struct desired *ret_desired)
{
	struct lb_addr addresses[] = { world_addr("2001:db8::1"), world_addr("192.0.2.2"),
				       world_addr("192.0.2.1") };
	struct node_view node = { .name = "here",
				  .zone = row->zone,
				  .addresses = addresses,
				  .n_addresses = ARRAY_LEN(addresses) };
	struct config config = { .external_ips = row->external_ips };
	struct store *store = world_new(row->yaml);

	if (row->node_port_addresses)
		world_prefixes(&config.node_port_addresses, row->node_port_addresses);
	resolve(store, &config, &node, ret_desired);
	world_config_done(&config);
	store_free(store);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct resolve_case *row = &cases[i];
		struct desired desired;
		char *text;

		run(row, &desired);
		text = desired_text(&desired);
		if (strcmp(text, row->expected) != 0)
			fail_msg("%s:\n%sexpected:\n%s", row->name, text, row->expected);
		if (desired.n_warnings != (row->warning != NULL) ||
		    (row->warning && strcmp(desired.warnings[0], row->warning) != 0))
			fail_msg("%s: warns %s", row->name,
				 desired.n_warnings ? desired.warnings[0] : "of nothing");
		free(text);
		desired_done(&desired);
	}
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
	run(&row, &desired);
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
	static const char *const expected[] = { "10.1.0.2", "10.1.0.5", "10.1.0.9" };
	struct desired desired;

	(void)state;
	run(&row, &desired);
	assert_int_equal(desired.n_pods, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		char text[ADDR_TEXT];

		assert_string_equal(addr_format(&desired.pods[i], text), expected[i]);
	}
	desired_done(&desired);
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
	run(&row, &desired);
	backends = desired.services[0].backends;
	assert_int_equal(desired.services[0].n_backends, 4);
	assert_int_equal(backends[0].zone, 38434);
	assert_int_not_equal(backends[1].zone, backends[0].zone);
	assert_int_equal(backends[2].zone, backends[0].zone);
	assert_int_equal(backends[3].zone, 0);
	desired_done(&desired);
}

/* ------------------------------------------------------------------- speed -- */

#define MANY 10000

static struct object *made(json_t *json)
{
	struct object *object;
	struct err err = { "" };

	if (object_decode(json, "default", &object, NULL, &err))
		fail_msg("%s", err.text);
	json_decref(json);
	return object;
}

static struct object *many_service(unsigned int i)
{
	char name[16], ip[32];

	snprintf(name, sizeof(name), "s-%05u", i);
	snprintf(ip, sizeof(ip), "10.%u.%u.%u", 96 + i / 65536, i / 256 % 256, i % 256);
	return made(json_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:{s:s}, s:[{s:i}]}}", "apiVersion",
			      "v1", "kind", "Service", "metadata", "name", name, "spec",
			      "clusterIP", ip, "selector", "app", name, "ports", "port", 80));
}

static struct object *many_pod(unsigned int i)
{
	char name[24], app[16], ip[32];

	snprintf(app, sizeof(app), "s-%05u", i / 10);
	snprintf(name, sizeof(name), "%s-%u", app, i % 10);
	snprintf(ip, sizeof(ip), "10.%u.%u.%u", 1 + i / 65536, i / 256 % 256, i % 256);
	return made(json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:{s:[{s:s, s:s}]}, s:{s:s, s:s}}",
			      "apiVersion", "v1", "kind", "Pod", "metadata", "name", name, "labels",
			      "app", app, "spec", "containers", "name", "c", "image", "i", "status",
			      "podIP", ip, "phase", "Running"));
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* others use the machine too */
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void test_many(void **state)
{
	struct config config = { 0 };
	struct node_view node = { .name = "here" };
	struct store *store = store_new();
	struct object_list list = { 0 };
	struct desired desired;
	double start;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		vec_push(&list, many_service(i));
	for (unsigned int i = 0; i < MANY * 10; i++)
		vec_push(&list, many_pod(i));
	start = milliseconds();
	store_load(store, &list);
	print_message("loading 110,000 objects: %.0f ms\n", milliseconds() - start);
	resolve(store, &config, &node, &desired); /* the first time the heap is tidied up, too */
	desired_done(&desired);
	start = milliseconds();
	resolve(store, &config, &node, &desired);
	print_message("resolving 10,000 services of 10 pods: %.0f ms\n", milliseconds() - start);
	assert_int_equal(desired.n_services, MANY);
	for (size_t i = 0; i < desired.n_services; i++)
		assert_int_equal(desired.services[i].n_backends, 10);
	desired_done(&desired);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_names),
		cmocka_unit_test(test_pods),  cmocka_unit_test(test_zone_number),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
