/* SPDX-License-Identifier: Apache-2.0 */
/* Replies that are kept, limits for strangers, and upstreams that fail. */
#include "tests/unit/dns/dns_world.h"

#include <unistd.h>

#include "user/dns/cache.h"
#include "user/dns/limit.h"
#include "user/dns/upstream.h"

/* ----------------------------------------------------------------------- replies -- */

static struct question question_of(const char *name)
{
	struct question question = { .type = KNOT_RRTYPE_A };

	assert_int_equal(name_parse(name, &question.name), 0);
	return question;
}

struct reply {
	uint8_t wire[512];
	size_t size;
};

/* rcode, and a record in the answer or, negative, a SOA record of another minimum. */
static struct reply reply_of(const char *name, uint8_t rcode, bool answer, bool soa, uint32_t ttl)
{
	struct dns_query query = dns_query(name, KNOT_RRTYPE_A, 1, 0);
	struct reply reply = { .size = query.size };
	uint8_t *end = reply.wire + query.size;

	memcpy(reply.wire, query.wire, query.size);
	knot_wire_set_qr(reply.wire);
	knot_wire_set_rcode(reply.wire, rcode);
	if (answer || soa) {
		static const uint8_t soa_data[22] = { 0, 0 };
		size_t size = answer ? 4 : sizeof(soa_data);

		knot_wire_write_u16(end, 0xc00c);
		knot_wire_write_u16(end + 2, answer ? KNOT_RRTYPE_A : KNOT_RRTYPE_SOA);
		knot_wire_write_u16(end + 4, KNOT_CLASS_IN);
		knot_wire_write_u32(end + 6, ttl);
		knot_wire_write_u16(end + 10, (uint16_t)size);
		memset(end + 12, 0, size);
		if (!answer)
			knot_wire_write_u32(end + 12 + 18, ttl);
		reply.size += 12 + size;
		if (answer)
			knot_wire_set_ancount(reply.wire, 1);
		else
			knot_wire_set_nscount(reply.wire, 1);
	}
	return reply;
}

static const struct cache_row {
	const char *name;
	uint8_t rcode;
	bool answer, soa, truncated;
	uint32_t ttl;
	uint32_t kept; /* seconds; 0: not at all */
} cache_rows[] = {
	{ "an address", KNOT_RCODE_NOERROR, true, false, false, 60, 60 },
	{ "of a long life", KNOT_RCODE_NOERROR, true, false, false, 86400, CACHE_TTL_MAX },
	{ "of none", KNOT_RCODE_NOERROR, true, false, false, 0, 0 },
	{ "cut", KNOT_RCODE_NOERROR, true, false, true, 60, 0 },
	{ "no such name", KNOT_RCODE_NXDOMAIN, false, true, false, 10, 10 },
	{ "no such name, for long", KNOT_RCODE_NXDOMAIN, false, true, false, 3600,
	  CACHE_NEGATIVE_MAX },
	{ "no such name, without SOA", KNOT_RCODE_NXDOMAIN, false, false, false, 0, 0 },
	{ "no such type", KNOT_RCODE_NOERROR, false, true, false, 10, 10 },
	{ "a failure", KNOT_RCODE_SERVFAIL, false, false, false, 0, 0 },
	{ "a refusal", KNOT_RCODE_REFUSED, true, false, false, 60, 0 },
};

static void test_cache(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cache_rows); i++) {
		const struct cache_row *row = &cache_rows[i];
		struct question question = question_of("example.com");
		struct reply reply =
			reply_of("example.com.", row->rcode, row->answer, row->soa, row->ttl);
		struct cache *cache = cache_new();
		uint32_t age;
		size_t size;

		if (row->truncated)
			knot_wire_set_tc(reply.wire);
		assert_null(cache_get(cache, &question, 100, &size, &age));
		cache_put(cache, &question, reply.wire, reply.size, 100);
		if (!row->kept) {
			if (cache_get(cache, &question, 100, &size, &age))
				fail_msg("%s is kept", row->name);
		} else {
			const uint8_t *got =
				cache_get(cache, &question, 99 + row->kept, &size, &age);

			if (!got || size != reply.size || age != row->kept - 1 ||
			    memcmp(got, reply.wire, size) != 0)
				fail_msg("%s is not kept", row->name);
			if (cache_get(cache, &question, 100 + row->kept, &size, &age))
				fail_msg("%s is kept too long", row->name);
		}
		cache_free(cache);
	}
}

