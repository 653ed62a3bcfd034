/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster with one of everything that has a name, and queries to it as text:
 *
 *	"kubia.default.svc~", "A"  →  "NOERROR aa: A 10.96.0.5"
 *
 * ~ stands for .cluster.local. — the answer has its rcode and flags, then the records of the
 * answer, "/" those of the authority, "+" the additional ones. Owners that are the question's name
 * are left out, and times to live of 5.
 */
#ifndef TESTS_UNIT_DNS_DNS_WORLD_H
#define TESTS_UNIT_DNS_DNS_WORLD_H

#include "tests/unit/model/world.h"

#include <ctype.h>
#include <libknot/libknot.h>

#include "user/dns/answer.h"

#define SERIAL 1234
#define DOMAIN ".cluster.local."

#define SVC_IN(ns, name, spec)                                                           \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: " name ", namespace: " ns \
	"}, spec: {" spec "}}\n"
#define SVC(name, spec) SVC_IN("default", name, spec)
#define POD(name, app, more, ip, status)                                                 \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name ", labels: {app: " app \
	"}}, spec: {" more "containers: [{name: c, image: i, ports: [{name: web, "       \
	"containerPort: 8080}]}]}, status: {" ip ", phase: Running" status "}}\n"
#define NOT_READY ", conditions: [{type: Ready, status: 'False'}]"

#define DNS_WORLD                                                                                 \
	SVC("kubia", "clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{name: http, "        \
		     "port: 80, targetPort: web}, {name: dns-u, port: 53, protocol: UDP}]")       \
	SVC("plain", "clusterIP: 10.96.0.6, ports: [{port: 80}]")                                 \
	SVC("both", "clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7, 'fd00:10:96::7'], "            \
		    "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6], "                \
		    "ports: [{name: http, port: 80}]")                                            \
	SVC("six", "clusterIP: 'fd00:10:96::6', ipFamilies: [IPv6], "                             \
		   "ports: [{name: http, port: 80}]")                                             \
	SVC("headless", "clusterIP: None, selector: {app: kubia}, ports: [{name: http, "          \
			"port: 80, targetPort: web}, {name: s, port: 7, protocol: SCTP}]")        \
	SVC("portless", "clusterIP: None, selector: {app: kubia}")                                \
	SVC("eager", "clusterIP: None, publishNotReadyAddresses: true, "                          \
		     "selector: {app: kubia}, ports: [{name: http, port: 80}]")                   \
	SVC("empty", "clusterIP: None, selector: {app: nobody}, ports: [{name: http, port: 80}]") \
	SVC("stateful", "clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}]") \
	SVC("dual", "clusterIP: None, ipFamilyPolicy: RequireDualStack, "                         \
		    "ipFamilies: [IPv4, IPv6], selector: {app: db}, ports: [{port: 1}]")          \
	SVC("written", "clusterIP: None, ports: [{name: http, port: 80}]")                        \
	SVC("listed", "clusterIP: None, ports: [{name: http, port: 80}]")                         \
	SVC("alias", "type: ExternalName, externalName: www.example.com")                         \
	SVC("inner", "type: ExternalName, externalName: kubia.default.svc.cluster.local.")        \
	SVC("twice", "type: ExternalName, externalName: inner.default.svc.cluster.local")         \
	SVC("dangling", "type: ExternalName, externalName: no.default.svc.cluster.local")         \
	SVC("loop", "type: ExternalName, externalName: loop.default.svc.cluster.local")           \
	SVC("numeric", "type: ExternalName, externalName: 1.2.3.4")                               \
	SVC_IN("shop", "kubia", "clusterIP: 10.96.1.5, ports: [{name: http, port: 8080}]")        \
	"---\n{apiVersion: v1, kind: Namespace, metadata: {name: quiet}}\n" POD(                  \
		"kubia-1", "kubia", "", "podIP: 172.17.0.7",                                      \
		"") POD("kubia-2", "kubia", "", "podIP: 172.17.0.8",                              \
			"") POD("kubia-3", "kubia", "", "podIP: 172.17.0.9", NOT_READY)           \
		POD("db-0", "db", "hostname: db-0, subdomain: stateful, ",                        \
		    "podIP: 172.17.0.20, podIPs: [{ip: 172.17.0.20}, {ip: 'fd00:17::'}]", "")     \
			POD("db-1", "db", "hostname: db-1, subdomain: stateful, ",                \
			    "podIP: 172.17.0.21, podIPs: [{ip: 172.17.0.21}, {ip: "               \
			    "'fd00:17::21'}]",                                                    \
			    "") "---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, "    \
				"metadata: {name: w1, "                                           \
				"labels: {kubernetes.io/service-name: written}}, addressType: "   \
				"IPv4, ports: [{name: "                                           \
				"http, port: 8001}], endpoints: [{addresses: [11.11.11.11], "     \
				"hostname: node-a}, "                                             \
				"{addresses: [22.22.22.22]}, {addresses: [33.33.33.33], "         \
				"conditions: {ready: false}}]}\n"                                 \
				"---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, "    \
				"metadata: {name: w2, "                                           \
				"labels: {kubernetes.io/service-name: written}}, addressType: "   \
				"IPv4, ports: [{name: "                                           \
				"http, port: 8001}], endpoints: [{addresses: [22.22.22.22]}]}\n"  \
				"---\n{apiVersion: v1, kind: Endpoints, metadata: {name: "        \
				"listed}, subsets: "                                              \
				"[{addresses: [{ip: 11.11.11.11}], notReadyAddresses: [{ip: "     \
				"44.44.44.44}], ports: "                                          \
				"[{name: http, port: 8002}]}]}\n"

