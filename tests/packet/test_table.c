/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table and the choice of backends under many flows: who stays, who goes, who shares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

#include "tests/packet/rig.h"

#define FIRST_PORT 20000

/* What a frame of the client's flow became. */
struct sent {
	enum rig_action action;
	uint8_t frame[FRAME_MAX * 2];
	size_t size;
};

static void send_at(enum rig_hook hook, struct frame frame, bool v4, struct sent *ret)
{
	ret->size = frame_build(&frame, v4, ret->frame);
	ret->action = rig_run(hook, ret->frame, &ret->size);
}

static void request(unsigned int flow, uint8_t flags, bool v4, struct sent *ret)
{
	struct frame frame = {
		.smac = M_CLIENT,
		.dmac = M_NIC,
		.src = H_CLIENT,
		.dst = H_EXTERNAL,
		.sport = (uint16_t)(FIRST_PORT + flow),
		.dport = 80,
		.proto = IPPROTO_TCP,
		.tcp_flags = flags,
	};

	send_at(AT_NIC, frame, v4, ret);
}

static void answer(uint16_t masq_port, uint8_t flags, bool v4, struct sent *ret)
{
	struct frame frame = {
		.smac = M_NODE2,
		.dmac = M_NIC,
		.src = H_REMOTE,
		.dst = H_NODE,
		.sport = 8080,
		.dport = masq_port,
		.proto = IPPROTO_TCP,
		.tcp_flags = flags,
	};

	send_at(AT_NIC, frame, v4, ret);
}

/* The whole handshake; returns the flow's masquerade port, or 0 when it was refused. */
static uint16_t establish(unsigned int flow, bool v4)
{
	struct sent sent;
	uint16_t port;

	request(flow, TH_SYN, v4, &sent);
	if (sent.action != DO_SEND)
		return 0;
	port = frame_sport(sent.frame, v4);
	answer(port, TH_SYN | TH_ACK, v4, &sent);
	assert_int_equal(sent.action, DO_SEND);
	request(flow, TH_ACK, v4, &sent);
	assert_int_equal(sent.action, DO_SEND);
	return port;
}

static void one_remote(bool v4)
{
	rig_reset(RIG_XDP);
	rig_backend(1, 1, H_REMOTE, v4, IPPROTO_TCP, 0);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, 0 },
		     v4, IPPROTO_TCP);
}

/* ----------------------------------------------------------- eviction -- */

#define SMALL_TABLE 64

static void check_established_stays(bool v4)
{
	uint16_t port[SMALL_TABLE] = { 0 };
	unsigned int refused = 0;
	struct sent sent;

	one_remote(v4);
	for (unsigned int flow = 0; flow < 24; flow++)
		port[flow] = establish(flow, v4);
	refused = (unsigned int)rig_reason(LB_REASON_NO_ROOM);
	for (unsigned int flow = 100; flow < 3000; flow++) { /* a flood of half-open ones */
		request(flow, TH_SYN, v4, &sent);
		refused += sent.action == DO_DROP;
	}
	assert_int_equal(rig_reason(LB_REASON_NO_ROOM), refused);
	assert_true(rig_evictions(LB_EVICTED_UNCONFIRMED) > 0);
	assert_int_equal(rig_evictions(LB_EVICTED_CLOSED), 0);
	for (unsigned int flow = 0; flow < 24; flow++) {
		if (!port[flow])
			continue;
		request(flow, TH_ACK, v4, &sent);
		assert_int_equal(sent.action, DO_SEND);
		assert_int_equal(frame_sport(sent.frame, v4), port[flow]);
		answer(port[flow], TH_ACK, v4, &sent);
		assert_int_equal(sent.action, DO_SEND);
	}
}

static void test_flood_breaks_no_connection(void **state)
{
	(void)state;
	check_established_stays(true);
	check_established_stays(false);
}

static void test_full_table_refuses_and_recovers(void **state)
{
	unsigned int fitted = 0, again = 0;

	(void)state;
	one_remote(true);
	assert_int_equal(rig_evictions(LB_EVICTED_EXPIRED), 0);
	for (unsigned int flow = 0; flow < 200; flow++)
		fitted += establish(flow, true) != 0;
	assert_true(rig_flows(true) <= SMALL_TABLE);
	assert_true(fitted >= SMALL_TABLE / 4); /* most of the table, two entries a flow */
	assert_true(rig_reason(LB_REASON_NO_ROOM) >= 200 - SMALL_TABLE);
	rig_age(86401); /* all of them expire */
	for (unsigned int flow = 1000; flow < 1010; flow++)
		again += establish(flow, true) != 0;
	assert_true(again >= 9);
	assert_true(rig_evictions(LB_EVICTED_EXPIRED) > 0);
}