/* Another type, another wish for DNSSEC, another name: another question. */
static void test_cache_questions(void **state)
{
	struct question question = question_of("example.com"), other = question;
	struct reply reply = reply_of("example.com.", KNOT_RCODE_NOERROR, true, false, 60);
	struct cache *cache = cache_new();
	uint32_t age;
	size_t size;

	(void)state;
	cache_put(cache, &question, reply.wire, reply.size, 0);
	assert_non_null(cache_get(cache, &question, 1, &size, &age));
	other.type = KNOT_RRTYPE_AAAA;
	assert_null(cache_get(cache, &other, 1, &size, &age));
	other = question;
	other.dnssec = true;
	assert_null(cache_get(cache, &other, 1, &size, &age));
	other = question_of("example.org");
	assert_null(cache_get(cache, &other, 1, &size, &age));
	cache_free(cache);
}

/* A full cache loses what was not asked for longest. */
static void test_cache_full(void **state)
{
	struct reply reply = reply_of("example.com.", KNOT_RCODE_NOERROR, true, false, 60);
	struct question first = question_of("name-0.example.com"), second, last;
	struct cache *cache = cache_new();
	uint32_t age;
	size_t size;

	(void)state;
	for (int i = 0; i < CACHE_ENTRIES; i++) {
		char name[64];

		snprintf(name, sizeof(name), "name-%d.example.com", i);
		last = question_of(name);
		cache_put(cache, &last, reply.wire, reply.size, 0);
	}
	assert_non_null(cache_get(cache, &first, 1, &size, &age));
	second = question_of("one-more.example.com");
	cache_put(cache, &second, reply.wire, reply.size, 1);
	assert_non_null(cache_get(cache, &first, 1, &size, &age));
	assert_non_null(cache_get(cache, &second, 1, &size, &age));
	second = question_of("name-1.example.com");
	assert_null(cache_get(cache, &second, 1, &size, &age));
	cache_free(cache);
}

/* ---------------------------------------------------------------------- strangers -- */

static void test_limit(void **state)
{
	struct lb_addr client = world_addr("203.0.113.5"), neighbour = world_addr("203.0.113.200");
	struct lb_addr other = world_addr("198.51.100.1"), six = world_addr("2001:db8:0:1::1");
	struct limit *limit = limit_new();
	int counts[3] = { 0 };

	(void)state;
	for (int i = 0; i < 2 * LIMIT_RATE; i++)
		counts[limit_check(limit, i & 1 ? &client : &neighbour, 1000)]++;
	assert_int_equal(counts[LIMIT_ANSWER], LIMIT_RATE);
	assert_int_equal(counts[LIMIT_TRUNCATE], LIMIT_RATE / 2);
	assert_int_equal(counts[LIMIT_DROP], LIMIT_RATE / 2);
	/* Others are not concerned, and a tenth of a second later a tenth is there again. */
	assert_int_equal(limit_check(limit, &other, 1000), LIMIT_ANSWER);
	assert_int_equal(limit_check(limit, &six, 1000), LIMIT_ANSWER);
	memset(counts, 0, sizeof(counts));
	for (int i = 0; i < LIMIT_RATE; i++)
		counts[limit_check(limit, &client, 1100)]++;
	assert_int_equal(counts[LIMIT_ANSWER], LIMIT_RATE / 10);
	/* What is saved up has an end. */
	memset(counts, 0, sizeof(counts));
	for (int i = 0; i < 2 * LIMIT_RATE; i++)
		counts[limit_check(limit, &client, 100000)]++;
	assert_int_equal(counts[LIMIT_ANSWER], LIMIT_RATE);
	limit_free(limit);
}

