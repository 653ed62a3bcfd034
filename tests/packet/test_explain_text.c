/* SPDX-License-Identifier: Apache-2.0 */
/* lbctl explain: how questions are read, and how answers are told, word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "user/cmd/explain.h"
#include "user/k8s/manifest.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

static const char objects[] =
	"{apiVersion: v1, kind: Service, metadata: {name: kubia}, spec: {type: LoadBalancer, "
	"clusterIP: 10.96.0.5, externalTrafficPolicy: Local, selector: {app: kubia}, "
	"loadBalancerSourceRanges: [203.0.113.0/28, 172.17.0.0/16, 192.0.2.0/24], "
	"ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]}, "
	"status: {loadBalancer: {ingress: [{ip: 198.51.100.1}]}}}\n"
	"---\n"
	"{apiVersion: v1, kind: Service, metadata: {name: empty}, spec: {clusterIP: 10.96.0.6, "
	"externalIPs: [198.18.0.1], ports: [{port: 53, protocol: UDP}]}}\n"
	"---\n"
	"{apiVersion: v1, kind: Service, metadata: {name: near}, spec: {clusterIP: 10.96.0.7, "
	"ports: [{port: 80}]}}\n"
	"---\n"
	"{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: near-1, labels: "
	"{kubernetes.io/service-name: near}}, addressType: IPv4, ports: [{port: 8080}], endpoints: "
	"[{addresses: [172.17.0.9], hints: {forZones: [{name: a}]}}, "
	"{addresses: [172.17.0.10], hints: {forZones: [{name: b}]}}]}\n"
	"---\n"
	"{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: kubia}}, spec: {nodeName: "
	"here, containers: [{name: c, image: i}]}, status: {phase: Running, podIP: 172.17.0.2}}\n"
	"---\n"
	"{apiVersion: v1, kind: Pod, metadata: {name: b, labels: {app: kubia}}, spec: {nodeName: "
	"there, containers: [{name: c, image: i}]}, status: {phase: Running, podIP: 172.17.1.2}}\n"
	"---\n"
	"{apiVersion: v1, kind: Pod, metadata: {name: c, labels: {app: kubia}}, spec: {nodeName: "
	"there, containers: [{name: c, image: i}]}, status: {phase: Running, podIP: 172.17.1.3, "
	"conditions: [{type: Ready, status: 'False'}]}}\n"
	"---\n"
	"{apiVersion: v1, kind: Pod, metadata: {name: d, deletionTimestamp: "
	"'2026-01-01T00:00:00Z', labels: {app: kubia}}, spec: {nodeName: there, containers: "
	"[{name: c, image: i}]}, status: {phase: Running, podIP: 172.17.1.4}}\n";

static struct {
	struct cli cli;
	struct store *store;
	struct explain *explain;
} node;

static int node_up(void **state)
{
	struct object_list list = { 0 };
	struct config *config = &node.cli.config;
	struct err err;

	(void)state;
	node.store = store_new();
	paths_init(&node.cli.paths, "/nowhere", NULL);
	if (config_load("/nowhere/config.yaml", false, config, &err) ||
	    manifest_parse("text", objects, strlen(objects), "default", &list, &err) ||
	    prefix_parse("172.17.0.0/16", vec_add(&config->pod_cidrs)) ||
	    addr_parse("192.0.2.1", vec_add(&config->node_addresses)))
		return -1;
	free(config->node_name);
	config->node_name = xstrdup("here");
	config->zone = xstrdup("a");
	config->external_ips = true;
	store_load(node.store, &list);
	if (explain_prepare(&node.cli, node.store, &node.explain, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return 0;
}

static int node_down(void **state)
{
	(void)state;
	explain_close(node.explain);
	store_free(node.store);
	config_done(&node.cli.config);
	paths_done(&node.cli.paths);
	return 0;
}

/* --------------------------------------------------------------- questions -- */

static const struct refusal {
	const char *name, *protocol, *to, *from, *error;
} refusals[] = {
	{ "no protocol", "icmp", "10.0.0.1:80", NULL, "\"icmp\" is no protocol: tcp, udp or sctp" },
	{ "no port", "tcp", "10.0.0.1", NULL, "\"10.0.0.1\" is no ADDRESS:PORT" },
	{ "no address", "tcp", "kubia:80", NULL, "\"kubia:80\" is no ADDRESS:PORT" },
	{ "IPv6 needs brackets", "tcp", "fd00::1:80x", NULL, "\"fd00::1:80x\" is no ADDRESS:PORT" },
	{ "no client", "udp", "10.0.0.1:53", "pod",
	  "--from: \"pod\" is no ADDRESS or ADDRESS:PORT" },
	{ "two families", "udp", "10.0.0.1:53", "fd00::1",
	  "--from: fd00::1 is not of the family of 10.0.0.1:53" },
};

static void test_refused_questions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct refusal *row = &refusals[i];
		struct explain_question question;
		struct err err = { "" };

		print_message("%s\n", row->name);
		assert_int_not_equal(explain_parse(node.explain, row->protocol, row->to, row->from,
						   &question, &err),
				     0);
		assert_string_equal(err.text, row->error);
	}
}

