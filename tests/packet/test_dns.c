/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to DNS as packets: what the programs answer is what the server answers, byte for byte,
 * and what they do not answer goes on to it untouched but for its way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include <libknot/libknot.h>
#include <stdio.h>
#include <string.h>

#include "tests/packet/rig.h"
#include "user/dns/answer.h"
#include "user/dns/table.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define SERVICES 2000
#define CLIENT_PORT 40000
#define SERVER_PORT 8080 /* of the rig's backends */
#define DOMAIN "cluster.local"

static struct {
	struct zone *zone;
	struct answerer *answerer;
	struct table_entries table;
	struct lb_dns_meta meta;
} world;

/* ---------------------------------------------------------------- the world -- */

static void services_write(FILE *out)
{
	for (int i = 0; i < SERVICES; i++)
		fprintf(out,
			"---\n{apiVersion: v1, kind: Service, metadata: {name: svc-%d, namespace: "
			"ns%d}, "
			"spec: {clusterIP: 10.%d.%d.%d, ports: [{name: http, port: 80}]}}\n",
			i, i % 20, 96 + i % 5, i / 200, i % 200);
	fputs("---\n{apiVersion: v1, kind: Service, metadata: {name: both}, spec: {clusterIP: "
	      "10.96.0.7, clusterIPs: [10.96.0.7, 'fd00:10:96::7'], ipFamilyPolicy: "
	      "RequireDualStack, ipFamilies: [IPv4, IPv6], ports: [{port: 80}]}}\n"
	      "---\n{apiVersion: v1, kind: Service, metadata: {name: alias}, spec: {type: "
	      "ExternalName, externalName: both.default.svc.cluster.local}}\n",
	      out);
}

/* Headless services of 1 to 9 endpoints: one more than the programs take. */
static void headless_write(FILE *out)
{
	for (int n = 1; n <= LB_DNS_A + 1; n++) {
		fprintf(out,
			"---\n{apiVersion: v1, kind: Service, metadata: {name: many-%d}, spec: "
			"{clusterIP: "
			"None, ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6], ports: "
			"[{port: 80}]}}\n",
			n);
		for (int v6 = 0; v6 < 2; v6++) {
			fprintf(out,
				"---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, "
				"metadata: "
				"{name: m-%d-%d, labels: {kubernetes.io/service-name: many-%d}}, "
				"addressType: IPv%d, ports: [{port: 80}], endpoints: [",
				n, v6, n, v6 ? 6 : 4);
			for (int i = 1; i <= n; i++)
				fprintf(out,
					v6 ? "%s{addresses: ['fd00:17::%d:%d']}"
					   : "%s{addresses: [172.17.%d.%d]}",
					i > 1 ? ", " : "", n, i);
			fputs("]}\n", out);
		}
	}
}

static struct store *store_make(void)
{
	struct object_list list = { 0 };
	struct store *store = store_new();
	struct err err = { "" };
	char *yaml = NULL;
	size_t size;
	FILE *out = open_memstream(&yaml, &size);

	services_write(out);
	headless_write(out);
	fclose(out);
	if (manifest_parse("test.yaml", yaml, size, "default", &list, &err))
		fail_msg("%s", err.text);
	store_load(store, &list);
	free(yaml);
	return store;
}

static void map_put(const char *map, const void *key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(rig_map_fd(map), key, value, BPF_ANY), 0);
}

static void meta_put(const struct lb_dns_meta *meta)
{
	const uint32_t zero = 0;

	map_put("lb_dns_meta", &zero, meta);
}

static int world_open(void **state)
{
	struct config config = { .dns = { .domain = (char *)DOMAIN } };
	struct store *store = store_make();

	(void)state;
	rig_open(1024, 100, false, true);
	world.zone = zone_new(store, &config, 20261129);
	world.answerer = answerer_new();
	table_make(world.zone, &world.table);
	world.meta = table_meta(world.zone, true);
	for (size_t i = 0; i < world.table.n; i++)
		map_put("lb_dns", &world.table.keys[i], &world.table.values[i]);
	store_free(store);
	return 0;
}

