/* SPDX-License-Identifier: Apache-2.0 */
/* Errors about a service's packets, in and out, and echo to a service's address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "tests/packet/scenario.h"

/* Rows name what matters in them; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* An error as it arrives or leaves: its own way, and the packet that it quotes. */
struct error_frame {
	struct frame outer, inner;
};

struct error_case {
	const char *name;
	void (*setup)(bool v4, uint8_t proto);
	struct frame first; /* makes the flow; no source: there is none */
	enum rig_hook first_hook;
	enum rig_hook hook;
	struct error_frame in;
	enum outcome outcome;
	struct error_frame out; /* unless UNTOUCHED */
};

static void remote(bool v4, uint8_t proto)
{
	rig_backend(1, 1, H_REMOTE, v4, proto, 0);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, 0 },
		     v4, proto);
}

static void local(bool v4, uint8_t proto)
{
	rig_backend(1, 1, H_POD_B, v4, proto, LB_BACKEND_LOCAL);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, 1 },
		     v4, proto);
}

#define CLIENT_ASKS CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80
#define NODE_ASKS H_NODE, H_REMOTE, MASQ, 8080

static const struct error_case cases[] = {
	{ "a router on the way to the backend",
	  remote,
	  { CLIENT_ASKS, SYN },
	  AT_NIC,
	  AT_NIC,
	  { { NODE2_TO_NIC, H_CLIENT2, H_NODE }, { .src = NODE_ASKS } },
	  SENT,
	  { { NIC_TO_CLIENT, H_CLIENT2, H_CLIENT }, { .src = H_CLIENT, H_EXTERNAL, 40000, 80 } } },
	{ "the backend itself: it speaks with the service's address",
	  remote,
	  { CLIENT_ASKS, SYN },
	  AT_NIC,
	  AT_NIC,
	  { { NODE2_TO_NIC, H_REMOTE, H_NODE }, { .src = NODE_ASKS } },
	  SENT,
	  { { NIC_TO_CLIENT, H_EXTERNAL, H_CLIENT }, { .src = H_CLIENT, H_EXTERNAL, 40000, 80 } } },
	{ "a router on the way to the client: to the backend, from the node",
	  remote,
	  { CLIENT_ASKS, SYN },
	  AT_NIC,
	  AT_NIC,
	  { { CLIENT_TO_NIC, H_CLIENT2, H_EXTERNAL }, { .src = H_EXTERNAL, H_CLIENT, 80, 40000 } },
	  SENT,
	  { { NIC_TO_NODE2, H_NODE, H_REMOTE }, { .src = H_REMOTE, H_NODE, 8080, MASQ } } },
	{ "a router on the way to the client, backend here",
	  local,
	  { CLIENT_ASKS, SYN },
	  AT_NIC,
	  AT_NIC,
	  { { CLIENT_TO_NIC, H_CLIENT2, H_EXTERNAL }, { .src = H_EXTERNAL, H_CLIENT, 80, 40000 } },
	  STACK,
	  { { CLIENT_TO_NIC, H_CLIENT2, H_POD_B }, { .src = H_POD_B, H_CLIENT, 8080, 40000 } } },
	{ "a backend of this node, on its way out",
	  local,
	  { CLIENT_ASKS, SYN },
	  AT_NIC,
	  AT_NIC_EGRESS,
	  { { NIC_TO_CLIENT, H_POD_B, H_CLIENT }, { .src = H_CLIENT, H_POD_B, 40000, 8080 } },
	  STACK,
	  { { NIC_TO_CLIENT, H_EXTERNAL, H_CLIENT }, { .src = H_CLIENT, H_EXTERNAL, 40000, 80 } } },
	{ "the same on its way in is for the way out to mend",
	  local,
	  { CLIENT_ASKS, SYN },
	  AT_NIC,
	  AT_POD_B,
	  { { POD_B_TO_VETH, H_POD_B, H_CLIENT }, { .src = H_CLIENT, H_POD_B, 40000, 8080 } },
	  UNTOUCHED },
	{ "another node has the flow: the backend by Maglev alone",
	  local,
	  { .src = H_NONE },
	  AT_NIC,
	  AT_NIC,
	  { { CLIENT_TO_NIC, H_CLIENT2, H_EXTERNAL }, { .src = H_EXTERNAL, H_CLIENT, 80, 40000 } },
	  STACK,
	  { { CLIENT_TO_NIC, H_CLIENT2, H_POD_B }, { .src = H_POD_B, H_CLIENT, 8080, 40000 } } },
	{ "about a packet that is not ours",
	  local,
	  { CLIENT_ASKS, SYN },
	  AT_NIC,
	  AT_NIC,
	  { { CLIENT_TO_NIC, H_CLIENT2, H_NODE }, { .src = H_NODE, H_CLIENT, 22, 40000 } },
	  UNTOUCHED },
};

