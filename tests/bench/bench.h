/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the generator and the program that starts it share. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#ifndef __bpf__
#include <linux/types.h>
#endif

struct bench_packet {
	__be32 saddr[4], daddr[4]; /* mapped for IPv4 */
	__be16 dport;
	__u8 v4;
	__u8 zero;
	__u8 smac[6], dmac[6];
	__u32 flows; /* a power of two */
	__u32 lines; /* of bench_lines, a power of two */
};

struct bench_line {
	__u64 word[8];
};

#endif
