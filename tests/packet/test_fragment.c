/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments of a service's datagrams: in order, out of order, orphans, and other people's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>
#include <unistd.h>

#include "tests/packet/scenario.h"

/* Rows name what matters in them; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define SPLIT 40
#define ID 4711

static void service(enum rig_mode mode, enum host backend, bool v4)
{
	unsigned int local = backend == H_POD_B;

	rig_reset(mode);
	rig_backend(1, 1, backend, v4, IPPROTO_UDP, local ? LB_BACKEND_LOCAL : 0);
	rig_frontend(
		&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, local },
		v4, IPPROTO_UDP);
	rig_frontend(
		&(struct rig_frontend){ H_EXTERNAL, 0, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, local },
		v4, v4 ? IPPROTO_ICMP : 58);
}

static size_t fragment_of(const struct frame *frame, bool later, bool v4, uint8_t *buffer)
{
	struct frame whole = *frame;
	uint8_t built[FRAME_MAX];

	whole.proto = IPPROTO_UDP;
	whole.payload = 120;
	frame_build(&whole, v4, built);
	return frame_fragment(built, SPLIT, later, ID, v4, buffer);
}

/* Runs one half of `in`; what comes out must be the same half of `out`. */
static uint16_t check_half(enum rig_hook hook, const struct frame *in, const struct frame *out,
			   bool later, enum rig_action action, bool v4)
{
	uint8_t got[FRAME_MAX * 2], want[FRAME_MAX];
	struct frame expected = *out;
	size_t size, ports = 14 + (v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr) + 8);
	uint16_t sport;

	size = fragment_of(in, later, v4, got);
	assert_int_equal(rig_run(hook, got, &size), action);
	sport = (uint16_t)(got[ports] << 8 | got[ports + 1]);
	if (expected.sport == MASQ)
		expected.sport = sport;
	expected.ttl = action == DO_SEND ? 63 : 64;
	assert_true(frame_equal("half", want, fragment_of(&expected, later, v4, want), got, size));
	return sport;
}

static const struct frame request = { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80 };

static void test_masqueraded(void **state)
{
	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		struct frame out = { NIC_TO_NODE2, H_NODE, H_REMOTE, MASQ, 8080 };
		struct frame back = { NODE2_TO_NIC, H_REMOTE, H_NODE, 8080, 0 };
		struct frame answer = { NIC_TO_CLIENT, H_EXTERNAL, H_CLIENT, 80, 40000 };
		bool v4 = variant & 1;

		service(variant & 2 ? RIG_TC : RIG_XDP, H_REMOTE, v4);
		out.sport = check_half(AT_NIC, &request, &out, false, DO_SEND, v4);
		check_half(AT_NIC, &request, &out, true, DO_SEND, v4);
		back.dport = out.sport;
		check_half(AT_NIC, &back, &answer, false, DO_SEND, v4);
		check_half(AT_NIC, &back, &answer, true, DO_SEND, v4);
	}
}

static void test_client_kept(void **state)
{
	static const struct frame in = { CLIENT_TO_NIC, H_CLIENT, H_POD_B, 40000, 8080 };
	static const struct frame back = { NIC_TO_CLIENT, H_POD_B, H_CLIENT, 8080, 40000 };
	static const struct frame answer = { NIC_TO_CLIENT, H_EXTERNAL, H_CLIENT, 80, 40000 };

	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		bool v4 = variant & 1;

		service(variant & 2 ? RIG_TC : RIG_XDP, H_POD_B, v4);
		check_half(AT_NIC, &request, &in, false, DO_PASS, v4);
		check_half(AT_NIC, &request, &in, true, DO_PASS, v4);
		check_half(AT_NIC_EGRESS, &back, &answer, false, DO_PASS, v4);
		check_half(AT_NIC_EGRESS, &back, &answer, true, DO_PASS, v4);
	}
}

/* The later half comes first: XDP leaves it to TC, TC sends it round until the first was seen. */
static void test_out_of_order(void **state)
{
	static const struct frame in = { CLIENT_TO_NIC, H_CLIENT, H_POD_B, 40000, 8080 };

	(void)state;
	for (int v4 = 0; v4 < 2; v4++) {
		uint8_t want[FRAME_MAX], got[FRAME_MAX * 2];
		size_t size;

		service(RIG_XDP, H_POD_B, v4);
		size = fragment_of(&request, true, v4, want);
		memcpy(got, want, size);
		assert_int_equal(rig_run(AT_NIC, got, &size), DO_HANDOFF);
		assert_int_equal(rig_run(AT_NIC_TC, got, &size), DO_SEND);
		assert_true(frame_equal("round", want, size, got, size));
		assert_int_not_equal(rig_mark(), 0);
		check_half(AT_NIC, &request, &in, false, DO_PASS, v4);
		check_half(AT_NIC_TC, &request, &in, true, DO_PASS, v4);
		assert_int_equal(rig_mark(), 0); /* nobody else sees our mark */
	}
}

static unsigned int rounds_until(enum rig_action action, enum host to, bool v4)
{
	struct frame frame = request;
	unsigned int rounds = 0;

	usleep(20000); /* a new jiffy has its budget whole */
	frame.dst = to;
	for (enum rig_action got = DO_SEND; got != action; rounds++) {
		uint8_t buffer[FRAME_MAX * 2];
		size_t size = fragment_of(&frame, true, v4, buffer);

		assert_true(rounds < 2000);
		got = rig_run(AT_NIC_TC, buffer, &size);
	}
	return rounds;
}

static void test_orphans(void **state)
{
	(void)state;
	for (int v4 = 0; v4 < 2; v4++) {
		service(RIG_TC, H_POD_B, v4);
		assert_int_equal(rounds_until(DO_PASS, H_CLIENT2, v4), 1); /* not ours */
		assert_int_equal(rounds_until(DO_DROP, H_EXTERNAL, v4), 1001);
		assert_int_equal(rig_reason(LB_REASON_FRAGMENT), 1);
		assert_int_equal(rounds_until(DO_PASS, H_NODE, v4), 1001); /* may be the host's */
		assert_int_equal(rig_mark(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_masqueraded),
		cmocka_unit_test(test_client_kept),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_orphans),
	};
	int failed;

	rig_open(4096, 20000, false, true);
	failed = cmocka_run_group_tests_name("fragments", tests, NULL, NULL);
	rig_close();
	return failed;
}
