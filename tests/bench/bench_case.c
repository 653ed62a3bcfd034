/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench_case.h"

#include <netinet/in.h>

enum stage {
	TCP,
	UDP,
	LOCAL,
	GUESTS,
	NEW,
	S1X10,
	S100X10,
	S10KX10,
	S100KX10,
	S100X1000,
	S10KX1000
};

#define K 1024u
#define M (1024u * 1024u)

const struct bench_stage bench_stages[] = {
	[TCP] = { "TCP", 1, 1000, M, IPPROTO_TCP, .both = true, .names = true, .quick = true },
	[UDP] = { "UDP", 1, 1000, M, IPPROTO_UDP, .both = true },
	[LOCAL] = { "local", 1, 1000, 128 * K, IPPROTO_TCP, .both = true, .local = true },
	[GUESTS] = { "guests", 3, 1000, 128 * K, IPPROTO_TCP, .guests = true },
	[NEW] = { "new", 3, 1000, 1, IPPROTO_TCP, .both = true, .guests = true, .quick = true },
	[S1X10] = { "1 x 10", 1, 10, 128 * K, IPPROTO_TCP },
	[S100X10] = { "100 x 10", 100, 10, 128 * K, IPPROTO_TCP },
	[S10KX10] = { "10k x 10", 10000, 10, 128 * K, IPPROTO_TCP, .names = true },
	[S100KX10] = { "100k x 10", 100000, 10, 128 * K, IPPROTO_TCP },
	[S100X1000] = { "100 x 1000", 100, 1000, 128 * K, IPPROTO_TCP },
	[S10KX1000] = { "10k x 1000", 10000, 1000, 128 * K, IPPROTO_TCP },
};
const size_t bench_stages_n = sizeof(bench_stages) / sizeof(*bench_stages);

/* One line for each number of flows. */
#define EACH_FLOWS(title, name, stage, program, packets, v6)                         \
	{ title, name, stage, program, packets, 1, 0, v6, LIMIT_NOTHING },           \
		{ NULL, name, stage, program, packets, K, 0, v6, LIMIT_LINE },       \
		{ NULL, name, stage, program, packets, 128 * K, 0, v6, LIMIT_LINE }, \
	{                                                                            \
		NULL, name, stage, program, packets, M, 0, v6, LIMIT_LINE            \
	}

#define EACH_STAGE(title, name, packets, flows, limit)                               \
	{ title, name, S1X10, RUN_XDP, packets, flows, 0, false, limit },            \
		{ NULL, name, S100X10, RUN_XDP, packets, flows, 0, false, limit },   \
		{ NULL, name, S10KX10, RUN_XDP, packets, flows, 0, false, limit },   \
		{ NULL, name, S100KX10, RUN_XDP, packets, flows, 0, false, limit },  \
		{ NULL, name, S100X1000, RUN_XDP, packets, flows, 0, false, limit }, \
	{                                                                            \
		NULL, name, S10KX1000, RUN_XDP, packets, flows, 0, false, limit      \
	}

