/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, EDNS, sizes and the order of records, and what is asked upstream. */
#include "tests/unit/dns/dns_world.h"

#define SOA_DATA "ns.dns~ hostmaster~ 1234 7200 1800 86400 5"

/* ---------------------------------------------------------------- the envelope -- */

/* One byte of a query changed, or its length. */
static const struct envelope_row {
	const char *name;
	size_t at;
	uint8_t value;
	int cut; /* bytes off the end, or onto it when negative */
	const char *expected;
} envelopes[] = {
	{ "as it is", 0, 0, 0, "NOERROR aa: A 10.96.0.5" },
	{ "an answer", 2, 0x81, 0, "nothing" },
	{ "opcode IQUERY", 2, 0x09, 0, "NOTIMP" },
	{ "opcode STATUS", 2, 0x11, 0, "NOTIMP" },
	{ "opcode NOTIFY", 2, 0x21, 0, "NOTIMP" },
	{ "opcode UPDATE", 2, 0x29, 0, "NOTIMP" },
	{ "no recursion wanted", 2, 0x00, 0, "NOERROR aa: A 10.96.0.5" },
	{ "AA and TC in a query", 2, 0x07, 0, "NOERROR aa: A 10.96.0.5" },
	{ "all flags of the second byte", 3, 0xff, 0, "NOERROR aa: A 10.96.0.5" },
	{ "no question", 5, 0, 0, "FORMERR" },
	{ "two questions", 5, 2, 0, "FORMERR" },
	{ "256 questions", 4, 1, 0, "FORMERR" },
	{ "an answer that is not there", 7, 1, 0, "FORMERR" },
	{ "an authority that is not there", 9, 1, 0, "FORMERR" },
	{ "an OPT that is not there", 11, 1, 0, "FORMERR" },
	{ "something behind the question", 0, 0, -1, "FORMERR" },
	{ "half a type", 0, 0, 1, "FORMERR" },
	{ "no type", 0, 0, 4, "FORMERR" },
	{ "half a name", 0, 0, 20, "FORMERR" },
	{ "the header alone", 0, 0, 37, "FORMERR" },
	{ "half a header", 0, 0, 38, "nothing" },
	{ "one byte", 0, 0, 48, "nothing" },
	{ "a compression pointer to itself", 12, 0xc0, 0, "FORMERR" },
	{ "a label longer than the packet", 12, 63, 0, "FORMERR" },
	{ "a label of a reserved kind", 12, 0x45, 0, "FORMERR" },
	{ "class CHAOS", 48, 3, 0, "REFUSED" },
	{ "class ANY", 48, 255, 0, "REFUSED" },
	{ "class NONE", 48, 254, 0, "REFUSED" },
	{ "class 0", 48, 0, 0, "REFUSED" },
	{ "type 0", 46, 0, 0, "NOERROR aa / SOA ~" },
	{ "type OPT", 46, 41, 0, "REFUSED" },
	{ "type TKEY", 46, 249, 0, "REFUSED" },
	{ "type TSIG", 46, 250, 0, "REFUSED" },
	{ "type MAILB", 46, 253, 0, "REFUSED" },
};

static void test_envelope(void **state)
{
	struct zone *zone = dns_zone(DNS_WORLD);
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(envelopes); i++) {
		const struct envelope_row *row = &envelopes[i];
		struct dns_query query = dns_query("kubia.default.svc~", KNOT_RRTYPE_A, 0, 0);

		assert_int_equal(query.size, 49);
		if (row->at)
			query.wire[row->at] = row->value;
		query.size -= (size_t)row->cut;
		wrong += dns_differs(row->name, dns_ask(zone, false, &query, true), row->expected);
	}
	zone_free(zone);
	assert_int_equal(wrong, 0);
}

static const struct edns_row {
	const char *name;
	size_t at; /* in the OPT record */
	uint8_t value;
	const char *expected;
} edns_rows[] = {
	{ "version 0", 5, 0, "NOERROR aa edns: A 10.96.0.5" },
	{ "version 1", 6, 1, "rcode 16 edns" },
	{ "version 255", 6, 255, "rcode 16 edns" },
	{ "DNSSEC wanted", 7, 0x80, "NOERROR aa edns: A 10.96.0.5" },
	{ "unknown flags", 8, 0xff, "NOERROR aa edns: A 10.96.0.5" },
	{ "no root name", 0, 1, "FORMERR" },
	{ "options that are not there", 10, 1, "FORMERR" },
	{ "size 0 is 512", 3, 0, "NOERROR aa edns: A 10.96.0.5" },
};

