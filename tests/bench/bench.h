/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the generator and the program that starts it share. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* The packets of one case: constants of its generator. */
struct bench_packet {
	__be32 saddr[4], daddr[4]; /* mapped for IPv4; those of flow 0 and service 0 */
	__be16 dport;
	__u8 v4;
	__u8 listed;	/* tuples are read from bench_tuples4 or 6, not made from the counter */
	__u8 questions; /* whole frames are, from bench_questions */
	__u8 smac[6], dmac[6];
	__u32 flows;	/* a power of two */
	__u32 services; /* at consecutive addresses */
	__u32 lines;	/* of bench_lines, a power of two */
};

struct bench_tuple4 {
	__be32 saddr, daddr;
	__u32 ports; /* as they lie in the packet */
	__u32 zero;
};

struct bench_tuple6 {
	__be32 saddr[4], daddr[4];
	__u32 ports;
	__u32 zero[3];
};

/* A question to DNS. */
struct bench_question {
	__u32 size;
	__u8 frame[124];
};

struct bench_line {
	__u64 word[8];
};

#endif
