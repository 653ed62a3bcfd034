/* SPDX-License-Identifier: Apache-2.0 */
/* bpf/checksum.bpf.h, compiled natively: checksums by difference against checksums from scratch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#include "bpf/checksum.bpf.h"

static uint64_t random_state = 0x9e3779b97f4a7c15ull;

static uint32_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 13);
}

static uint16_t checksum(const uint16_t *words, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Both forms of zero say the same in one's complement (RFC 1624, section 3). */
static bool same(uint16_t a, uint16_t b)
{
	return a == b || (a == 0 && b == 0xffff) || (a == 0xffff && b == 0);
}

static void test_fold(void **state)
{
	static const struct {
		uint32_t sum;
		uint16_t want;
	} rows[] = {
		{ 0, 0 },
		{ 0xffff, 0xffff },
		{ 0x10000, 1 },
		{ 0x1ffff, 1 },
		{ 0xfffffffe, 0xfffe },
		{ 0xffff0000, 0xffff },
		{ 0x1fffe, 0xffff },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(csum_fold(rows[i].sum), rows[i].want);
}

/* The example of RFC 1624, section 4: 0xdd2f with 0x5555 turned into 0x3285 gives 0x0000. */
static void test_rfc_1624(void **state)
{
	(void)state;
	assert_int_equal(csum_update(0xdd2f, csum_replace16(0, 0x5555, 0x3285)), 0x0000);
}

static void test_replacing_words(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint16_t words[20], before;
		uint32_t delta = 0, address;
		uint16_t port;

		for (int w = 0; w < 20; w++)
			words[w] = (uint16_t)random_next();
		if (i % 7 == 0)
			memset(words, i & 1 ? 0 : 0xff, sizeof(words));
		before = checksum(words, 20);
		memcpy(&address, words, 4);
		port = words[4];
		uint32_t new_address = random_next();
		uint16_t new_port = (uint16_t)random_next();

		delta = csum_replace32(delta, address, new_address);
		delta = csum_replace16(delta, port, new_port);
		memcpy(words, &new_address, 4);
		words[4] = new_port;
		assert_true(same(csum_update(before, csum_fold(delta)), checksum(words, 20)));
		/* The way back is the complement. */
		assert_true(same(csum_update(csum_update(before, csum_fold(delta)),
					     (uint16_t)~csum_fold(delta)),
				 before));
	}
}

static void test_ttl(void **state)
{
	(void)state;
	for (int ttl = 1; ttl < 256; ttl++) {
		uint8_t header[20] = { 0x45, 0, 0, 40, 1, 2, 0x40, 0, (uint8_t)ttl, 6 };
		uint16_t words[10], before;

		memcpy(words, header, sizeof(words));
		before = checksum(words, 10);
		header[8]--;
		memcpy(words, header, sizeof(words));
		assert_int_equal(csum_update(before, CSUM_TTL_DELTA), checksum(words, 10));
	}
}

static void test_udp(void **state)
{
	(void)state;
	assert_int_equal(csum_update_udp(0, 0x1234), 0);	   /* none stays none */
	assert_int_equal(csum_update_udp(0x1234, 0x1234), 0xffff); /* a computed 0 */
	assert_int_equal(csum_update_udp(0x1235, 0x1234), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_rfc_1624),
		cmocka_unit_test(test_replacing_words),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_udp),
	};

	return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