static void test_edns(void **state)
{
	struct zone *zone = dns_zone(DNS_WORLD);
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edns_rows); i++) {
		const struct edns_row *row = &edns_rows[i];
		struct dns_query query = dns_query("kubia.default.svc~", KNOT_RRTYPE_A, 0, 512);

		query.wire[49 + row->at] = row->value;
		wrong += dns_differs(row->name, dns_ask(zone, false, &query, true), row->expected);
	}
	zone_free(zone);
	assert_int_equal(wrong, 0);
}

/* -------------------------------------------------------------------- size, order -- */

#define MANY 60

/* A headless Service of 60 endpoints: 16 bytes each in an answer. */
static struct zone *zone_of_many(void)
{
	char *yaml = NULL;
	size_t size;
	FILE *out = open_memstream(&yaml, &size);
	struct zone *zone;

	fputs(SVC("many",
		  "clusterIP: None, ports: [{name: http, port: 80}]") "---\n{apiVersion: "
								      "discovery.k8s.io/v1, kind: "
								      "EndpointSlice, metadata: "
								      "{name: "
								      "m, labels: "
								      "{kubernetes.io/"
								      "service-name: many}}, "
								      "addressType: IPv4, ports: "
								      "[{name: http, port: 80}], "
								      "endpoints: [",
	      out);
	for (int i = 0; i < MANY; i++)
		fprintf(out, "%s{addresses: [172.17.1.%d]}", i ? ", " : "", i + 1);
	fputs("]}\n", out);
	fclose(out);
	zone = dns_zone(yaml);
	free(yaml);
	return zone;
}

static size_t addresses_of(const char *text)
{
	size_t n = 0;

	while ((text = strstr(text, " A "))) {
		text++;
		n++;
	}
	return n;
}

static const struct {
	uint16_t edns;
	bool udp;
	size_t addresses;
	const char *start;
} sizes[] = {
	{ 0, true, 0, "NOERROR aa tc" },
	{ 512, true, 0, "NOERROR aa tc edns" },
	{ 800, true, 0, "NOERROR aa tc edns" },
	{ 1018, true, 0, "NOERROR aa tc edns" },
	{ 1019, true, MANY, "NOERROR aa edns: A 172.17.1.1," },
	{ 1232, true, MANY, "NOERROR aa edns: A 172.17.1.1," },
	{ 65535, true, MANY, "NOERROR aa edns: A 172.17.1.1," },
	{ 0, false, MANY, "NOERROR aa: A 172.17.1.1," },
};

static void test_truncation(void **state)
{
	struct zone *zone = zone_of_many();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct dns_query query =
			dns_query("many.default.svc~", KNOT_RRTYPE_A, 0, sizes[i].edns);
		char *text = dns_ask(zone, false, &query, sizes[i].udp);

		if (addresses_of(text) != sizes[i].addresses ||
		    strncmp(text, sizes[i].start, strlen(sizes[i].start)) != 0)
			fail_msg("%u: %s", sizes[i].edns, text);
		free(text);
	}
	zone_free(zone);
}

/* Who takes the first address only gets another one each time. */
static void test_rotation(void **state)
{
	struct zone *zone = dns_zone(DNS_WORLD);
	static const char *const expected[] = {
		"NOERROR aa: A 172.17.0.7, A 172.17.0.8, A 172.17.0.9",
		"NOERROR aa: A 172.17.0.8, A 172.17.0.9, A 172.17.0.7",
		"NOERROR aa: A 172.17.0.9, A 172.17.0.7, A 172.17.0.8",
	};

	(void)state;
	for (uint16_t id = 0; id < 9; id++) {
		struct dns_query query = dns_query("eager.default.svc~", KNOT_RRTYPE_A, id, 0);

		assert_int_equal(dns_differs("rotation", dns_ask(zone, false, &query, true),
					     expected[id % 3]),
				 0);
	}
	zone_free(zone);
}

/* ---------------------------------------------------------------------- upstream -- */

