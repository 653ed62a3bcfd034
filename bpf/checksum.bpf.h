/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internet checksums by difference (RFC 1624): a delta is the one's-complement sum of
 * the new words minus the old ones, folded to 16 bits, in the words' own byte order.
 *
 * Example: rewriting 10.96.0.1 to 172.17.0.2 has one delta; it is computed when the flow
 * is made and then added to the checksum of each of its packets.
 */
#ifndef LB_CHECKSUM_BPF_H
#define LB_CHECKSUM_BPF_H

#ifdef __bpf__ /* the unit tests compile this natively */
#include "kernel.bpf.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#else
#include <bpf/bpf_endian.h>
#include <linux/types.h>
#endif

static __always_inline __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Adds "new instead of old" to a running sum that still has room for carries. */
static __always_inline __u32 csum_replace16(__u32 sum, __be16 old, __be16 new)
{
	return sum + (__u16)~old + new;
}

static __always_inline __u32 csum_replace32(__u32 sum, __be32 old, __be32 new)
{
	sum += (__u16) ~(old & 0xffff);
	sum += (__u16) ~(old >> 16);
	return sum + (new & 0xffff) + (new >> 16);
}

/* RFC 1624, equation 3: HC' = ~(~HC + delta). sum may be unfolded. */
static __always_inline __u16 csum_update(__u16 check, __u32 sum)
{
	return ~csum_fold((__u16)~check + sum);
}

/* A UDP checksum of 0 says "none" (RFC 768); a computed 0 is sent as 0xffff. */
static __always_inline __u16 csum_update_udp(__u16 check, __u32 sum)
{
	if (!check)
		return 0;
	check = csum_update(check, sum);
	return check ? check : 0xffff;
}

/* One less in the TTL, the upper byte of its word on the wire. */
#define CSUM_TTL_DELTA ((__u32)(__u16)~bpf_htons(0x0100))

#endif