/* Port and protocol, which the rows leave out. */
static struct error_frame complete(const struct error_frame *row, uint8_t proto, uint16_t masq)
{
	struct error_frame frame = *row;

	frame.inner.proto = proto;
	frame.inner.tcp_flags = TH_ACK;
	frame.inner.payload = 30;
	if (frame.inner.sport == MASQ)
		frame.inner.sport = masq;
	if (frame.inner.dport == MASQ)
		frame.inner.dport = masq;
	return frame;
}

static uint16_t make_flow(const struct error_case *c, bool v4, uint8_t proto)
{
	struct frame frame = c->first;
	uint8_t buffer[FRAME_MAX * 2];
	size_t size;

	if (!frame.src)
		return 0;
	frame.proto = proto;
	size = frame_build(&frame, v4, buffer);
	rig_run(c->first_hook, buffer, &size);
	return frame_sport(buffer, v4);
}

static int run_case(const struct error_case *c, bool v4, uint8_t proto, enum rig_mode mode,
		    size_t quoted)
{
	uint8_t got[FRAME_MAX * 2], want[FRAME_MAX];
	struct error_frame in, out;
	enum rig_action action;
	char name[160];
	size_t size, want_size;
	uint16_t masq;

	snprintf(name, sizeof(name), "%s, IPv%d %s %s, %zu bytes quoted", c->name, v4 ? 4 : 6,
		 proto == IPPROTO_TCP ? "TCP" : "UDP", mode == RIG_XDP ? "XDP" : "TC", quoted);
	rig_reset(mode);
	c->setup(v4, proto);
	masq = make_flow(c, v4, proto);
	in = complete(&c->in, proto, masq);
	size = frame_build_error(ERROR_TOO_BIG, &in.outer, &in.inner, quoted, v4, got);
	if (c->outcome == UNTOUCHED) {
		memcpy(want, got, size);
		want_size = size;
	} else {
		out = complete(&c->out, proto, masq);
		out.outer.ttl = c->outcome == SENT ? 63 : 64;
		want_size =
			frame_build_error(ERROR_TOO_BIG, &out.outer, &out.inner, quoted, v4, want);
	}
	action = rig_run(c->hook, got, &size);
	if (action != (c->outcome == SENT ? DO_SEND : DO_PASS)) {
		printf("    %s: action %d\n", name, action);
		return 1;
	}
	return !frame_equal(name, want, want_size, got, size);
}

static void test_errors(void **state)
{
	static const size_t quoted[] = { 8, 16, 20, 28 };
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int variant = 0; variant < 32; variant++)
			wrong += run_case(&cases[i], variant & 1,
					  variant & 2 ? IPPROTO_TCP : IPPROTO_UDP,
					  variant & 4 ? RIG_TC : RIG_XDP, quoted[variant >> 3]);
	assert_int_equal(wrong, 0);
}

/* ---------------------------------------------------------------- echo -- */

static void echo_service(unsigned int endpoints, unsigned int flags, bool v4)
{
	uint8_t proto = v4 ? IPPROTO_ICMP : 58;

	rig_backend(1, 1, H_REMOTE, v4, IPPROTO_TCP, 0);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 0, 1, flags, 0, 1, endpoints, 0 }, v4,
		     proto);
}

static void test_echo(void **state)
{
	static const struct {
		const char *name;
		unsigned int endpoints, flags;
		enum host to;
		enum rig_action action;
		bool answered;
	} rows[] = {
		{ "usable endpoint", 1, LB_FRONTEND_ECHO, H_EXTERNAL, DO_SEND, true },
		{ "no usable endpoint", 0, LB_FRONTEND_ECHO, H_EXTERNAL, DO_DROP, false },
		{ "another address", 1, LB_FRONTEND_ECHO, H_NODE, DO_PASS, false },
		{ "icmpEcho is off", 1, 0, H_EXTERNAL, DO_PASS, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (int variant = 0; variant < 4; variant++) {
			struct frame frame = { CLIENT_TO_NIC, H_CLIENT, rows[i].to, .payload = 56 };
			struct frame answer = { NIC_TO_CLIENT, rows[i].to, H_CLIENT,
						.payload = 56 };
			uint8_t got[FRAME_MAX * 2], want[FRAME_MAX];
			bool v4 = variant & 1;
			size_t size;

			rig_reset(variant & 2 ? RIG_TC : RIG_XDP);
			echo_service(rows[i].endpoints, rows[i].flags, v4);
			size = frame_build_echo(&frame, false, v4, got);
			assert_int_equal(rig_run(AT_NIC, got, &size), rows[i].action);
			if (rows[i].action == DO_DROP)
				continue;
			frame_build_echo(rows[i].answered ? &answer : &frame, rows[i].answered, v4,
					 want);
			assert_true(frame_equal(rows[i].name, want, size, got, size));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_echo),
	};
	int failed;

	rig_open(4096, 20000, false, true);
	failed = cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
	rig_close();
	return failed;
}