static void test_closed_flows_make_room(void **state)
{
	unsigned int fitted = 0;
	struct sent sent;

	(void)state;
	one_remote(true);
	for (unsigned int flow = 0; flow < 2000; flow++) {
		uint16_t port = establish(flow, true);

		if (!port)
			continue;
		fitted++;
		request(flow, TH_FIN | TH_ACK, true, &sent);
		answer(port, TH_FIN | TH_ACK, true, &sent);
		request(flow, TH_ACK, true, &sent);
		assert_int_equal(sent.action, DO_SEND);
	}
	assert_int_equal(fitted, 2000); /* thirty times what the table holds */
	/* Two entries a flow, less what lay in the table at the end. */
	assert_in_range(rig_evictions(LB_EVICTED_CLOSED) + rig_evictions(LB_EVICTED_EXPIRED),
			2 * 2000 - SMALL_TABLE, 2 * 2000);
}

/* -------------------------------------------------------------- ports -- */

static void test_no_port_left(void **state)
{
	struct sent sent;

	(void)state;
	rig_close();
	rig_open(4096, 1, false, true);
	one_remote(true);
	assert_int_not_equal(establish(0, true), 0);
	request(1, TH_SYN, true, &sent);
	assert_int_equal(sent.action, DO_DROP);
	assert_int_equal(rig_reason(LB_REASON_NO_PORT), 1);
	/* The port is free towards another backend. */
	rig_backend(1, 1, H_REMOTE2, true, IPPROTO_TCP, 0);
	request(2, TH_SYN, true, &sent);
	assert_int_equal(sent.action, DO_SEND);
	assert_int_equal(frame_sport(sent.frame, true), 10000);
}

/* A port whose flow is closed is the last choice: the backend may still know the old connection. */
static void test_closed_ports_come_last(void **state)
{
	struct sent sent;
	uint16_t first;

	(void)state;
	rig_close();
	rig_open(4096, 2, false, true);
	one_remote(true);
	first = establish(0, true);
	request(0, TH_FIN | TH_ACK, true, &sent);
	answer(first, TH_FIN | TH_ACK, true, &sent);
	assert_int_not_equal(establish(1, true), first);
	assert_int_equal(establish(2, true), first);
	request(3, TH_SYN, true, &sent);
	assert_int_equal(sent.action, DO_DROP);
}

static void test_no_two_clients_share_a_port(void **state)
{
	static uint8_t used[65536];
	unsigned int made = 0;

	(void)state;
	rig_close();
	rig_open(16384, 4000, false, true);
	one_remote(true);
	memset(used, 0, sizeof(used));
	for (unsigned int flow = 0; flow < 2000; flow++) {
		uint16_t port = establish(flow, true);

		if (!port)
			continue;
		assert_in_range(port, 10000, 13999);
		assert_int_equal(used[port]++, 0);
		made++;
	}
	assert_true(made > 1990); /* half of the ports are taken by then */
}

static void test_evicted_entry_finds_its_port_again(void **state)
{
	struct sent sent;
	uint16_t port;

	(void)state;
	rig_close();
	rig_open(4096, 20000, false, true);
	one_remote(true);
	port = establish(0, true);
	rig_age(86401); /* only the client's own entry is looked at from here on */
	request(0, TH_ACK, true, &sent);
	assert_int_equal(frame_sport(sent.frame, true), port);
}

/* ------------------------------------------------------------- choice -- */

static uint32_t daddr4(const uint8_t *frame)
{
	uint32_t addr;

	memcpy(&addr, frame + 14 + 16, sizeof(addr));
	return addr;
}

/* Three local backends with addresses of the hosts that there are. */
static void three_backends(unsigned int affinity, bool v4)
{
	rig_reset(RIG_XDP);
	rig_backend(1, 1, H_POD_A, v4, IPPROTO_TCP, LB_BACKEND_LOCAL);
	rig_backend(2, 1, H_POD_B, v4, IPPROTO_TCP, LB_BACKEND_LOCAL);
	rig_backend(3, 1, H_REMOTE2, v4, IPPROTO_TCP, LB_BACKEND_LOCAL);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, affinity, 1,
					     3, 3 },
		     v4, IPPROTO_TCP);
}

static void test_spread_is_even(void **state)
{
	unsigned int hits[3] = { 0 };
	double chi2 = 0;
	struct sent sent;

	(void)state;
	rig_close();
	rig_open(16384, 20000, false, true);
	three_backends(0, true);
	for (unsigned int flow = 0; flow < 1500; flow++) {
		request(flow, TH_SYN, true, &sent);
		assert_int_equal(sent.action, DO_PASS);
		for (int i = 0; i < 3; i++) {
			static const enum host hosts[] = { H_POD_A, H_POD_B, H_REMOTE2 };

			hits[i] += frame_addr(hosts[i], true).word[3] == daddr4(sent.frame);
		}
	}
	for (int i = 0; i < 3; i++)
		chi2 += (hits[i] - 500.0) * (hits[i] - 500.0) / 500.0;
	assert_true(chi2 < 9.21); /* 1 % with 2 degrees of freedom; the hash is fixed, so is this */
}