/* The zone of manifests, in a cluster.local with the usual networks. */
static inline struct zone *dns_zone(const char *yaml)
{
	struct config config = { .dns = { .domain = (char *)"cluster.local" } };
	struct store *store = world_new(yaml);
	struct zone *zone;

	world_prefixes(&config.service_cidrs, "10.96.0.0/12 fd00:10:96::/112");
	world_prefixes(&config.pod_cidrs, "172.17.0.0/16 fd00:17::/32");
	vec_push(&config.dns.addresses, world_addr("10.96.0.10"));
	vec_push(&config.dns.addresses, world_addr("fd00:10:96::a"));
	zone = zone_new(store, &config, SERIAL);
	vec_free(&config.service_cidrs);
	vec_free(&config.pod_cidrs);
	vec_free(&config.dns.addresses);
	store_free(store);
	return zone;
}

/* ------------------------------------------------------------------ queries -- */

struct dns_query {
	uint8_t wire[ANSWER_UDP_MAX];
	size_t size;
};

/* "name~" with the domain written out. */
static inline const char *dns_expand(const char *name, char *text)
{
	size_t length = strlen(name);

	if (length && name[length - 1] == '~')
		sprintf(text, "%.*s%s", (int)length - 1, name, *name == '~' ? DOMAIN + 1 : DOMAIN);
	else
		strcpy(text, name);
	return text;
}

/* edns: the size in its OPT record, 0: it has none. */
static inline struct dns_query dns_query(const char *name, uint16_t type, uint16_t id,
					 uint16_t edns)
{
	struct dns_query query = { .size = 12 };
	uint8_t *end;
	char text[512];

	knot_wire_set_id(query.wire, id);
	knot_wire_set_rd(query.wire);
	knot_wire_set_qdcount(query.wire, 1);
	if (!knot_dname_from_str(query.wire + 12, dns_expand(name, text), 256))
		fail_msg("%s is no name", name);
	end = query.wire + 12 + knot_dname_size(query.wire + 12);
	knot_wire_write_u16(end, type);
	knot_wire_write_u16(end + 2, KNOT_CLASS_IN);
	query.size = (size_t)(end + 4 - query.wire);
	if (edns) {
		static const uint8_t opt[11] = { 0, 0, KNOT_RRTYPE_OPT };

		memcpy(query.wire + query.size, opt, sizeof(opt));
		knot_wire_write_u16(query.wire + query.size + 3, edns);
		query.size += sizeof(opt);
		knot_wire_set_arcount(query.wire, 1);
	}
	return query;
}

/* ------------------------------------------------------------------ answers -- */

static inline void dns_write_name(FILE *out, const uint8_t *wire)
{
	char text[NAME_TEXT];
	size_t length;

	name_format(wire, text);
	length = strlen(text);
	if (length >= sizeof(DOMAIN) - 1 &&
	    !strcasecmp(text + length - (sizeof(DOMAIN) - 1), DOMAIN))
		strcpy(text + length - (sizeof(DOMAIN) - 1), "~");
	else if (!strcasecmp(text, DOMAIN + 1))
		strcpy(text, "~");
	fputs(text, out);
}

static inline void dns_write_data(FILE *out, const knot_rrset_t *rr)
{
	const uint8_t *data = rr->rrs.rdata->data;
	char text[INET6_ADDRSTRLEN];

	switch (rr->type) {
	case KNOT_RRTYPE_A:
		fputs(inet_ntop(AF_INET, data, text, sizeof(text)), out);
		break;
	case KNOT_RRTYPE_AAAA:
		fputs(inet_ntop(AF_INET6, data, text, sizeof(text)), out);
		break;
	case KNOT_RRTYPE_SRV:
		fprintf(out, "%u %u %u ", knot_wire_read_u16(data), knot_wire_read_u16(data + 2),
			knot_wire_read_u16(data + 4));
		dns_write_name(out, data + 6);
		break;
	case KNOT_RRTYPE_TXT:
		fprintf(out, "\"%.*s\"", data[0], (const char *)data + 1);
		break;
	case KNOT_RRTYPE_SOA:
		dns_write_name(out, data);
		fputc(' ', out);
		data += name_size(data);
		dns_write_name(out, data);
		data += name_size(data);
		for (size_t i = 0; i < 5; i++)
			fprintf(out, " %u", knot_wire_read_u32(data + 4 * i));
		break;
	default:
		dns_write_name(out, data);
	}
}

