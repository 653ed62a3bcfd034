/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of every kind that is not a whole TCP or UDP packet, and a great many broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "tests/packet/rig.h"

#define ETH_HLEN 14
#define JUMBO 8000

static void service(enum rig_mode mode, bool v4)
{
	rig_reset(mode);
	for (unsigned int i = 0; i < 2; i++) {
		uint8_t proto = i ? IPPROTO_TCP : IPPROTO_UDP;

		rig_backend(1 + i, 1 + i, H_REMOTE, v4, proto, 0);
		rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1 + i, LB_FRONTEND_EXTERNAL, 0,
						     1 + i, 1, 0 },
			     v4, proto);
	}
}

static size_t build(bool v4, uint8_t proto, uint8_t *buffer)
{
	struct frame frame = {
		.smac = M_CLIENT,
		.dmac = M_NIC,
		.src = H_CLIENT,
		.dst = H_EXTERNAL,
		.sport = 40000,
		.dport = 80,
		.proto = proto,
		.tcp_flags = TH_SYN,
		.payload = 20,
	};

	return frame_build(&frame, v4, buffer);
}

/* ------------------------------------------------- kinds that are not ours -- */

/* Each turns a good SYN into something that must pass untouched. */
static void make_arp(uint8_t *f)
{
	f[12] = 0x08, f[13] = 0x06;
}

static void make_vlan(uint8_t *f)
{
	f[12] = 0x81, f[13] = 0x00;
}

static void make_later_fragment(uint8_t *f)
{
	f[ETH_HLEN + 7] = 0x10;
}

static void make_icmp(uint8_t *f)
{
	f[ETH_HLEN + 9] = IPPROTO_ICMP;
}

static void make_sctp(uint8_t *f)
{
	f[ETH_HLEN + 9] = 132;
}

static void make_wrong_version(uint8_t *f)
{
	f[ETH_HLEN] = 0x65;
}

static void make_short_header(uint8_t *f)
{
	f[ETH_HLEN] = 0x44;
}

static void make_short_total(uint8_t *f)
{
	f[ETH_HLEN + 2] = 0, f[ETH_HLEN + 3] = 19;
}

static void make_long_header(uint8_t *f)
{
	f[ETH_HLEN] = 0x4f; /* options that reach behind the frame's ports */
}

static void make6_wrong_version(uint8_t *f)
{
	f[ETH_HLEN] = 0x45;
}

static void make6_chain(uint8_t *f)
{
	f[ETH_HLEN + 6] = 0; /* hop-by-hop options that reach past the packet */
	f[ETH_HLEN + 40] = 0, f[ETH_HLEN + 41] = 255;
}

static void make6_icmp(uint8_t *f)
{
	f[ETH_HLEN + 6] = 58;
}

static const struct {
	const char *name;
	bool v4;
	void (*make)(uint8_t *frame);
} kinds[] = {
	{ "ARP", true, make_arp },
	{ "VLAN tag", true, make_vlan },
	{ "later fragment", true, make_later_fragment },
	{ "ICMP", true, make_icmp },
	{ "SCTP", true, make_sctp },
	{ "IPv6 inside an IPv4 frame", true, make_wrong_version },
	{ "IPv4 header of 16 bytes", true, make_short_header },
	{ "IPv4 length shorter than its header", true, make_short_total },
	{ "IPv4 options over the ports", true, make_long_header },
	{ "IPv4 inside an IPv6 frame", false, make6_wrong_version },
	{ "IPv6 extension headers without end", false, make6_chain },
	{ "ICMPv6", false, make6_icmp },
};

static const enum rig_hook hooks[] = { AT_NIC, AT_NIC_TC, AT_POD_A, AT_NIC_EGRESS };

/* The kernel's test runs take no shorter frames: a link header, at TC a network header too. */
static size_t shortest(enum rig_hook hook, bool v4)
{
	return ETH_HLEN + (hook == AT_NIC ? 0u : v4 ? 20u : 40u);
}

/* -1: wrong. */
static int passes_untouched(const char *name, enum rig_hook hook, const uint8_t *frame, size_t size)
{
	uint8_t got[FRAME_MAX * 2];
	size_t got_size = size;

	memcpy(got, frame, size);
	if (rig_run(hook, got, &got_size) != DO_PASS ||
	    !frame_equal(name, frame, size, got, got_size)) {
		printf("    %s at hook %d: not left alone\n", name, hook);
		return -1;
	}
	return 0;
}

static void test_kinds_pass_untouched(void **state)
{
	uint8_t frame[FRAME_MAX];
	int wrong = 0;

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		service(RIG_XDP, kinds[k].v4);
		for (size_t h = 0; h < sizeof(hooks) / sizeof(*hooks); h++) {
			size_t size = build(kinds[k].v4, IPPROTO_TCP, frame);

			kinds[k].make(frame);
			wrong += passes_untouched(kinds[k].name, hooks[h], frame, size) < 0;
		}
	}
	assert_int_equal(wrong, 0);
}