static const struct origin_row {
	const char *from, *to;
	enum explain_origin origin;
	const char *source; /* what is taken for the client */
} origins[] = {
	{ NULL, "10.96.0.5:80", EXPLAIN_NODE, "192.0.2.1:49152" },
	{ NULL, "127.0.0.1:30080", EXPLAIN_NODE, "127.0.0.1:49152" },
	{ NULL, "[fd00::5]:80", EXPLAIN_NODE, "[::]:49152" }, /* has no IPv6 address */
	{ "192.0.2.1", "10.96.0.5:80", EXPLAIN_NODE, "192.0.2.1:49152" },
	{ "127.0.0.1:7", "127.0.0.1:30080", EXPLAIN_NODE, "127.0.0.1:7" },
	{ "172.17.3.4", "10.96.0.5:80", EXPLAIN_POD, "172.17.3.4:49152" },
	{ "172.18.3.4:4000", "10.96.0.5:80", EXPLAIN_OUTSIDE, "172.18.3.4:4000" },
	{ "fd00::9", "[fd00::5]:80", EXPLAIN_OUTSIDE, "[fd00::9]:49152" },
	{ "[fd00::9]:5", "[fd00::5]:80", EXPLAIN_OUTSIDE, "[fd00::9]:5" },
};

static void test_origins(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		const struct origin_row *row = &origins[i];
		struct explain_question question;
		char text[ADDR_PORT_TEXT];
		struct err err = { "" };

		if (explain_parse(node.explain, "TCP", row->to, row->from, &question, &err))
			fail_msg("%s", err.text);
		assert_int_equal(question.origin, row->origin);
		assert_string_equal(addr_port_format(&question.from, question.from_port, text),
				    row->source);
	}
}

/* ----------------------------------------------------------------- stories -- */

#define UNATTACHED "           nothing is attached: this is what the objects would give\n"

static const struct story_row {
	const char *name, *protocol, *to, *from;
	const char *story; /* without lines that depend on hashes */
} stories[] = {
	{ "outside, policy Local", "tcp", "198.51.100.1:80", "203.0.113.9:4000",
	  "TCP from 203.0.113.9:4000 (a client outside) to 198.51.100.1:80\n"
	  "asked:     XDP\n" UNATTACHED
	  "frontend:  load-balancer address of service default/kubia, port 80 (http)\n"
	  "ranges:    loadBalancerSourceRanges let this client in\n"
	  "policy:    externalTrafficPolicy Local: endpoints of this node alone\n"
	  "backends:  1 may be given\n"
	  "  * 172.17.0.2:8080  on this node\n"
	  "  - 172.17.1.2:8080  not on this node\n"
	  "  - 172.17.1.3:8080  not ready\n"
	  "  - 172.17.1.4:8080  terminating, and others are ready\n"
	  "choice:    slot 0 of the 1 of its Maglev table\n"
	  "rewrite:   destination to 172.17.0.2:8080\n"
	  "           the client's address is kept\n"
	  "leaves:    the way that this node routes 172.17.0.2\n"
	  "verdict:   forward: sent on to a backend or a client\n" },
	{ "outside the ranges", "tcp", "198.51.100.1:80", "203.0.113.99",
	  "TCP from 203.0.113.99:49152 (a client outside) to 198.51.100.1:80\n"
	  "asked:     XDP\n" UNATTACHED
	  "frontend:  load-balancer address of service default/kubia, port 80 (http)\n"
	  "ranges:    loadBalancerSourceRanges do not let this client in\n"
	  "verdict:   drop: the client is outside loadBalancerSourceRanges\n"
	  "hint:      add the client's network to spec.loadBalancerSourceRanges\n" },
	{ "hints", "tcp", "10.96.0.7:80", "172.17.0.5:4000",
	  "TCP from 172.17.0.5:4000 (a pod) to 10.96.0.7:80\n"
	  "asked:     TC ingress\n" UNATTACHED
	  "frontend:  cluster IP of service default/near, port 80\n"
	  "policy:    internalTrafficPolicy Cluster: all endpoints\n"
	  "backends:  1 may be given\n"
	  "  * 172.17.0.9:8080  on another node\n"
	  "  - 172.17.0.10:8080  hinted for another zone\n"
	  "choice:    slot 0 of the 1 of its Maglev table\n"
	  "rewrite:   destination to 172.17.0.9:8080\n"
	  "           the client's address is kept\n"
	  "leaves:    the way that this node routes 172.17.0.9\n"
	  "verdict:   forward: sent on to a backend or a client\n" },
	{ "a pod that is given itself", "tcp", "10.96.0.7:80", "172.17.0.9:4000",
	  "TCP from 172.17.0.9:4000 (a pod) to 10.96.0.7:80\n"
	  "asked:     TC ingress\n" UNATTACHED
	  "frontend:  cluster IP of service default/near, port 80\n"
	  "policy:    internalTrafficPolicy Cluster: all endpoints\n"
	  "backends:  1 may be given\n"
	  "  * 172.17.0.9:8080  on another node, masqueraded\n"
	  "  - 172.17.0.10:8080  hinted for another zone\n"
	  "choice:    slot 0 of the 1 of its Maglev table\n"
	  "rewrite:   destination to 172.17.0.9:8080\n"
	  "           source to 192.0.2.1:PORT, since the client is given itself\n"
	  "leaves:    the way that this node routes 172.17.0.9\n"
	  "verdict:   forward: sent on to a backend or a client\n" },
	{ "no endpoint", "udp", "198.18.0.1:53", "203.0.113.9",
	  "UDP from 203.0.113.9:49152 (a client outside) to 198.18.0.1:53\n"
	  "asked:     XDP\n" UNATTACHED "frontend:  external IP of service default/empty, port 53\n"
	  "policy:    externalTrafficPolicy Cluster: all endpoints\n"
	  "backends:  0 may be given\n"
	  "verdict:   reject: the service has no usable endpoint\n"
	  "hint:      lbctl describe svc: does the selector match a ready pod?\n" },
	{ "nobody's address", "tcp", "10.96.0.99:80", NULL,
	  "TCP from 192.0.2.1:49152 (a process of this node) to 10.96.0.99:80\n"
	  "asked:     the socket hooks' choice\n" UNATTACHED
	  "frontend:  none has this address, port and protocol\n"
	  "verdict:   pass: no frontend and no flow for it\n" },
	{ "the node", "tcp", "10.96.0.7:80", NULL,
	  "TCP from 192.0.2.1:49152 (a process of this node) to 10.96.0.7:80\n"
	  "asked:     the socket hooks' choice\n" UNATTACHED
	  "frontend:  cluster IP of service default/near, port 80\n"
	  "policy:    internalTrafficPolicy Cluster: all endpoints\n"
	  "backends:  1 may be given\n"
	  "  * 172.17.0.9:8080  on another node, masqueraded\n"
	  "  - 172.17.0.10:8080  hinted for another zone\n"
	  "choice:    slot 0 of the 1 of its Maglev table; at a connect it is drawn by lot\n"
	  "rewrite:   destination to 172.17.0.9:8080, when the socket connects\n"
	  "           source: an address of this node, since the client is outside podCIDRs\n"
	  "leaves:    the way that this node routes 172.17.0.9\n"
	  "verdict:   forward: sent on to a backend or a client\n" },
};

