/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of a pcapng file, read again word by word. What Wireshark makes of it:
 * test_monitor.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "user/util/pcapng.h"

struct file {
	char *bytes;
	size_t size;
};

static uint32_t word_at(const struct file *file, size_t at)
{
	uint32_t value;

	assert_true(at + sizeof(value) <= file->size);
	memcpy(&value, file->bytes + at, sizeof(value));
	return value;
}

/* The start of the n-th block; its two lengths must agree and be whole words. */
static size_t block_at(const struct file *file, unsigned int n)
{
	size_t at = 0;

	for (;; n--) {
		uint32_t length = word_at(file, at + 4);

		assert_int_equal(length % 4, 0);
		assert_int_equal(word_at(file, at + length - 4), length);
		if (!n)
			return at;
		at += length;
	}
}

/* The value of an option among those that begin at `at`; NULL: it is not there. */
static const char *option_find(const struct file *file, size_t at, uint16_t code,
			       uint16_t *ret_size)
{
	for (;;) {
		uint32_t head = word_at(file, at);
		uint16_t size = head >> 16;

		if (!head)
			return NULL;
		if ((head & 0xffff) == code) {
			*ret_size = size;
			return file->bytes + at + 4;
		}
		at += 4 + (size + 3u) / 4 * 4;
	}
}

static void option_is(const struct file *file, size_t at, uint16_t code, const void *value,
		      size_t size)
{
	uint16_t found_size = 0;
	const char *found = option_find(file, at, code, &found_size);

	assert_non_null(found);
	assert_int_equal(found_size, size);
	assert_memory_equal(found, value, size);
}

static void test_file(void **state)
{
	static const struct {
		const char *name;
		uint32_t captured;
	} cases[] = { { "whole words", 8 }, { "one byte more", 9 }, { "nothing", 0 } };
	const uint32_t outbound = 2;
	const uint64_t id = 0x0102030405060708ull;
	const uint8_t nanoseconds = 9, verdict[9] = { 2, 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pcapng_packet packet = {
			.interface = 1,
			.ns = 0x1122334455667788ull,
			.bytes = "123456789",
			.captured = cases[i].captured,
			.length = 1500,
			.comment = "dropped: why",
			.outbound = true,
			.id = id,
			.hook = PCAPNG_VERDICT_XDP,
			.verdict = 3,
		};
		struct file file = { 0 };
		FILE *out = open_memstream(&file.bytes, &file.size);
		size_t at, padded = (cases[i].captured + 3u) / 4 * 4;

		print_message("%s\n", cases[i].name);
		pcapng_begin(out, "lbctl 1");
		pcapng_interface(out, "eth0", "XDP", 512);
		pcapng_packet(out, &packet);
		fclose(out);
		assert_int_equal(word_at(&file, 0), 0x0a0d0d0a);
		assert_int_equal(word_at(&file, 8), 0x1a2b3c4d);
		option_is(&file, 24, 4, "lbctl 1", 7);
		at = block_at(&file, 1);
		assert_int_equal(word_at(&file, at), 1);
		assert_int_equal(word_at(&file, at + 8), 1); /* Ethernet */
		assert_int_equal(word_at(&file, at + 12), 512);
		option_is(&file, at + 16, 2, "eth0", 4);
		option_is(&file, at + 16, 3, "XDP", 3);
		option_is(&file, at + 16, 9, &nanoseconds, 1);
		at = block_at(&file, 2);
		assert_int_equal(word_at(&file, at), 6);
		assert_int_equal(word_at(&file, at + 8), 1);
		assert_int_equal(word_at(&file, at + 12), 0x11223344);
		assert_int_equal(word_at(&file, at + 16), 0x55667788);
		assert_int_equal(word_at(&file, at + 20), cases[i].captured);
		assert_int_equal(word_at(&file, at + 24), 1500);
		assert_memory_equal(file.bytes + at + 28, "123456789", cases[i].captured);
		option_is(&file, at + 28 + padded, 1, "dropped: why", 12);
		option_is(&file, at + 28 + padded, 2, &outbound, 4);
		option_is(&file, at + 28 + padded, 5, &id, 8);
		option_is(&file, at + 28 + padded, 7, verdict, 9);
		assert_int_equal(at + word_at(&file, at + 4), file.size);
		free(file.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_file) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