static int world_close(void **state)
{
	(void)state;
	table_done(&world.table);
	answerer_free(world.answerer);
	zone_free(world.zone);
	rig_close();
	return 0;
}

/* A DNS service whose server is the node. */
static void service_put(enum rig_mode mode, unsigned int flags)
{
	rig_reset(mode);
	for (int v4 = 0; v4 < 2; v4++) {
		rig_backend(1 + (unsigned int)v4, 1, H_CLUSTER_IP, v4, IPPROTO_UDP,
			    LB_BACKEND_LOCAL);
		rig_frontend(&(struct rig_frontend){ .host = H_CLUSTER_IP,
						     .port = LB_DNS_PORT,
						     .service = 1,
						     .flags = flags,
						     .first = 1 + (unsigned int)v4,
						     .n = 1,
						     .local = 1 },
			     v4, IPPROTO_UDP);
	}
	meta_put(&world.meta);
}

/* ----------------------------------------------------------------- questions -- */

struct message {
	uint8_t wire[300];
	size_t size;
};

static struct message question(const char *name, uint16_t type, uint16_t id, uint16_t edns,
			       bool dnssec)
{
	struct message query = { .size = 12 };
	uint8_t *end;

	knot_wire_set_id(query.wire, id);
	knot_wire_set_rd(query.wire);
	knot_wire_set_qdcount(query.wire, 1);
	if (!knot_dname_from_str(query.wire + 12, name, 256))
		fail_msg("%s is no name", name);
	end = query.wire + 12 + knot_dname_size(query.wire + 12);
	knot_wire_write_u16(end, type);
	knot_wire_write_u16(end + 2, KNOT_CLASS_IN);
	query.size = (size_t)(end + 4 - query.wire);
	if (edns) {
		uint8_t *opt = query.wire + query.size;

		memset(opt, 0, 11);
		opt[2] = KNOT_RRTYPE_OPT;
		knot_wire_write_u16(opt + 3, edns);
		opt[7] = dnssec ? 0x80 : 0;
		query.size += 11;
		knot_wire_set_arcount(query.wire, 1);
	}
	return query;
}

/* The datagram with a message in it; from pod A to the service, or back. */
static size_t datagram(const uint8_t *message, size_t size, bool reply, uint16_t dport, bool v4,
		       uint8_t *buffer)
{
	struct frame frame = { .smac = reply ? M_VETH_A : M_POD_A,
			       .dmac = reply ? M_POD_A : M_VETH_A,
			       .src = reply ? H_CLUSTER_IP : H_POD_A,
			       .dst = reply ? H_POD_A : H_CLUSTER_IP,
			       .sport = reply ? LB_DNS_PORT : CLIENT_PORT,
			       .dport = dport,
			       .proto = IPPROTO_UDP,
			       .payload = (uint8_t)size,
			       .made_here = reply };
	size_t length = frame_build(&frame, v4, buffer);

	memcpy(buffer + length - size, message, size);
	frame_checksum(buffer, v4);
	return length;
}

/* What the server says. */
static size_t server_answer(const struct message *query, uint8_t *wire)
{
	struct answer_view view = { .zone = world.zone, .forwards = true };
	struct answer answer = { .wire = wire };

	assert_int_equal(
		answer_make(world.answerer, &view, query->wire, query->size, true, &answer),
		ANSWER_SEND);
	return answer.size;
}

/* The programs answer, as the server would. */
static void check_answered(const char *what, const struct message *query, enum rig_hook hook,
			   bool v4)
{
	uint8_t frame[FRAME_MAX], want[FRAME_MAX], wire[ANSWER_UDP_MAX];
	size_t size = datagram(query->wire, query->size, false, LB_DNS_PORT, v4, frame), want_size;

	want_size = server_answer(query, wire);
	want_size = datagram(wire, want_size, true, CLIENT_PORT, v4, want);
	if (rig_run(hook, frame, &size) != DO_SEND)
		fail_msg("%s is not answered", what);
	if (!frame_equal(what, want, want_size, frame, size))
		fail_msg("%s", what);
}

