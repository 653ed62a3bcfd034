/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * A Bloom filter over the frontends, with one hash: a clear bit says "no frontend has this
 * address, port and protocol", so that XDP lets a packet pass which is not ours without asking
 * the hash table. A set bit says "perhaps".
 */
#ifndef LB_BLOOM_H
#define LB_BLOOM_H

#include "lb/types.h"

#define LB_BLOOM_BITS (1u << 18)
#define LB_BLOOM_WORDS (LB_BLOOM_BITS / 64)

/* The bit of a frontend. Address and port as in struct lb_frontend_key. */
static inline __u32 lb_bloom_bit(const __be32 *addr, __be16 port, __u8 proto)
{
	__u64 hash = (__u64)addr[0] << 32 | addr[1];

	hash = (hash ^ addr[2]) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ hash >> 32 ^ addr[3]) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ hash >> 32 ^ ((__u64)proto << 16 | port)) * 0x9e3779b97f4a7c15ull;
	return hash >> 46; /* 18 bits */
}

#endif
