/* SPDX-License-Identifier: Apache-2.0 */
/* 100,000 damaged queries: an answer to each is a proper one, small, or there is none. */
#include "tests/unit/dns/dns_world.h"

#define ROUNDS 100000

/* What may be answered to bytes that are no query. */
static void check_answer(const uint8_t *query, size_t size, const struct answer *answer)
{
	cleanup_free uint8_t *copy = xmalloc(answer->size);
	knot_pkt_t *packet;

	assert_in_range(answer->size, 12, ANSWER_UDP_MAX);
	assert_true(size >= 12);
	assert_memory_equal(answer->wire, query, 2);
	assert_true(knot_wire_get_qr(answer->wire));
	assert_false(knot_wire_get_qr(query));
	memcpy(copy, answer->wire, answer->size);
	packet = knot_pkt_new(copy, (uint16_t)answer->size, NULL);
	assert_int_equal(knot_pkt_parse(packet, 0), KNOT_EOK);
	/* What could not be read is answered with the header alone: nothing to amplify. */
	if (knot_pkt_ext_rcode(packet) == KNOT_RCODE_FORMERR)
		assert_int_equal(answer->size, 12);
	knot_pkt_free(packet);
}

static uint32_t random_next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
}

static void mutate(struct dns_query *query, uint64_t *seed)
{
	uint32_t changes = 1 + random_next(seed) % 4;

	for (uint32_t i = 0; i < changes; i++) {
		size_t at = random_next(seed) % query->size;

		switch (random_next(seed) % 4) {
		case 0:
			query->wire[at] = (uint8_t)random_next(seed);
			break;
		case 1:
			query->wire[at] ^= (uint8_t)(1u << random_next(seed) % 8);
			break;
		case 2:
			query->size = at ? at : 1;
			break;
		default:
			query->size += random_next(seed) % 20;
			break;
		}
	}
}

static void test_mutated(void **state)
{
	static const struct {
		const char *name;
		uint16_t type, edns;
	} kinds[] = {
		{ "kubia.default.svc~", KNOT_RRTYPE_A, 0 },
		{ "nobody.default.svc~", KNOT_RRTYPE_AAAA, 1232 },
		{ "_http._tcp.headless.default.svc~", KNOT_RRTYPE_SRV, 4096 },
		{ "5.0.96.10.in-addr.arpa.", KNOT_RRTYPE_PTR, 0 },
		{ "alias.default.svc~", KNOT_RRTYPE_A, 65535 },
		{ "www.example.com.", KNOT_RRTYPE_TXT, 512 },
	};
	struct zone *zone = dns_zone(DNS_WORLD);
	struct answerer *answerer = answerer_new();
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < ROUNDS; i++) {
		size_t kind = i % ARRAY_LEN(kinds);
		struct answer_view view = { .zone = zone, .forwards = i % 2 };
		struct dns_query query = dns_query(kinds[kind].name, kinds[kind].type, (uint16_t)i,
						   kinds[kind].edns);
		cleanup_free uint8_t *exact = NULL;
		uint8_t wire[ANSWER_UDP_MAX];
		struct answer answer = { .wire = wire };

		mutate(&query, &seed);
		/* Of its exact size, so that a read behind it is seen. */
		exact = xmalloc(query.size);
		memcpy(exact, query.wire, query.size);
		if (answer_make(answerer, &view, exact, query.size, true, &answer) == ANSWER_SEND)
			check_answer(exact, query.size, &answer);
		if (answer_truncated(answerer, &view, exact, query.size, &answer) == ANSWER_SEND)
			assert_true(answer.size <= query.size + 11);
	}
	answerer_free(answerer);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_mutated) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