/* The question goes on to the server: it is what it was. */
static void check_passed(const char *what, const struct message *query, enum rig_hook hook, bool v4)
{
	uint8_t frame[FRAME_MAX], want[FRAME_MAX];
	size_t size = datagram(query->wire, query->size, false, LB_DNS_PORT, v4, frame);
	size_t want_size = datagram(query->wire, query->size, false, SERVER_PORT, v4, want);

	if (rig_run(hook, frame, &size) != DO_PASS)
		fail_msg("%s does not pass", what);
	if (!frame_equal(what, want, want_size, frame, size))
		fail_msg("%s", what);
}

/* ---------------------------------------------------------------------- tests -- */

/* Every name of the zone that the programs have, each type, plain and with EDNS. */
static void test_all_names(void **state)
{
	size_t asked = 0;

	(void)state;
	service_put(RIG_XDP, LB_FRONTEND_DNS);
	for (size_t i = 0; i < world.table.n; i++) {
		const struct lb_dns *value = &world.table.values[i];
		bool user = value->flags & LB_DNS_USER;
		char name[NAME_TEXT];

		name_format(world.table.keys[i].name, name);
		/* Their SOA record is the server's. */
		if (strstr(name, "dns." DOMAIN))
			continue;
		for (int kind = 0; kind < 4 && !user; kind++) {
			if ((kind & 1 ? value->n_aaaa : value->n_a) == LB_DNS_MANY)
				continue;
			struct message query = question(
				name, kind & 1 ? KNOT_RRTYPE_AAAA : KNOT_RRTYPE_A,
				(uint16_t)(i * 7 + (size_t)kind), kind & 2 ? 1232 : 0, kind == 3);

			check_answered(name, &query, AT_POD_A, i & 1);
			asked++;
		}
	}
	assert_true(asked > 4 * 3 * SERVICES);
	assert_int_equal(rig_reason(LB_REASON_NAME), asked);
	assert_int_equal(rig_flows(true) + rig_flows(false), 0);
}

/* As many that do not exist, as the search path of a pod makes them. */
static void test_unknown_names(void **state)
{
	(void)state;
	service_put(RIG_XDP, LB_FRONTEND_DNS);
	for (int i = 0; i < SERVICES; i++) {
		cleanup_free char *name = xasprintf("svc-%d.ns%d.svc.%s.ns%d.svc.%s", i, i % 20,
						    DOMAIN, i % 7, DOMAIN);
		cleanup_free char *other = xasprintf("www.example-%d.com.%s", i, DOMAIN);
		struct message query = question(name, i & 1 ? KNOT_RRTYPE_AAAA : KNOT_RRTYPE_A,
						(uint16_t)i, i & 2 ? 4096 : 0, false);

		check_answered(name, &query, AT_POD_A, i & 4);
		query = question(other, KNOT_RRTYPE_A, (uint16_t)i, 0, false);
		check_answered(other, &query, AT_POD_A, i & 4);
	}
}