const struct bench_case bench_cases[] = {
	{ "Limits", "transmit at once", TCP, RUN_NOTHING, SEND_KNOWN, 1, 0, false, LIMIT_NONE },
	{ NULL, "parse, pass", TCP, RUN_PASS, SEND_STRANGE, K, 0, false, LIMIT_NONE },
	{ NULL, "parse, swap MACs, transmit", TCP, RUN_SWAP, SEND_KNOWN, K, 0, false, LIMIT_NONE },
	{ NULL, "a random line", TCP, RUN_LINE, SEND_KNOWN, M, 0, false, LIMIT_NONE },
	{ NULL, "a random line, each after the other", TCP, RUN_CHAIN, SEND_KNOWN, M, 0, false,
	  LIMIT_LINE },

	EACH_FLOWS("Established", "TCP over IPv4", TCP, RUN_XDP, SEND_KNOWN, false),
	EACH_FLOWS(NULL, "TCP over IPv4, answers", TCP, RUN_XDP, SEND_ANSWERS, false),
	EACH_FLOWS(NULL, "TCP over IPv6", TCP, RUN_XDP, SEND_KNOWN, true),
	EACH_FLOWS(NULL, "TCP over IPv6, answers", TCP, RUN_XDP, SEND_ANSWERS, true),
	EACH_FLOWS(NULL, "UDP over IPv4", UDP, RUN_XDP, SEND_KNOWN, false),
	EACH_FLOWS(NULL, "UDP over IPv4, answers", UDP, RUN_XDP, SEND_ANSWERS, false),
	EACH_FLOWS(NULL, "UDP over IPv6", UDP, RUN_XDP, SEND_KNOWN, true),
	EACH_FLOWS(NULL, "UDP over IPv6, answers", UDP, RUN_XDP, SEND_ANSWERS, true),

	{ "Established, backend on this node", "TCP over IPv4", LOCAL, RUN_XDP, SEND_KNOWN, K, 0,
	  false, LIMIT_LINE },
	{ NULL, "TCP over IPv4", LOCAL, RUN_XDP, SEND_KNOWN, 128 * K, 0, false, LIMIT_LINE },
	{ NULL, "TCP over IPv6", LOCAL, RUN_XDP, SEND_KNOWN, 128 * K, 0, true, LIMIT_LINE },
	{ NULL, "TCP over IPv4, answers (TC)", LOCAL, RUN_EGRESS, SEND_ANSWERS, K, 0, false,
	  LIMIT_LINE },
	{ NULL, "TCP over IPv4, answers (TC)", LOCAL, RUN_EGRESS, SEND_ANSWERS, 128 * K, 0, false,
	  LIMIT_LINE },
	{ NULL, "TCP over IPv6, answers (TC)", LOCAL, RUN_EGRESS, SEND_ANSWERS, 128 * K, 0, true,
	  LIMIT_LINE },

	{ "Established, of a Service with rules", "TCP over IPv4, affinity", GUESTS, RUN_XDP,
	  SEND_KNOWN, K, 1, false, LIMIT_LINE },
	{ NULL, "TCP over IPv4, affinity", GUESTS, RUN_XDP, SEND_KNOWN, 128 * K, 1, false,
	  LIMIT_LINE },
	{ NULL, "TCP over IPv4, source ranges", GUESTS, RUN_XDP, SEND_KNOWN, K, 2, false,
	  LIMIT_LINE },
	{ NULL, "TCP over IPv4, source ranges", GUESTS, RUN_XDP, SEND_KNOWN, 128 * K, 2, false,
	  LIMIT_LINE },

	{ "New flows", "TCP over IPv4", NEW, RUN_XDP, SEND_NEW, 0, 0, false, LIMIT_LINE },
	{ NULL, "TCP over IPv6", NEW, RUN_XDP, SEND_NEW, 0, 0, true, LIMIT_LINE },
	{ NULL, "TCP over IPv4, affinity", NEW, RUN_XDP, SEND_NEW, 0, 1, false, LIMIT_LINE },
	{ NULL, "TCP over IPv4, source ranges", NEW, RUN_XDP, SEND_NEW, 0, 2, false, LIMIT_LINE },
	{ NULL, "TCP over IPv4, backend on this node", LOCAL, RUN_XDP, SEND_NEW, 0, 0, false,
	  LIMIT_LINE },
	{ NULL, "UDP over IPv4", UDP, RUN_XDP, SEND_NEW, 0, 0, false, LIMIT_LINE },

	{ "Not ours", "IPv4", TCP, RUN_XDP, SEND_STRANGE, K, 0, false, LIMIT_PASS },
	{ NULL, "IPv6", TCP, RUN_XDP, SEND_STRANGE, K, 0, true, LIMIT_PASS },
	{ NULL, "IPv4, random addresses", TCP, RUN_XDP, SEND_STRANGE, M, 0, false, LIMIT_LINE },

	{ "DNS", "an address", TCP, RUN_XDP, SEND_QUESTIONS, 1, 0, false, LIMIT_LINE },
	{ NULL, "no such name", TCP, RUN_XDP, SEND_WRONG_QUESTIONS, 1, 0, false, LIMIT_LINE },
	{ NULL, "an address, over IPv6", TCP, RUN_XDP, SEND_QUESTIONS, 1, 0, true, LIMIT_LINE },
	{ NULL, "an address", S10KX10, RUN_XDP, SEND_QUESTIONS, 16 * K, 0, false, LIMIT_LINE },
	{ NULL, "no such name", S10KX10, RUN_XDP, SEND_WRONG_QUESTIONS, 16 * K, 0, false,
	  LIMIT_LINE },

	EACH_STAGE("Services x endpoints", "established", SEND_KNOWN, K, LIMIT_NOTHING),
	EACH_STAGE(NULL, "established", SEND_KNOWN, 128 * K, LIMIT_LINE),
	EACH_STAGE(NULL, "new", SEND_NEW, 0, LIMIT_LINE),
};
const size_t bench_cases_n = sizeof(bench_cases) / sizeof(*bench_cases);

const struct bench_case *bench_limit_case(enum bench_limit limit)
{
	static const enum bench_program programs[] = {
		[LIMIT_NOTHING] = RUN_NOTHING,
		[LIMIT_PASS] = RUN_PASS,
		[LIMIT_LINE] = RUN_LINE,
	};

	for (size_t i = 0; limit != LIMIT_NONE && i < bench_cases_n; i++)
		if (bench_cases[i].program == programs[limit])
			return &bench_cases[i];
	return NULL;
}