static inline void dns_write_section(FILE *out, const knot_pkt_t *reply, knot_section_t id,
				     const char *mark)
{
	const knot_pktsection_t *section = knot_pkt_section(reply, id);

	for (uint16_t i = 0; i < section->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, i);
		char type[16];

		if (rr->type == KNOT_RRTYPE_OPT)
			continue;
		fprintf(out, "%s ", mark);
		if (!knot_dname_is_case_equal(rr->owner, knot_pkt_qname(reply)) &&
		    !(rr->type == KNOT_RRTYPE_SOA && id == KNOT_AUTHORITY)) {
			dns_write_name(out, rr->owner);
			fputc(' ', out);
		}
		if (rr->ttl != ZONE_TTL)
			fprintf(out, "%u ", rr->ttl);
		knot_rrtype_to_string(rr->type, type, sizeof(type));
		fprintf(out, "%s ", type);
		/* Short: it is the same everywhere, and one row has it in full. */
		if (rr->type == KNOT_RRTYPE_SOA && id == KNOT_AUTHORITY)
			dns_write_name(out, rr->owner);
		else
			dns_write_data(out, rr);
		mark = ",";
	}
}

/* The answer as text; to be freed. */
static inline char *dns_text(const uint8_t *wire, size_t size)
{
	static const char *const rcodes[] = { "NOERROR",  "FORMERR", "SERVFAIL",
					      "NXDOMAIN", "NOTIMP",  "REFUSED" };
	cleanup_free uint8_t *copy = xmalloc(size);
	char *text = NULL;
	size_t text_size;
	FILE *out = open_memstream(&text, &text_size);
	knot_pkt_t *reply;

	memcpy(copy, wire, size);
	reply = knot_pkt_new(copy, (uint16_t)size, NULL);
	if (knot_pkt_parse(reply, 0) != KNOT_EOK)
		fail_msg("the answer cannot be parsed");
	if (knot_pkt_ext_rcode(reply) < ARRAY_LEN(rcodes))
		fputs(rcodes[knot_pkt_ext_rcode(reply)], out);
	else
		fprintf(out, "rcode %u", knot_pkt_ext_rcode(reply));
	fputs(knot_wire_get_aa(wire) ? " aa" : "", out);
	fputs(knot_wire_get_tc(wire) ? " tc" : "", out);
	fputs(knot_wire_get_ra(wire) ? " ra" : "", out);
	fputs(knot_pkt_has_edns(reply) ? " edns" : "", out);
	dns_write_section(out, reply, KNOT_ANSWER, ":");
	dns_write_section(out, reply, KNOT_AUTHORITY, " /");
	dns_write_section(out, reply, KNOT_ADDITIONAL, " +");
	fclose(out);
	knot_pkt_free(reply);
	return text;
}

/* ------------------------------------------------------------------ checking -- */

static inline uint16_t dns_type(const char *text)
{
	uint16_t type;

	if (knot_rrtype_from_string(text, &type))
		fail_msg("%s is no type", text);
	return type;
}

/* The answer as text; the kinds without one as words. */
static inline char *dns_ask(const struct zone *zone, bool forwards, const struct dns_query *query,
			    bool udp)
{
	static uint8_t wire[ANSWER_TCP_MAX];
	struct answerer *answerer = answerer_new();
	struct name domain;
	struct answer_view view = { .zone = zone, .domain = &domain, .forwards = forwards };
	struct answer answer = { .wire = wire };
	enum answer_kind kind;
	char name[NAME_TEXT];

	assert_int_equal(name_parse("cluster.local", &domain), 0);
	kind = answer_make(answerer, &view, query->wire, query->size, udp, &answer);
	answerer_free(answerer);
	if (kind == ANSWER_NONE)
		return xstrdup("nothing");
	if (kind == ANSWER_FORWARD)
		return xasprintf("forward %s", name_format(answer.name.wire, name));
	assert_int_equal(knot_wire_get_id(wire), knot_wire_get_id(query->wire));
	/* The question comes back as it was asked, letter by letter. */
	if (knot_wire_get_qdcount(wire))
		assert_memory_equal(wire + 12, query->wire + 12,
				    knot_dname_size(query->wire + 12) + 4);
	return dns_text(wire, answer.size);
}

/* Tells a wrong answer, and counts it: one run shows all of them. */
static inline size_t dns_differs(const char *name, char *text, const char *expected)
{
	bool wrong = strcmp(text, expected) != 0;

	if (wrong)
		print_error("%s:\n%s\nexpected:\n%s\n", name, text, expected);
	free(text);
	return wrong;
}

#endif
