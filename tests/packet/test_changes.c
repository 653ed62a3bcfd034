/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of flows when backends, services and neighbours change, as rows. */
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

static void external_empty(bool v4, uint8_t proto)
{
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 0, 0, 0 },
		     v4, proto);
}

/* ------------------------------------------------------------- changes -- */

static void retire_drain(bool v4, uint8_t proto)
{
	rig_backend(2, 1, H_REMOTE2, v4, proto, 0);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 2, 1, 0 },
		     v4, proto);
	rig_backend_retire(1, LB_BACKEND_DRAINING);
}

static void retire_gone(bool v4, uint8_t proto)
{
	retire_drain(v4, proto);
	rig_backend_retire(1, LB_BACKEND_GONE);
}

static void service_delete(bool v4, uint8_t proto)
{
	rig_frontend_delete(H_EXTERNAL, 80, v4, proto);
	rig_backend_retire(1, LB_BACKEND_DRAINING);
}

static void scale_to_zero(bool v4, uint8_t proto)
{
	external_empty(v4, proto);
	rig_backend_retire(1, LB_BACKEND_DRAINING);
}

static void scale_up_again(bool v4, uint8_t proto)
{
	rig_backend(2, 1, H_REMOTE2, v4, proto, 0);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 2, 1, 0 },
		     v4, proto);
}

static void neighbour_moved(bool v4, uint8_t proto)
{
	(void)v4;
	(void)proto;
	rig_age(10); /* past the refresh interval */
}

/* ----------------------------------------------------------- the table -- */

static void cluster_pod_b(bool v4, uint8_t proto)
{
	rig_backend(1, 1, H_POD_B, v4, proto, LB_BACKEND_LOCAL);
	rig_frontend(&(struct rig_frontend){ H_CLUSTER_IP, 80, 1, 0, 0, 1, 1, 0 }, v4, proto);
}

static void cluster_and_external(bool v4, uint8_t proto)
{
	cluster_pod_b(v4, proto);
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1, 1, 1 },
		     v4, proto);
}

static void long_after(bool v4, uint8_t proto)
{
	(void)v4;
	(void)proto;
	rig_age(86401);
}

/* Pod A to pod B through the service, up to the answer. */
#define POD_ASKS(flags)                                                              \
	AT_POD_A, { POD_A_TO_VETH, H_POD_A, H_CLUSTER_IP, 40000, 80, flags }, STACK, \
	{                                                                            \
		POD_A_TO_VETH, H_POD_A, H_POD_B, 40000, 8080                         \
	}
#define POD_IS_ANSWERED(flags)                                                           \
	AT_POD_A_EGRESS, { VETH_TO_POD_A, H_POD_B, H_POD_A, 8080, 40000, flags }, STACK, \
	{                                                                                \
		VETH_TO_POD_A, H_CLUSTER_IP, H_POD_A, 80, 40000                          \
	}