static void test_affinity(void **state)
{
	struct sent sent;
	uint32_t first;
	unsigned int moved = 0;

	(void)state;
	three_backends(100, true);
	request(0, TH_SYN, true, &sent);
	first = daddr4(sent.frame);
	/* The table changes under it: the client stays as long as its backend does. */
	rig_frontend(
		&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 100, 2, 2, 2 },
		true, IPPROTO_TCP);
	for (unsigned int flow = 1; flow < 50; flow++) {
		rig_age_affinity(60); /* sliding: each use starts the time anew */
		request(flow, TH_SYN, true, &sent);
		moved += daddr4(sent.frame) != first;
	}
	assert_int_equal(moved, 0);
	rig_backend_retire(1, LB_BACKEND_TERMINATING);
	rig_backend_retire(2, LB_BACKEND_TERMINATING);
	rig_backend_retire(3, 0);
	rig_frontend(
		&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 100, 3, 1, 1 },
		true, IPPROTO_TCP);
	request(60, TH_SYN, true, &sent);
	assert_int_equal(daddr4(sent.frame), frame_addr(H_REMOTE2, true).word[3]);
}

/* Neighbours differ in the last byte of their address alone. */
static void affinity_spreads(bool v4)
{
	static const enum host hosts[] = { H_POD_A, H_POD_B, H_REMOTE2 };
	const size_t last = v4 ? 14 + 15 : 14 + 23, daddr = v4 ? 14 + 16 : 14 + 24;
	struct frame frame = { .smac = M_CLIENT,
			       .dmac = M_NIC,
			       .src = H_CLIENT,
			       .dst = H_EXTERNAL,
			       .sport = FIRST_PORT,
			       .dport = 80,
			       .proto = IPPROTO_TCP,
			       .tcp_flags = TH_SYN };
	unsigned int hits[3] = { 0 };
	struct sent sent;

	three_backends(100, v4);
	for (unsigned int client = 10; client < 250; client++) {
		sent.size = frame_build(&frame, v4, sent.frame);
		sent.frame[last] = (uint8_t)client;
		frame_checksum(sent.frame, v4);
		sent.action = rig_run(AT_NIC, sent.frame, &sent.size);
		assert_int_equal(sent.action, DO_PASS);
		for (int i = 0; i < 3; i++) {
			struct lb_addr addr = frame_addr(hosts[i], v4);

			hits[i] += !memcmp(v4 ? &addr.word[3] : addr.word, sent.frame + daddr,
					   v4 ? 4 : 16);
		}
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(hits[i], 60, 100);
}

static void test_affinity_spreads(void **state)
{
	(void)state;
	affinity_spreads(true);
	affinity_spreads(false);
}

static void test_affinity_ends(void **state)
{
	struct sent sent;

	(void)state;
	three_backends(100, true);
	rig_frontend(
		&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 100, 1, 1, 1 },
		true, IPPROTO_TCP);
	request(0, TH_SYN, true, &sent);
	rig_frontend(
		&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 100, 2, 1, 1 },
		true, IPPROTO_TCP);
	request(1, TH_SYN, true, &sent);
	assert_int_equal(daddr4(sent.frame), frame_addr(H_POD_A, true).word[3]);
	rig_age_affinity(101);
	request(2, TH_SYN, true, &sent);
	assert_int_equal(daddr4(sent.frame), frame_addr(H_POD_B, true).word[3]);
}

static void test_counters(void **state)
{
	struct lb_stats stats;
	struct sent sent;

	(void)state;
	one_remote(true);
	establish(0, true);
	request(0, TH_ACK, true, &sent);
	establish(1, true);
	stats = rig_backend_stats(1);
	assert_int_equal(stats.connections, 2);
	assert_int_equal(stats.packets, 7);
	assert_int_equal(stats.bytes, 7 * 54);
}

static int setup_small(void **state)
{
	(void)state;
	rig_open(SMALL_TABLE, 20000, false, true);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood_breaks_no_connection),
		cmocka_unit_test(test_full_table_refuses_and_recovers),
		cmocka_unit_test(test_closed_flows_make_room),
		cmocka_unit_test(test_no_port_left),
		cmocka_unit_test(test_closed_ports_come_last),
		cmocka_unit_test(test_no_two_clients_share_a_port),
		cmocka_unit_test(test_evicted_entry_finds_its_port_again),
		cmocka_unit_test(test_spread_is_even),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_affinity_spreads),
		cmocka_unit_test(test_affinity_ends),
		cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests_name("flow table", tests, setup_small, NULL);
}