static void test_every_truncation_passes_untouched(void **state)
{
	uint8_t frame[FRAME_MAX];
	int wrong = 0;

	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		bool v4 = variant & 1;
		uint8_t proto = variant & 2 ? IPPROTO_TCP : IPPROTO_UDP;
		size_t l4 = ETH_HLEN + (v4 ? 20u : 40u) + (proto == IPPROTO_TCP ? 20u : 8u);

		service(RIG_XDP, v4);
		build(v4, proto, frame);
		for (size_t size = ETH_HLEN; size < l4; size++)
			for (size_t h = 0; h < sizeof(hooks) / sizeof(*hooks); h++)
				if (size >= shortest(hooks[h], v4))
					wrong += passes_untouched("truncated", hooks[h], frame,
								  size) < 0;
	}
	assert_int_equal(wrong, 0);
}

static void test_options_are_served(void **state)
{
	uint8_t got[FRAME_MAX * 2], want[FRAME_MAX];
	struct frame frame = {
		.smac = M_CLIENT,
		.dmac = M_NIC,
		.src = H_CLIENT,
		.dst = H_EXTERNAL,
		.sport = 40000,
		.dport = 80,
		.proto = IPPROTO_TCP,
		.tcp_flags = TH_SYN,
		.options = true,
		.payload = 7,
	};

	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		bool v4 = variant & 1;
		size_t size, ports = ETH_HLEN + (v4 ? 24 : 48);
		struct frame out = frame;

		service(variant & 2 ? RIG_TC : RIG_XDP, v4);
		size = frame_build(&frame, v4, got);
		assert_int_equal(rig_run(AT_NIC, got, &size), DO_SEND);
		out.smac = M_NIC, out.dmac = M_NODE2;
		out.src = H_NODE, out.dst = H_REMOTE;
		out.sport = (uint16_t)(got[ports] << 8 | got[ports + 1]);
		out.dport = 8080, out.ttl = 63;
		assert_true(frame_equal("options", want, frame_build(&out, v4, want), got, size));
	}
}

/* More than a page: at XDP it comes in several buffers. (TC's test runs take no such packets.) */
static void test_jumbo(void **state)
{
	static uint8_t frame[JUMBO], got[JUMBO];
	const struct lb_addr to = frame_addr(H_REMOTE, true);
	const size_t header = ETH_HLEN + 20 + 8;
	size_t size = JUMBO;

	(void)state;
	service(RIG_XDP, true);
	build(true, IPPROTO_UDP, frame);
	frame[ETH_HLEN + 2] = (JUMBO - ETH_HLEN) >> 8;
	frame[ETH_HLEN + 3] = (JUMBO - ETH_HLEN) & 0xff;
	memset(frame + header, 0x5a, JUMBO - header);
	memcpy(got, frame, JUMBO);
	assert_int_equal(rig_run(AT_NIC, got, &size), DO_SEND);
	assert_int_equal(size, JUMBO);
	assert_memory_equal(got + ETH_HLEN + 16, &to.word[3], 4);
	assert_memory_equal(got + header, frame + header, JUMBO - header);
}

/* ------------------------------------------------------------- mutation -- */

static uint64_t random_state = 88172645463325252ull;

static uint32_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

/*
 * Whatever arrives, a verdict comes back, and a frame whose destination is not the service's
 * passes with not one byte changed.
 */
static void test_mutations(void **state)
{
	uint8_t frame[FRAME_MAX], got[FRAME_MAX * 2];
	unsigned int ours = 0;

	(void)state;
	for (unsigned int i = 0; i < 40000; i++) {
		bool v4 = random_next() & 1;
		size_t size, got_size, at = ETH_HLEN + (v4 ? 16u : 24u);
		enum rig_hook hook;
		uint8_t before[16];

		if (i % 1000 == 0)
			service(i % 2000 ? RIG_XDP : RIG_TC, true), service(RIG_XDP, false);
		size = build(v4, random_next() & 1 ? IPPROTO_TCP : IPPROTO_UDP, frame);
		memcpy(before, frame + at, v4 ? 4 : 16);
		for (unsigned int n = random_next() % 4; n; n--)
			frame[ETH_HLEN + random_next() % (size - ETH_HLEN)] =
				(uint8_t)random_next();
		hook = hooks[random_next() % 4];
		if (random_next() % 4 == 0)
			size = shortest(hook, v4) + random_next() % (size - shortest(hook, v4));
		memcpy(got, frame, size);
		got_size = size;
		if (rig_run(hook, got, &got_size) != DO_PASS) {
			ours++;
			continue;
		}
		if (size < at + 16 || memcmp(before, frame + at, v4 ? 4 : 16))
			assert_true(frame_equal("mutation", frame, size, got, got_size));
	}
	assert_in_range(ours, 1000, 39000); /* both kinds were met */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_pass_untouched),
		cmocka_unit_test(test_every_truncation_passes_untouched),
		cmocka_unit_test(test_options_are_served),
		cmocka_unit_test(test_jumbo),
		cmocka_unit_test(test_mutations),
	};
	int failed;

	rig_open(4096, 20000, false, true);
	failed = cmocka_run_group_tests_name("malformed", tests, NULL, NULL);
	rig_close();
	return failed;
}