/* ---------------------------------------------------------------------- upstreams -- */

static const struct {
	const char *resolv_conf, *servers;
} resolv_rows[] = {
	{ "nameserver 192.0.2.1\nnameserver 2001:db8::1\n", "192.0.2.1:53 [2001:db8::1]:53" },
	{ "# nameserver 192.0.2.1\nsearch a b\noptions ndots:5\n", "" },
	{ "nameserver 10.96.0.10\nnameserver 192.0.2.1\n", "192.0.2.1:53" },
	{ "nameserver\t192.0.2.1 # ours\nnameserver  192.0.2.2;\n", "192.0.2.1:53 192.0.2.2:53" },
	{ "nameserver nonsense\nnameserver\nnameserver 192.0.2.1", "192.0.2.1:53" },
	{ "", "" },
};

static void check_upstreams(const struct dns_config *config, const char *file, const char *want)
{
	struct addr_port own_item = { world_addr("10.96.0.10"), htons(53) };
	struct addr_port_list own = { .items = &own_item, .n = 1 };
	char got[256] = "", text[ADDR_PORT_TEXT];
	struct upstreams upstreams;

	upstreams_init(&upstreams, config, file, &own);
	for (size_t i = 0; i < upstreams.n; i++) {
		const struct addr_port *server = &upstreams.items[i].server;

		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
			 addr_port_format(&server->addr, server->port, text));
	}
	upstreams_done(&upstreams);
	assert_string_equal(got, want);
}

static void test_resolv_conf(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(resolv_rows); i++) {
		const struct dns_config config = { 0 }, none = { .upstreams_given = true };
		char path[] = "/tmp/test_cache.XXXXXX";
		int fd = mkstemp(path);
		size_t size = strlen(resolv_rows[i].resolv_conf);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, resolv_rows[i].resolv_conf, size), size);
		check_upstreams(&config, path, resolv_rows[i].servers);
		check_upstreams(&none, path, "");
		close(fd);
		unlink(path);
	}
}

static void test_upstream_health(void **state)
{
	struct addr_port servers[] = { { world_addr("192.0.2.1"), htons(53) },
				       { world_addr("192.0.2.2"), htons(53) } };
	const struct dns_config config = { .upstreams = { .items = servers, .n = 2 },
					   .upstreams_given = true };
	const struct addr_port_list own = { 0 };
	struct upstreams upstreams;
	struct upstream *first, *second;

	(void)state;
	upstreams_init(&upstreams, &config, "/nonexistent", &own);
	first = &upstreams.items[0];
	second = &upstreams.items[1];
	assert_ptr_equal(upstream_pick(&upstreams, 0, 0), first);
	assert_ptr_equal(upstream_pick(&upstreams, 1, 0), second);
	assert_null(upstream_pick(&upstreams, 3, 0));
	/* A few failures are forgiven, more make it rest. */
	for (int i = 0; i < UPSTREAM_FAILURES; i++) {
		assert_ptr_equal(upstream_pick(&upstreams, 0, 10), first);
		upstream_failed(first, 10);
	}
	assert_ptr_equal(upstream_pick(&upstreams, 0, 10), second);
	/* A resting one is better than none. */
	assert_ptr_equal(upstream_pick(&upstreams, 2, 10), first);
	assert_ptr_equal(upstream_pick(&upstreams, 0, 10 + UPSTREAM_PAUSE), first);
	upstream_failed(first, 20);
	assert_ptr_equal(upstream_pick(&upstreams, 0, 20), second);
	upstream_answered(first);
	assert_ptr_equal(upstream_pick(&upstreams, 0, 20), first);
	upstreams_done(&upstreams);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache),	    cmocka_unit_test(test_cache_questions),
		cmocka_unit_test(test_cache_full),  cmocka_unit_test(test_limit),
		cmocka_unit_test(test_resolv_conf), cmocka_unit_test(test_upstream_health),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