static const struct {
	const char *name, *asked;
	uint16_t type;
} shapes[] = {
	{ "unusual bytes", "a\\007\\200\\255@[.cluster.local", KNOT_RRTYPE_A },
	{ "15 labels", "1.2.3.4.5.6.7.8.9.10.11.12.13.cluster.local", KNOT_RRTYPE_A },
	{ "upper case", "SVC-1.Ns1.SVC.Cluster.LOCAL", KNOT_RRTYPE_A },
	{ "the domain", "cluster.local", KNOT_RRTYPE_A },
	{ "an empty non-terminal", "svc.cluster.local", KNOT_RRTYPE_AAAA },
	{ "a service port's name", "_http._tcp.svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A },
	{ "three endpoints", "many-3.default.svc.cluster.local", KNOT_RRTYPE_A },
	{ "eight endpoints", "many-8.default.svc.cluster.local", KNOT_RRTYPE_A },
	{ "four of IPv6", "many-4.default.svc.cluster.local", KNOT_RRTYPE_AAAA },
	{ "a name of 96 bytes",
	  "a123456789012345678901234567890123456789."
	  "b12345678912345678912345678912345678912.cluster.local",
	  KNOT_RRTYPE_A },
};

static void test_shapes(void **state)
{
	(void)state;
	for (enum rig_mode mode = RIG_XDP; mode <= RIG_TC; mode++) {
		service_put(mode, LB_FRONTEND_DNS);
		for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
			for (int kind = 0; kind < 8; kind++) {
				struct message query =
					question(shapes[i].asked, shapes[i].type, (uint16_t)kind,
						 kind & 2 ? 512 : 0, kind & 4);

				check_answered(shapes[i].name, &query, AT_POD_A, kind & 1);
				check_answered(shapes[i].name, &query, AT_NIC, kind & 1);
			}
		}
	}
}

static const struct {
	const char *name, *asked;
	uint16_t type, edns;
	size_t at; /* a byte that is changed; 0: none */
	uint8_t value;
	int more; /* bytes at the end */
} others[] = {
	{ "another type", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_SRV, 0, 0, 0, 0 },
	{ "an alias", "alias.default.svc.cluster.local", KNOT_RRTYPE_A, 0, 0, 0, 0 },
	{ "nine endpoints", "many-9.default.svc.cluster.local", KNOT_RRTYPE_A, 0, 0, 0, 0 },
	{ "five of IPv6", "many-5.default.svc.cluster.local", KNOT_RRTYPE_AAAA, 0, 0, 0, 0 },
	{ "another domain", "www.example.com", KNOT_RRTYPE_A, 0, 0, 0, 0 },
	{ "a domain that ends alike", "a.xcluster.local", KNOT_RRTYPE_A, 0, 0, 0, 0 },
	{ "the root", ".", KNOT_RRTYPE_A, 0, 0, 0, 0 },
	{ "backwards", "5.0.96.10.in-addr.arpa", KNOT_RRTYPE_A, 0, 0, 0, 0 },
	{ "unknown below dns", "a.dns.cluster.local", KNOT_RRTYPE_A, 0, 0, 0, 0 },
	{ "hostmaster", "hostmaster.cluster.local", KNOT_RRTYPE_A, 0, 0, 0, 0 },
	{ "a name of 97 bytes",
	  "a123456789012345678901234567890123456789."
	  "b123456789123456789123456789123456789123.cluster.local",
	  KNOT_RRTYPE_A, 0, 0, 0, 0 },
	{ "17 labels", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.cluster.local", KNOT_RRTYPE_A, 0, 0, 0,
	  0 },
	{ "the domain's bytes inside of a label", "a\\007cluster\\005local", KNOT_RRTYPE_A, 0, 0, 0,
	  0 },
	{ "an answer", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 2, 0x81, 0 },
	{ "another opcode", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 2, 0x11, 0 },
	{ "truncated", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 2, 0x03, 0 },
	{ "an rcode", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 3, 0x01, 0 },
	{ "no question", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 5, 0, 0 },
	{ "two questions", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 5, 2, 0 },
	{ "an answer's record", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 7, 1, 0 },
	{ "an authority's record", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 9, 1, 0 },
	{ "an OPT that is not there", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 11, 1, 0 },
	{ "two OPTs", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 1232, 11, 2, 0 },
	{ "class CHAOS", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 12 + 29 + 3, 3, 0 },
	{ "a compressed name", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 12, 0xc0, 0 },
	{ "a label that is too long", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 12, 63, 0 },
	{ "something behind", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 0, 0, 0, 1 },
	{ "something behind the OPT", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 512, 0, 0, 4 },
	{ "EDNS 1", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 512, 12 + 29 + 4 + 6, 1, 0 },
	{ "options", "svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 512, 12 + 29 + 4 + 10, 4, 4 },
};

static void test_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		for (int kind = 0; kind < 4; kind++) {
			struct message query =
				question(others[i].asked, others[i].type, 1, others[i].edns, false);

			/* Anew each time: a question that passed has a flow. */
			service_put(kind & 2 ? RIG_XDP : RIG_TC, LB_FRONTEND_DNS);
			if (others[i].at)
				query.wire[others[i].at] = others[i].value;
			query.size += (size_t)others[i].more;
			check_passed(others[i].name, &query, AT_POD_A, kind & 1);
			check_passed(others[i].name, &query, AT_NIC, kind & 1);
			assert_int_equal(rig_reason(LB_REASON_NAME), 0);
		}
	}
}

