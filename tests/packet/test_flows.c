/* SPDX-License-Identifier: Apache-2.0 */
/* Every way that a packet of a service can take, as rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/packet/scenario.h"

/* Rows name what matters in them; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* ------------------------------------------------------------ services -- */

static void external_remote(bool v4, uint8_t proto)
{
	rig_backend(1, 1, H_REMOTE, v4, proto, 0);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, 0 },
		     v4, proto);
}

static void external_local(bool v4, uint8_t proto)
{
	rig_backend(1, 1, H_POD_B, v4, proto, LB_BACKEND_LOCAL | LB_BACKEND_POD);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, 1 },
		     v4, proto);
}

static void cluster(bool v4, uint8_t proto, enum host backend, unsigned int flags)
{
	rig_backend(1, 1, backend, v4, proto, flags);
	rig_frontend(&(struct rig_frontend){ H_CLUSTER_IP, 80, 1, 0, 0, 1, 1, 0 }, v4, proto);
}

static void cluster_remote(bool v4, uint8_t proto)
{
	cluster(v4, proto, H_REMOTE, 0);
}

static void cluster_pod_b(bool v4, uint8_t proto)
{
	cluster(v4, proto, H_POD_B, LB_BACKEND_LOCAL);
}

static void cluster_pod_a(bool v4, uint8_t proto)
{
	cluster(v4, proto, H_POD_A, LB_BACKEND_LOCAL);
}

static void external_far(bool v4, uint8_t proto)
{
	rig_backend(1, 1, H_FAR, v4, proto, 0);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, 0 },
		     v4, proto);
}

static void external_empty(bool v4, uint8_t proto)
{
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 0, 0, 0 },
		     v4, proto);
}

/* Policy Local: one endpoint elsewhere, none here. */
static void policy_local_elsewhere(bool v4, uint8_t proto)
{
	rig_backend(1, 1, H_REMOTE, v4, proto, 0);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1,
					     LB_FRONTEND_EXTERNAL | LB_FRONTEND_LOCAL, 0, 1, 1, 0 },
		     v4, proto);
	rig_frontend(&(struct rig_frontend){ H_CLUSTER_IP, 80, 1, LB_FRONTEND_LOCAL, 0, 1, 1, 0 },
		     v4, proto);
}

static void policy_local_here(bool v4, uint8_t proto)
{
	rig_backend(1, 1, H_POD_B, v4, proto, LB_BACKEND_LOCAL);
	rig_backend(2, 1, H_REMOTE, v4, proto, 0);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1,
					     LB_FRONTEND_EXTERNAL | LB_FRONTEND_LOCAL, 0, 1, 2, 1 },
		     v4, proto);
}

static void source_ranges(bool v4, uint8_t proto)
{
	rig_backend(1, 1, H_POD_B, v4, proto, LB_BACKEND_LOCAL);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1,
					     LB_FRONTEND_EXTERNAL | LB_FRONTEND_SOURCE_RANGES, 0, 1,
					     1, 1 },
		     v4, proto);
	rig_source_range(1, v4 ? "192.0.2.8/31" : "2001:db8::8/127");
	rig_source_range(2, v4 ? "192.0.2.0/24" : "2001:db8::/64");
}

/* ---------------------------------------------------- changes under way -- */

static void addresses_gone(bool v4, uint8_t proto)
{
	external_remote(v4, proto);
	rig_device_addr_clear();
}

static void tail_calls_cut(bool v4, uint8_t proto)
{
	external_remote(v4, proto);
	rig_cut_tail_calls();
}

static void two_addresses(bool v4, uint8_t proto)
{
	cluster_pod_b(v4, proto);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, 1 },
		     v4, proto);
}

/* ---------------------------------------------------------- the table -- */