static const struct scenario scenarios[] = {
	{ "past the service with the same ports: the answers are not ours any more",
	  cluster_pod_b,
	  ALL,
	  { { POD_ASKS(SYN) },
	    { POD_IS_ANSWERED(SYNACK) },
	    { POD_ASKS(ACK) },
	    { AT_POD_A, { POD_A_TO_VETH, H_POD_A, H_POD_B, 40000, 8080, SYN }, UNTOUCHED },
	    { AT_POD_A_EGRESS,
	      { VETH_TO_POD_A, H_POD_B, H_POD_A, 8080, 40000, SYNACK },
	      UNTOUCHED },
	    { POD_ASKS(SYN) },
	    { POD_IS_ANSWERED(SYNACK) } } },
	{ "the same port to another address of the service, after the first was closed",
	  cluster_and_external,
	  TCP_ONLY,
	  { { POD_ASKS(SYN) },
	    { POD_IS_ANSWERED(SYNACK) },
	    { POD_ASKS(ACK) },
	    { POD_ASKS(RST) },
	    { AT_POD_A,
	      { POD_A_TO_VETH, H_POD_A, H_EXTERNAL, 40000, 80, SYN },
	      STACK,
	      { POD_A_TO_VETH, H_POD_A, H_POD_B, 40000, 8080 } } } },
	{ "an answer long after its flow has expired is nobody's",
	  cluster_pod_b,
	  ALL,
	  { { POD_ASKS(SYN) },
	    { POD_IS_ANSWERED(SYNACK) },
	    { AT_POD_A_EGRESS,
	      { VETH_TO_POD_A, H_POD_B, H_POD_A, 8080, 40000, ACK },
	      UNTOUCHED,
	      .before = long_after } } },
	{ "backend leaves: a UDP flow moves at once",
	  external_remote,
	  UDP_ONLY,
	  { { REQUEST(0) }, { ANSWER(0) }, { REQUEST2(0), .before = retire_drain } } },
	{ "backend leaves: a half-open connection moves at once",
	  external_remote,
	  TCP_ONLY,
	  { { REQUEST(SYN) }, { REQUEST2(SYN), .before = retire_drain } } },
	{ "backend leaves: an established connection goes on",
	  external_remote,
	  TCP_ONLY,
	  { { REQUEST(SYN) },
	    { ANSWER(SYNACK) },
	    { REQUEST(ACK) },
	    { REQUEST(ACK), .before = retire_drain },
	    { ANSWER(ACK) },
	    { REQUEST(ACK) } } },
	{ "backend gone: an established connection is reset",
	  external_remote,
	  TCP_ONLY,
	  { { REQUEST(SYN) },
	    { ANSWER(SYNACK) },
	    { REQUEST(ACK) },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, ACK, .seq = 5, .ack = 6 },
	      REFUSED,
	      .reason = LB_REASON_BACKEND_GONE,
	      .before = retire_gone },
	    { REQUEST2(SYN) } } },
	{ "service deleted: its flows end, the address is not ours any more",
	  external_remote,
	  UDP_ONLY,
	  { { REQUEST(0) },
	    { ANSWER(0) },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80 },
	      UNTOUCHED,
	      .before = service_delete } } },
	{ "N to 0 to M: refused, then the new backend",
	  external_remote,
	  UDP_ONLY,
	  { { REQUEST(0) },
	    { ANSWER(0) },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80 },
	      REFUSED,
	      .reason = LB_REASON_NO_BACKEND,
	      .before = scale_to_zero },
	    { REQUEST2(0), .before = scale_up_again } } },
	{ "a closed connection's port again: chosen anew",
	  external_remote,
	  TCP_ONLY,
	  { { REQUEST(SYN) },
	    { ANSWER(SYNACK) },
	    { REQUEST(ACK) },
	    { REQUEST(FIN) },
	    { ANSWER(FIN) },
	    { REQUEST2(SYN), .before = retire_drain } } },
	{ "service deleted: a closed connection's port begins one that is not ours",
	  external_remote,
	  TCP_ONLY,
	  { { REQUEST(SYN) },
	    { ANSWER(SYNACK) },
	    { REQUEST(ACK) },
	    { REQUEST(FIN) },
	    { ANSWER(FIN) },
	    { AT_NIC,
	      { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, SYN },
	      UNTOUCHED,
	      .before = service_delete },
	    { AT_NIC, { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, ACK }, UNTOUCHED } } },
	{ "a connection from before, without its SYN",
	  external_remote,
	  TCP_ONLY,
	  { { REQUEST(ACK) }, { ANSWER(ACK) }, { REQUEST(ACK) } } },
	{ "long idle: the next packet refreshes the next hop",
	  external_remote,
	  ALL,
	  { { REQUEST(SYN) },
	    { ANSWER(SYNACK) },
	    { REQUEST(ACK) },
	    { REQUEST(ACK), .before = neighbour_moved },
	    { ANSWER(ACK) } } },
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
	failed = cmocka_run_group_tests_name("changes", tests, NULL, NULL);
	rig_close();
	return failed;
}