static void test_switched_off(void **state)
{
	struct message query = question("svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 1, 0, false);
	struct message unknown = question("x.ns1.svc.cluster.local", KNOT_RRTYPE_A, 1, 0, false);
	struct lb_dns_meta meta = world.meta;

	(void)state;
	service_put(RIG_XDP, 0);
	check_passed("a frontend without the flag", &query, AT_POD_A, true);
	service_put(RIG_XDP, LB_FRONTEND_DNS);
	meta.complete = 0;
	meta_put(&meta);
	check_answered("a name of an incomplete map", &query, AT_POD_A, true);
	check_passed("one that an incomplete map has not", &unknown, AT_POD_A, true);
	meta.domain_size = 0;
	meta_put(&meta);
	service_put(RIG_XDP, LB_FRONTEND_DNS);
	meta_put(&meta);
	check_passed("no domain", &query, AT_POD_A, false);
}

/* Who may have forged his address is answered by the server, which limits that. */
static void test_strangers(void **state)
{
	struct message query = question("svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 1, 0, false);
	struct frame frame = { .smac = M_CLIENT,
			       .dmac = M_NIC,
			       .src = H_CLIENT,
			       .dst = H_CLUSTER_IP,
			       .sport = CLIENT_PORT,
			       .dport = LB_DNS_PORT,
			       .proto = IPPROTO_UDP,
			       .payload = (uint8_t)query.size };

	(void)state;
	for (int v4 = 0; v4 < 2; v4++) {
		uint8_t buffer[FRAME_MAX];
		size_t size;

		service_put(RIG_XDP, LB_FRONTEND_DNS);
		size = frame_build(&frame, v4, buffer);
		memcpy(buffer + size - query.size, query.wire, query.size);
		frame_checksum(buffer, v4);
		(void)rig_run(AT_NIC, buffer, &size);
		assert_int_equal(rig_reason(LB_REASON_NAME), 0);
	}
}

/* A datagram without a checksum is answered with one that has none either. */
static void test_no_checksum(void **state)
{
	struct message query = question("svc-1.ns1.svc.cluster.local", KNOT_RRTYPE_A, 1, 0, false);

	(void)state;
	for (enum rig_hook hook = AT_NIC; hook <= AT_POD_A; hook++) {
		uint8_t frame[FRAME_MAX];
		size_t size = datagram(query.wire, query.size, false, LB_DNS_PORT, true, frame);

		if (hook != AT_NIC && hook != AT_POD_A)
			continue;
		service_put(RIG_XDP, LB_FRONTEND_DNS);
		memset(frame + 14 + 20 + 6, 0, 2);
		assert_int_equal(rig_run(hook, frame, &size), DO_SEND);
		assert_int_equal(frame[14 + 20 + 6] | frame[14 + 20 + 7], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_names),    cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_shapes),	     cmocka_unit_test(test_others),
		cmocka_unit_test(test_switched_off), cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_no_checksum),
	};

	return cmocka_run_group_tests(tests, world_open, world_close);
}
