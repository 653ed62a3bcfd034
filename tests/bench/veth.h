/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the programs of tests/bench/veth.bpf.c share with the program that loads them. */
#ifndef BENCH_VETH_H
#define BENCH_VETH_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define VETH_FRAME 60 /* bytes, without the check sequence: the shortest there is */
#define VETH_BATCH 64 /* frames that the kernel hands over at a time */

/* One hop: out of a device, with these link addresses. */
struct veth_hop {
	__u32 ifindex;
	__u8 dmac[6], smac[6];
};

struct veth_config {
	struct veth_hop generate, redirect;
	__be32 saddr, daddr; /* the first client; where it sends to */
	__be16 dport;
	__be16 backend_port;	       /* what arrives elsewhere was not balanced */
	__u32 partial_ip, partial_udp; /* sums of what is the same in each frame, not folded */
};

#endif