/* The port of a masqueraded flow depends on a hash. */
static void hide_port(char *story)
{
	char *at = strstr(story, "source to 192.0.2.1:"), *end;

	if (!at)
		return;
	at += strlen("source to 192.0.2.1:");
	end = at + strspn(at, "0123456789");
	memmove(at + strlen("PORT"), end, strlen(end) + 1);
	memcpy(at, "PORT", strlen("PORT"));
}

static void ask(const char *protocol, const char *to, const char *from,
		struct explain_question *question, struct explain_answer *answer)
{
	struct err err = { "" };

	if (explain_parse(node.explain, protocol, to, from, question, &err) ||
	    explain_ask(node.explain, question, answer, &err))
		fail_msg("%s", err.text);
}

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
		const struct story_row *row = &stories[i];
		struct explain_question question;
		struct explain_answer answer;
		char text[4096] = "";
		FILE *out = fmemopen(text, sizeof(text) - 1, "w");

		print_message("%s\n", row->name);
		ask(row->protocol, row->to, row->from, &question, &answer);
		explain_story(out, node.explain, &question, &answer, node.store);
		fclose(out);
		hide_port(text);
		assert_string_equal(text, row->story);
		explain_answer_done(&answer);
	}
}

static const struct json_row {
	const char *to, *from, *json;
} jsons[] = {
	{ "198.51.100.1:80", "203.0.113.9",
	  "{\"backend\":\"172.17.0.2:8080\",\"candidates\":[{\"address\":\"172.17.0.2:8080\","
	  "\"local\":true,\"masquerade\":false}],\"hook\":\"xdp\",\"masquerade\":false,"
	  "\"port\":80,\"reason\":\"forwarded\",\"service\":\"default/kubia\","
	  "\"verdict\":\"forward\"}" },
	{ "192.0.2.1:22", "203.0.113.9",
	  "{\"backend\":null,\"candidates\":[],\"hook\":\"xdp\",\"masquerade\":false,\"port\":null,"
	  "\"reason\":\"not_ours\",\"service\":null,\"verdict\":\"pass\"}" },
	{ "198.51.100.1:80", "203.0.113.99",
	  "{\"backend\":null,\"candidates\":[],\"hook\":\"xdp\",\"masquerade\":false,\"port\":80,"
	  "\"reason\":\"source_range\",\"service\":\"default/kubia\",\"verdict\":\"drop\"}" },
};

static void test_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jsons); i++) {
		struct explain_question question;
		struct explain_answer answer;
		cleanup_json json_t *json = NULL;
		cleanup_free char *text = NULL;

		ask("tcp", jsons[i].to, jsons[i].from, &question, &answer);
		json = explain_json(&answer);
		text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(text, jsons[i].json);
		explain_answer_done(&answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_questions),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, node_up, node_down);
}
