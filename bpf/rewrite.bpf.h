/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a flow's new addresses and ports into a packet, and mends its checksums.
 * Pointers have been checked by the caller: 20 bytes of TCP or 8 of UDP at l4.
 */
#ifndef LB_REWRITE_BPF_H
#define LB_REWRITE_BPF_H

#include "checksum.bpf.h"
#include "packet.bpf.h"

static __always_inline void rewrite_link(struct ethhdr *eth, const struct lb_nexthop *nexthop)
{
	*(__u32 *)eth->h_dest = *(const __u32 *)nexthop->dmac;
	*(__u64 *)(eth->h_dest + 4) = *(const __u64 *)(nexthop->dmac + 4);
}

/* hop: the packet is forwarded here, so one hop is used up; the host's stack counts its own. */
static __always_inline void rewrite_ip4(struct iphdr *ip, const struct rewrite *rw, bool hop)
{
	__u32 sum = rw->addr_delta;

	ip->saddr = rw->saddr.word[3];
	ip->daddr = rw->daddr.word[3];
	if (hop) {
		ip->ttl--;
		sum += CSUM_TTL_DELTA;
	}
	ip->check = csum_update(ip->check, sum);
}

static __always_inline void rewrite_ip6(struct ipv6hdr *ip, const struct rewrite *rw, bool hop)
{
	__builtin_memcpy(&ip->saddr, &rw->saddr, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &rw->daddr, sizeof(ip->daddr));
	if (hop)
		ip->hop_limit--;
}

static __always_inline void rewrite_ip(void *l3, const struct rewrite *rw, bool hop, const bool v4)
{
	if (v4)
		rewrite_ip4(l3, rw, hop);
	else
		rewrite_ip6(l3, rw, hop);
}

static __always_inline void rewrite_ports(void *l4, const struct rewrite *rw)
{
	*(__u32 *)l4 = *(const __u32 *)&rw->sport;
}

/* For hooks that see finished checksums. An IPv6 UDP checksum is never 0 on the wire. */
static __always_inline void rewrite_l4_checksum(void *l4, void *end, const struct rewrite *rw,
						__u8 proto)
{
	__u32 sum = (__u32)rw->addr_delta + rw->port_delta;

	if (proto == IPPROTO_TCP) {
		__u16 *check = l4 + TCP_CHECK;

		if ((void *)(check + 1) <= end) /* known; said again for the verifier */
			*check = csum_update(*check, sum);
	} else {
		__u16 *check = l4 + UDP_CHECK;

		*check = csum_update_udp(*check, sum);
	}
}

#endif
