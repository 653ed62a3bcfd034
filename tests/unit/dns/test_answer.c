/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered to whom: a table of questions to a cluster that has one of everything. */
#include "tests/unit/dns/dns_world.h"

#define NX "NXDOMAIN aa / SOA ~"
#define NODATA "NOERROR aa / SOA ~"
#define SOA_DATA "ns.dns~ hostmaster~ 1234 7200 1800 86400 5"
#define HOSTS2                                                                                  \
	" + 172-17-0-7.headless.default.svc~ A 172.17.0.7, 172-17-0-8.headless.default.svc~ A " \
	"172.17.0.8"

static const struct row {
	const char *name, *type, *expected;
} rows[] = {
	/* a Service with a cluster IP */
	{ "kubia.default.svc~", "A", "NOERROR aa: A 10.96.0.5" },
	{ "KUBIA.Default.sVc~", "A", "NOERROR aa: A 10.96.0.5" },
	{ "kubia.default.svc~", "AAAA", NODATA },
	{ "kubia.default.svc~", "SRV", NODATA },
	{ "kubia.default.svc~", "TXT", NODATA },
	{ "kubia.default.svc~", "MX", NODATA },
	{ "kubia.default.svc~", "CNAME", NODATA },
	{ "kubia.default.svc~", "NS", NODATA },
	{ "kubia.default.svc~", "SOA", NODATA },
	{ "kubia.default.svc~", "PTR", NODATA },
	{ "kubia.default.svc~", "ANY", NODATA },
	{ "kubia.default.svc~", "TYPE65", NODATA },
	{ "kubia.default.svc~", "AXFR", "REFUSED" },
	{ "kubia.default.svc~", "IXFR", "REFUSED" },
	{ "kubia.shop.svc~", "A", "NOERROR aa: A 10.96.1.5" },
	{ "kubia.quiet.svc~", "A", NX },
	{ "kubia.nowhere.svc~", "A", NX },
	{ "plain.default.svc~", "A", "NOERROR aa: A 10.96.0.6" },
	{ "both.default.svc~", "A", "NOERROR aa: A 10.96.0.7" },
	{ "both.default.svc~", "AAAA", "NOERROR aa: AAAA fd00:10:96::7" },
	{ "six.default.svc~", "A", NODATA },
	{ "six.default.svc~", "AAAA", "NOERROR aa: AAAA fd00:10:96::6" },
	{ "nobody.default.svc~", "A", NX },
	{ "nobody.default.svc~", "AAAA", NX },
	{ "nobody.default.svc~", "SRV", NX },
	{ "nobody.default.svc~", "TXT", NX },
	{ "x.kubia.default.svc~", "A", NX },
	{ "a.b.kubia.default.svc~", "A", NX },
	{ "a.b.c.kubia.default.svc~", "A", NX },
	{ "kubia.default.svc~x.", "A", "REFUSED" },
	/* its ports */
	{ "_http._tcp.kubia.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 100 80 kubia.default.svc~ + kubia.default.svc~ A 10.96.0.5" },
	{ "_HTTP._TCP.kubia.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 100 80 kubia.default.svc~ + kubia.default.svc~ A 10.96.0.5" },
	{ "_dns-u._udp.kubia.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 100 53 kubia.default.svc~ + kubia.default.svc~ A 10.96.0.5" },
	{ "_http._tcp.kubia.default.svc~", "A", NODATA },
	{ "_http._tcp.kubia.default.svc~", "AAAA", NODATA },
	{ "_tcp.kubia.default.svc~", "SRV", NODATA },
	{ "_tcp.kubia.default.svc~", "A", NODATA },
	{ "_udp.kubia.default.svc~", "A", NODATA },
	{ "_sctp.kubia.default.svc~", "A", NX },
	{ "_http._udp.kubia.default.svc~", "SRV", NX },
	{ "_dns-u._tcp.kubia.default.svc~", "SRV", NX },
	{ "_https._tcp.kubia.default.svc~", "SRV", NX },
	{ "http.tcp.kubia.default.svc~", "SRV", NX },
	{ "_http.kubia.default.svc~", "SRV", NX },
	{ "x._http._tcp.kubia.default.svc~", "SRV", NX },
	{ "_tcp.plain.default.svc~", "SRV", NX },
	{ "_http._tcp.both.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 100 80 both.default.svc~ + both.default.svc~ A 10.96.0.7, "
	  "both.default.svc~ AAAA fd00:10:96::7" },
	{ "_http._tcp.six.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 100 80 six.default.svc~ + six.default.svc~ AAAA fd00:10:96::6" },
	/* its endpoints */
	{ "172-17-0-7.kubia.default.svc~", "A", "NOERROR aa: A 172.17.0.7" },
	{ "172-17-0-8.kubia.default.svc~", "A", "NOERROR aa: A 172.17.0.8" },
	{ "172-17-0-9.kubia.default.svc~", "A", NX },
	{ "172-17-0-7.kubia.default.svc~", "AAAA", NODATA },
	{ "172-17-0-7.plain.default.svc~", "A", NX },
	/* headless */
	{ "headless.default.svc~", "A", "NOERROR aa: A 172.17.0.7, A 172.17.0.8" },
	{ "headless.default.svc~", "AAAA", NODATA },
	{ "headless.default.svc~", "SRV", NODATA },
	{ "172-17-0-7.headless.default.svc~", "A", "NOERROR aa: A 172.17.0.7" },
	{ "172-17-0-9.headless.default.svc~", "A", NX },
	{ "_http._tcp.headless.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 50 8080 172-17-0-7.headless.default.svc~, SRV 0 50 8080 "
	  "172-17-0-8.headless.default.svc~" HOSTS2 },
	{ "_s._sctp.headless.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 50 7 172-17-0-7.headless.default.svc~, SRV 0 50 7 "
	  "172-17-0-8.headless.default.svc~" HOSTS2 },
	{ "_http._tcp.headless.default.svc~", "A", NODATA },
	{ "_tcp.headless.default.svc~", "A", NODATA },
	{ "portless.default.svc~", "A", "NOERROR aa: A 172.17.0.7, A 172.17.0.8" },
	{ "_tcp.portless.default.svc~", "A", NX },
	{ "eager.default.svc~", "A", "NOERROR aa: A 172.17.0.7, A 172.17.0.8, A 172.17.0.9" },
	{ "172-17-0-9.eager.default.svc~", "A", "NOERROR aa: A 172.17.0.9" },
	{ "_http._tcp.eager.default.svc~", "A", NODATA },
	{ "empty.default.svc~", "A", NX },
	{ "empty.default.svc~", "AAAA", NX },
	{ "empty.default.svc~", "TXT", NX },
	{ "_http._tcp.empty.default.svc~", "SRV", NX },
	{ "_tcp.empty.default.svc~", "A", NX },
	/* with host names, and both families */
	{ "stateful.default.svc~", "A", "NOERROR aa: A 172.17.0.20, A 172.17.0.21" },
	{ "stateful.default.svc~", "AAAA", NODATA },
	{ "db-0.stateful.default.svc~", "A", "NOERROR aa: A 172.17.0.20" },
	{ "db-1.stateful.default.svc~", "A", "NOERROR aa: A 172.17.0.21" },
	{ "DB-1.stateful.default.svc~", "A", "NOERROR aa: A 172.17.0.21" },
	{ "db-2.stateful.default.svc~", "A", NX },
	{ "172-17-0-20.stateful.default.svc~", "A", NX },
	{ "_sql._tcp.stateful.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 50 5432 db-0.stateful.default.svc~, SRV 0 50 5432 "
	  "db-1.stateful.default.svc~ + db-0.stateful.default.svc~ A 172.17.0.20, "
	  "db-1.stateful.default.svc~ A 172.17.0.21" },
	{ "dual.default.svc~", "A", "NOERROR aa: A 172.17.0.20, A 172.17.0.21" },
	{ "dual.default.svc~", "AAAA", "NOERROR aa: AAAA fd00:17::, AAAA fd00:17::21" },
	{ "172-17-0-20.dual.default.svc~", "A", "NOERROR aa: A 172.17.0.20" },
	{ "fd00-17--21.dual.default.svc~", "AAAA", "NOERROR aa: AAAA fd00:17::21" },
	{ "fd00-17--0.dual.default.svc~", "AAAA", "NOERROR aa: AAAA fd00:17::" },
	{ "fd00-17--.dual.default.svc~", "AAAA", NX },
	{ "db-0.dual.default.svc~", "A", NX },
	/* endpoints written by hand: an address in two slices counts once */
	{ "written.default.svc~", "A", "NOERROR aa: A 11.11.11.11, A 22.22.22.22" },
	{ "node-a.written.default.svc~", "A", "NOERROR aa: A 11.11.11.11" },
	{ "22-22-22-22.written.default.svc~", "A", "NOERROR aa: A 22.22.22.22" },
	{ "11-11-11-11.written.default.svc~", "A", NX },
	{ "33-33-33-33.written.default.svc~", "A", NX },
	{ "_http._tcp.written.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 50 8001 node-a.written.default.svc~, SRV 0 50 8001 "
	  "22-22-22-22.written.default.svc~ + node-a.written.default.svc~ A 11.11.11.11, "
	  "22-22-22-22.written.default.svc~ A 22.22.22.22" },
	{ "listed.default.svc~", "A", "NOERROR aa: A 11.11.11.11" },
	{ "44-44-44-44.listed.default.svc~", "A", NX },
	{ "_http._tcp.listed.default.svc~", "SRV",
	  "NOERROR aa: SRV 0 100 8002 11-11-11-11.listed.default.svc~ + "
	  "11-11-11-11.listed.default.svc~ A 11.11.11.11" },
	/* ExternalName */
	{ "alias.default.svc~", "CNAME", "NOERROR aa: CNAME www.example.com." },
	{ "alias.default.svc~", "A", "NOERROR aa: CNAME www.example.com." },
	{ "alias.default.svc~", "AAAA", "NOERROR aa: CNAME www.example.com." },
	{ "alias.default.svc~", "TXT", "NOERROR aa: CNAME www.example.com." },
	{ "x.alias.default.svc~", "A", NX },
	{ "_http._tcp.alias.default.svc~", "SRV", NX },
	{ "inner.default.svc~", "A",
	  "NOERROR aa: CNAME kubia.default.svc~, kubia.default.svc~ A 10.96.0.5" },
	{ "inner.default.svc~", "AAAA", "NOERROR aa: CNAME kubia.default.svc~ / SOA ~" },
	{ "inner.default.svc~", "CNAME", "NOERROR aa: CNAME kubia.default.svc~" },
	{ "twice.default.svc~", "A",
	  "NOERROR aa: CNAME inner.default.svc~, inner.default.svc~ CNAME kubia.default.svc~, "
	  "kubia.default.svc~ A 10.96.0.5" },
	{ "dangling.default.svc~", "A", "NXDOMAIN aa: CNAME no.default.svc~ / SOA ~" },
	{ "loop.default.svc~", "A", "SERVFAIL aa" },
	{ "loop.default.svc~", "CNAME", "NOERROR aa: CNAME loop.default.svc~" },
	{ "numeric.default.svc~", "A", NX },
	/* the domain itself, and what lies between */
	{ "~", "SOA", "NOERROR aa: SOA " SOA_DATA },
	{ "~", "NS", "NOERROR aa: NS ns.dns~ + ns.dns~ A 10.96.0.10, ns.dns~ AAAA fd00:10:96::a" },
	{ "~", "A", NODATA },
	{ "~", "ANY", NODATA },
	{ "~", "AXFR", "REFUSED" },
	{ "ns.dns~", "A", "NOERROR aa: A 10.96.0.10" },
	{ "ns.dns~", "AAAA", "NOERROR aa: AAAA fd00:10:96::a" },
	{ "dns~", "A", NODATA },
	{ "dns-version~", "TXT", "NOERROR aa: 28800 TXT \"1.1.0\"" },
	{ "dns-version~", "A", NODATA },
	{ "x.dns-version~", "TXT", NX },
	{ "svc~", "A", NODATA },
	{ "svc~", "SOA", NODATA },
	{ "pod~", "A", NODATA },
	{ "172-17-0-7.default.pod~", "A", NX },
	{ "default.svc~", "A", NODATA },
	{ "shop.svc~", "A", NODATA },
	{ "quiet.svc~", "A", NODATA },
	{ "nowhere.svc~", "A", NX },
	{ "kubia~", "A", NX },
	{ "kubia.default~", "A", NX },
	{ "*.default.svc~", "A", NX },
	/* backwards */
	{ "5.0.96.10.in-addr.arpa.", "PTR", "NOERROR aa: PTR kubia.default.svc~" },
	{ "5.0.96.10.IN-ADDR.ARPA.", "PTR", "NOERROR aa: PTR kubia.default.svc~" },
	{ "5.0.96.10.in-addr.arpa.", "A", "NOERROR aa / SOA in-addr.arpa." },
	{ "5.1.96.10.in-addr.arpa.", "PTR", "NOERROR aa: PTR kubia.shop.svc~" },
	{ "99.0.96.10.in-addr.arpa.", "PTR", "NXDOMAIN aa / SOA in-addr.arpa." },
	{ "7.0.17.172.in-addr.arpa.", "PTR",
	  "NOERROR aa: PTR 172-17-0-7.eager.default.svc~, PTR 172-17-0-7.kubia.default.svc~, "
	  "PTR 172-17-0-7.headless.default.svc~, PTR 172-17-0-7.portless.default.svc~" },
	{ "9.0.17.172.in-addr.arpa.", "PTR", "NOERROR aa: PTR 172-17-0-9.eager.default.svc~" },
	{ "21.0.17.172.in-addr.arpa.", "PTR",
	  "NOERROR aa: PTR db-1.stateful.default.svc~, PTR 172-17-0-21.dual.default.svc~" },
	{ "22.22.22.22.in-addr.arpa.", "PTR", "NOERROR aa: PTR 22-22-22-22.written.default.svc~" },
	{ "77.0.17.172.in-addr.arpa.", "PTR", "NXDOMAIN aa / SOA in-addr.arpa." },
	{ "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa.", "PTR",
	  "NOERROR aa: PTR both.default.svc~" },
	{ "1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.1.0.0.0.0.d.f.ip6.arpa.", "PTR",
	  "NOERROR aa: PTR fd00-17--21.dual.default.svc~" },
	{ "9.9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.1.0.0.0.0.d.f.ip6.arpa.", "PTR",
	  "NXDOMAIN aa / SOA ip6.arpa." },
	{ "1.113.0.203.in-addr.arpa.", "PTR", "REFUSED" },
	{ "96.10.in-addr.arpa.", "PTR", "REFUSED" },
	{ "in-addr.arpa.", "SOA", "REFUSED" },
	/* nobody to ask */
	{ "www.example.com.", "A", "REFUSED" },
	{ "local.", "A", "REFUSED" },
	{ ".", "NS", "REFUSED" },
	{ "xcluster.local.", "A", "REFUSED" },
};

static void test_table(void **state)
{
	struct zone *zone = dns_zone(DNS_WORLD);
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *what = xasprintf("%s %s", rows[i].name, rows[i].type);
		struct dns_query query = dns_query(rows[i].name, dns_type(rows[i].type), 0, 0);

		wrong += dns_differs(what, dns_ask(zone, false, &query, true), rows[i].expected);
		wrong += dns_differs(what, dns_ask(zone, false, &query, false), rows[i].expected);
	}
	zone_free(zone);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
