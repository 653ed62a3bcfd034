/* SPDX-License-Identifier: Apache-2.0 */
/* bpf/sctp.bpf.h, compiled natively: checksums by difference against checksums from scratch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#include "bpf/sctp.bpf.h"

static uint32_t crc32c(const uint8_t *data, size_t size)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? SCTP_POLYNOMIAL : 0);
	}
	return ~crc;
}

/* RFC 3720, appendix B.4: 32 bytes of zeroes, and 32 bytes of ones. */
static void test_known_values(void **state)
{
	uint8_t data[32] = { 0 };

	(void)state;
	assert_int_equal(crc32c(data, sizeof(data)), 0x8a9136aa);
	memset(data, 0xff, sizeof(data));
	assert_int_equal(crc32c(data, sizeof(data)), 0x62a8ab43);
}

static void test_ports_change(void **state)
{
	static uint8_t data[65536];
	static const size_t lengths[] = { 12, 13, 16, 100, 255, 256, 1452, 9000, 65535 };

	(void)state;
	srandom(1);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)random();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		uint32_t old, new = (uint32_t)random(), before = crc32c(data, lengths[i]);

		memcpy(&old, data, sizeof(old));
		memcpy(data, &new, sizeof(new));
		assert_int_equal(sctp_checksum_update(before, old, new, (__u32)lengths[i]),
				 crc32c(data, lengths[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_ports_change),
	};

	return cmocka_run_group_tests_name("sctp", tests, NULL, NULL);
}