static const struct {
	const char *name, *type, *unsynced, *forwarding;
} upstream_rows[] = {
	{ "kubia.default.svc~", "A", "SERVFAIL ra", "NOERROR aa ra: A 10.96.0.5" },
	{ "nobody.default.svc~", "A", "SERVFAIL ra", "NXDOMAIN aa ra / SOA ~" },
	{ "~", "SOA", "SERVFAIL ra", "NOERROR aa ra: SOA " SOA_DATA },
	{ "www.Example.com.", "A", "forward www.Example.com.", "forward www.Example.com." },
	{ "www.example.com.", "TXT", "forward www.example.com.", "forward www.example.com." },
	{ ".", "NS", "forward .", "forward ." },
	{ "1.113.0.203.in-addr.arpa.", "PTR", "forward 1.113.0.203.in-addr.arpa.",
	  "forward 1.113.0.203.in-addr.arpa." },
	{ "99.0.96.10.in-addr.arpa.", "PTR", "forward 99.0.96.10.in-addr.arpa.",
	  "NXDOMAIN aa ra / SOA in-addr.arpa." },
	{ "alias.default.svc~", "A", "SERVFAIL ra", "forward www.example.com." },
	{ "alias.default.svc~", "AAAA", "SERVFAIL ra", "forward www.example.com." },
	{ "alias.default.svc~", "CNAME", "SERVFAIL ra", "NOERROR aa ra: CNAME www.example.com." },
	{ "example.com.", "AXFR", "REFUSED ra", "REFUSED ra" },
};

static void test_upstream(void **state)
{
	struct zone *zone = dns_zone(DNS_WORLD);
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(upstream_rows); i++) {
		struct dns_query query =
			dns_query(upstream_rows[i].name, dns_type(upstream_rows[i].type), 0, 0);

		wrong += dns_differs(upstream_rows[i].name, dns_ask(NULL, true, &query, true),
				     upstream_rows[i].unsynced);
		wrong += dns_differs(upstream_rows[i].name, dns_ask(zone, true, &query, true),
				     upstream_rows[i].forwarding);
		knot_wire_clear_rd(query.wire);
		if (!strncmp(upstream_rows[i].forwarding, "forward ", 8) &&
		    strncmp(upstream_rows[i].name, "alias", 5) != 0)
			wrong += dns_differs("not recursive", dns_ask(zone, true, &query, true),
					     "REFUSED ra");
	}
	zone_free(zone);
	assert_int_equal(wrong, 0);
}

/* An upstream's reply: the question and one address. */
static size_t upstream_reply(const char *name, uint8_t *wire)
{
	static const uint8_t address[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 80 };
	struct dns_query query = dns_query(name, KNOT_RRTYPE_A, 77, 0);

	memcpy(wire, query.wire, query.size);
	memcpy(wire + query.size, address, sizeof(address));
	knot_wire_set_qr(wire);
	knot_wire_set_ra(wire);
	knot_wire_set_ancount(wire, 1);
	return query.size + sizeof(address);
}

static const struct relay_row {
	const char *name, *question, *reply; /* NULL: none came */
	uint32_t age;
	const char *expected;
} relays[] = {
	{ "an answer", "www.example.com.", "www.example.com.", 0, "NOERROR ra: 300 A 192.0.2.80" },
	{ "one from the cache", "www.example.com.", "www.example.com.", 100,
	  "NOERROR ra: 200 A 192.0.2.80" },
	{ "an expired one", "www.example.com.", "www.example.com.", 1000,
	  "NOERROR ra: 0 A 192.0.2.80" },
	{ "in another case", "www.EXAMPLE.com.", "www.example.com.", 0,
	  "NOERROR ra: 300 A 192.0.2.80" },
	{ "to another question", "www.example.com.", "www.example.org.", 0, "SERVFAIL ra" },
	{ "none", "www.example.com.", NULL, 0, "SERVFAIL ra" },
	{ "behind an alias", "alias.default.svc~", "www.example.com.", 0,
	  "NOERROR aa ra: CNAME www.example.com., www.example.com. 300 A 192.0.2.80" },
	{ "to something else than the alias", "alias.default.svc~", "www.example.org.", 0,
	  "SERVFAIL aa ra: CNAME www.example.com." },
};

static void test_relay(void **state)
{
	struct zone *zone = dns_zone(DNS_WORLD);
	struct answerer *answerer = answerer_new();
	struct answer_view view = { .zone = zone, .forwards = true };
	uint8_t reply[ANSWER_UDP_MAX], wire[ANSWER_UDP_MAX];
	struct answer answer = { .wire = wire };
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(relays); i++) {
		const struct relay_row *row = &relays[i];
		struct dns_query query = dns_query(row->question, KNOT_RRTYPE_A, 5, 0);
		size_t size = row->reply ? upstream_reply(row->reply, reply) : 0;

		assert_int_equal(answer_relay(answerer, &view, query.wire, query.size, true,
					      row->reply ? reply : NULL, size, row->age, &answer),
				 ANSWER_SEND);
		assert_int_equal(knot_wire_get_id(wire), 5);
		wrong += dns_differs(row->name, dns_text(wire, answer.size), row->expected);
	}
	answerer_free(answerer);
	zone_free(zone);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope),   cmocka_unit_test(test_edns),
		cmocka_unit_test(test_truncation), cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_upstream),   cmocka_unit_test(test_relay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