static const struct scenario scenarios[] = {
	{ "outside to a remote backend: both addresses change, and back",
	  external_remote,
	  ALL,
	  { { REQUEST(SYN) },
	    { ANSWER(SYNACK) },
	    { REQUEST(ACK) },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, ACK, .payload = 101 },
	      SENT,
	      { NIC_TO_NODE2, H_NODE, H_REMOTE, MASQ, 8080 } },
	    { AT_NIC,
	      { NODE2_TO_NIC, H_REMOTE, H_NODE, 8080, MASQ, ACK, .payload = 200 },
	      SENT,
	      { NIC_TO_CLIENT, H_EXTERNAL, H_CLIENT, 80, 40000 } },
	    { REQUEST(FIN) },
	    { ANSWER(FIN) },
	    { REQUEST(ACK) } } },
	{ "outside to a backend of this node: client kept, answer restored on the way out",
	  external_local,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN },
	      STACK,
	      { CLIENT_TO_NIC, H_CLIENT, H_POD_B, 40000, 8080 } },
	    { AT_POD_B, { POD_B_TO_VETH, H_POD_B, H_CLIENT, 8080, 40000, SYNACK }, UNTOUCHED },
	    { AT_NIC_EGRESS,
	      { NIC_TO_CLIENT, H_POD_B, H_CLIENT, 8080, 40000, SYNACK },
	      STACK,
	      { NIC_TO_CLIENT, H_EXTERNAL, H_CLIENT, 80, 40000 } },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, ACK },
	      STACK,
	      { CLIENT_TO_NIC, H_CLIENT, H_POD_B, 40000, 8080 } },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, ACK, .payload = 9 },
	      STACK,
	      { CLIENT_TO_NIC, H_CLIENT, H_POD_B, 40000, 8080 } },
	    { AT_NIC_EGRESS,
	      { NIC_TO_CLIENT, H_POD_B, H_CLIENT, 8080, 40000, ACK, .payload = 33 },
	      STACK,
	      { NIC_TO_CLIENT, H_EXTERNAL, H_CLIENT, 80, 40000 } } } },
	{ "pod to a pod of this node: restored on the way into the client's device",
	  cluster_pod_b,
	  ALL,
	  { { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_CLUSTER_IP, 40000, 80, SYN },
	      STACK,
	      { POD_A_TO_VETH, H_POD_A, H_POD_B, 40000, 8080 } },
	    { AT_POD_B, { POD_B_TO_VETH, H_POD_B, H_POD_A, 8080, 40000, SYNACK }, UNTOUCHED },
	    { AT_POD_A_EGRESS,
	      { VETH_TO_POD_A, H_POD_B, H_POD_A, 8080, 40000, SYNACK },
	      STACK,
	      { VETH_TO_POD_A, H_CLUSTER_IP, H_POD_A, 80, 40000 } },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_CLUSTER_IP, 40000, 80, ACK },
	      STACK,
	      { POD_A_TO_VETH, H_POD_A, H_POD_B, 40000, 8080 } } } },
	{ "pod to a remote pod by cluster IP: its address is kept",
	  cluster_remote,
	  ALL,
	  { { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_CLUSTER_IP, 40000, 80, SYN },
	      STACK,
	      { POD_A_TO_VETH, H_POD_A, H_REMOTE, 40000, 8080 } },
	    { AT_NIC, { NODE2_TO_NIC, H_REMOTE, H_POD_A, 8080, 40000, SYNACK }, UNTOUCHED },
	    { AT_POD_A_EGRESS,
	      { VETH_TO_POD_A, H_REMOTE, H_POD_A, 8080, 40000, SYNACK },
	      STACK,
	      { VETH_TO_POD_A, H_CLUSTER_IP, H_POD_A, 80, 40000 } } } },
	{ "pod to a remote pod by an external address: masqueraded, the answer by TC",
	  external_remote,
	  ALL,
	  { { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_EXTERNAL, 40000, 80, SYN },
	      SENT,
	      { NIC_TO_NODE2, H_NODE, H_REMOTE, MASQ, 8080 } },
	    { AT_NIC,
	      { NODE2_TO_NIC, H_REMOTE, H_NODE, 8080, MASQ, SYNACK },
	      SENT_BY_TC,
	      { VETH_TO_POD_A, H_EXTERNAL, H_POD_A, 80, 40000 } },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_EXTERNAL, 40000, 80, ACK },
	      SENT,
	      { NIC_TO_NODE2, H_NODE, H_REMOTE, MASQ, 8080 } },
	    { AT_NIC,
	      { NODE2_TO_NIC, H_REMOTE, H_NODE, 8080, MASQ, ACK, .payload = 5 },
	      SENT_BY_TC,
	      { VETH_TO_POD_A, H_EXTERNAL, H_POD_A, 80, 40000 } } } },
	{ "hairpin: a pod that is given itself",
	  cluster_pod_a,
	  ALL,
	  { { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_CLUSTER_IP, 40000, 80, SYN },
	      SENT,
	      { VETH_TO_POD_A, H_NODE, H_POD_A, MASQ, 8080 } },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_NODE, 8080, MASQ, SYNACK },
	      SENT,
	      { VETH_TO_POD_A, H_CLUSTER_IP, H_POD_A, 80, 40000 } },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_CLUSTER_IP, 40000, 80, ACK },
	      SENT,
	      { VETH_TO_POD_A, H_NODE, H_POD_A, MASQ, 8080 } } } },
	{ "outside to a cluster IP, backend remote: masqueraded",
	  cluster_remote,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_CLUSTER_IP, 40000, 80, SYN },
	      SENT,
	      { NIC_TO_NODE2, H_NODE, H_REMOTE, MASQ, 8080 } } } },
	{ "outside to a cluster IP, backend here: masqueraded, by TC to the pod",
	  cluster_pod_b,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_CLUSTER_IP, 40000, 80, SYN },
	      SENT_BY_TC,
	      { VETH_TO_POD_B, H_NODE, H_POD_B, MASQ, 8080 } },
	    { AT_POD_B,
	      { POD_B_TO_VETH, H_POD_B, H_NODE, 8080, MASQ, SYNACK },
	      SENT,
	      { NIC_TO_CLIENT, H_CLUSTER_IP, H_CLIENT, 80, 40000 } },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_CLUSTER_IP, 40000, 80, ACK },
	      SENT_BY_TC,
	      { VETH_TO_POD_B, H_NODE, H_POD_B, MASQ, 8080 } } } },
	{ "no endpoint at all: refused at once",
	  external_empty,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN, .seq = 7 },
	      REFUSED,
	      .reason = LB_REASON_NO_BACKEND },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, ACK, .seq = 7, .ack = 99,
		.payload = 30 },
	      REFUSED,
	      .reason = LB_REASON_NO_BACKEND },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_EXTERNAL, 40000, 80, SYN, .payload = 64 },
	      REFUSED,
	      .reason = LB_REASON_NO_BACKEND } } },
	{ "a reset is never answered",
	  external_empty,
	  TCP_ONLY,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, RST },
	      DROPPED,
	      .reason = LB_REASON_NO_BACKEND } } },
	{ "policy Local, endpoints elsewhere: silence for those outside, served for pods",
	  policy_local_elsewhere,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN },
	      DROPPED,
	      .reason = LB_REASON_NO_LOCAL_BACKEND },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_EXTERNAL, 40000, 80, SYN },
	      STACK,
	      { POD_A_TO_VETH, H_POD_A, H_REMOTE, 40000, 8080 } },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_CLUSTER_IP, 40001, 80, SYN },
	      DROPPED,
	      .reason = LB_REASON_NO_LOCAL_BACKEND } } },
	{ "policy Local: only the endpoint of this node, client kept",
	  policy_local_here,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN },
	      STACK,
	      { CLIENT_TO_NIC, H_CLIENT, H_POD_B, 40000, 8080 } },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40001, 80, SYN },
	      STACK,
	      { CLIENT_TO_NIC, H_CLIENT, H_POD_B, 40001, 8080 } },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40002, 80, SYN },
	      STACK,
	      { CLIENT_TO_NIC, H_CLIENT, H_POD_B, 40002, 8080 } } } },
	{ "source ranges: in, out, and a pod that is out",
	  source_ranges,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN },
	      STACK,
	      { CLIENT_TO_NIC, H_CLIENT, H_POD_B, 40000, 8080 } },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT2, H_EXTERNAL, 40000, 80, SYN },
	      DROPPED,
	      .reason = LB_REASON_SOURCE_RANGE },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_EXTERNAL, 40000, 80, SYN },
	      DROPPED,
	      .reason = LB_REASON_SOURCE_RANGE } } },
	{ "the neighbour is not known: TC asks the kernel",
	  external_far,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN },
	      RESOLVED,
	      { CLIENT_TO_NIC, H_NODE, H_FAR, MASQ, 8080 } },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, ACK },
	      RESOLVED,
	      { CLIENT_TO_NIC, H_NODE, H_FAR, MASQ, 8080 } } } },
	{ "TTL used up",
	  external_remote,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN, .ttl = 1 },
	      EXPIRED,
	      .reason = LB_REASON_TTL },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN, .ttl = 2 },
	      SENT,
	      { NIC_TO_NODE2, H_NODE, H_REMOTE, MASQ, 8080 } } } },
	{ "no address to masquerade with",
	  addresses_gone,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN },
	      DROPPED,
	      .reason = LB_REASON_NO_ADDRESS } } },
	{ "same client port to two addresses of a service: told apart by port",
	  two_addresses,
	  ALL,
	  { { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_CLUSTER_IP, 40000, 80, SYN },
	      STACK,
	      { POD_A_TO_VETH, H_POD_A, H_POD_B, 40000, 8080 } },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_EXTERNAL, 40000, 80, SYN },
	      SENT,
	      { VETH_TO_POD_B, H_NODE, H_POD_B, MASQ, 8080 } },
	    { AT_POD_B,
	      { POD_B_TO_VETH, H_POD_B, H_NODE, 8080, MASQ, SYNACK },
	      SENT,
	      { VETH_TO_POD_A, H_EXTERNAL, H_POD_A, 80, 40000 } } } },
	{ "a UDP checksum of 0 stays 0",
	  external_remote,
	  UDP_ONLY,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, .no_udp_checksum = true,
		.payload = 3 },
	      SENT,
	      { NIC_TO_NODE2, H_NODE, H_REMOTE, MASQ, 8080 } } } },
	{ "another port of the address is not ours",
	  external_remote,
	  ALL,
	  { { AT_NIC, { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 81, SYN }, UNTOUCHED },
	    { AT_NIC, { CLIENT_TO_NIC, H_CLIENT, H_NODE, 40000, 22, SYN }, UNTOUCHED },
	    { AT_NIC_EGRESS, { NIC_TO_CLIENT, H_NODE, H_CLIENT, 22, 40000, ACK }, UNTOUCHED },
	    { AT_POD_A, { POD_A_TO_VETH, H_POD_A, H_POD_B, 40000, 80, SYN }, UNTOUCHED } } },
	{ "a program behind a tail call is missing: the packet passes, and is counted",
	  tail_calls_cut,
	  ALL,
	  { { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN },
	      UNTOUCHED,
	      .reason = LB_REASON_INTERNAL } } },
};

static void test_scenarios(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		wrong += scenario_run(&scenarios[i]);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_scenarios) };
	int failed;

	rig_open(4096, 20000, false, true);
	failed = cmocka_run_group_tests_name("flows", tests, NULL, NULL);
	rig_close();
	return failed;
}
