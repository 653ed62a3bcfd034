/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How flows are laid out: which sets a tuple belongs to, which entry of a set is its own, and
 * what an entry says. The two families differ here and nowhere else; flow.bpf.h, the door to
 * the table, is written once.
 */
#ifndef LB_FLOW_ENTRY_BPF_H
#define LB_FLOW_ENTRY_BPF_H

#include "config.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

/* ------------------------------------------------------------- hashing -- */

static __always_inline __u64 flow_mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

/*
 * A tuple as an entry has it, in words of eight bytes, and its hash. The last word is ports and
 * protocol as they lie in front of an entry's state: little-endian, as the compiler is told.
 */
struct flow_key {
	__u64 addr[4]; /* IPv4: one word, source and destination */
	__u64 ports;
	__u64 hash;
};

#define FLOW_KEY_SHIFT 24 /* what follows the protocol is no part of the key */
#define FLOW_STATE_SHIFT 40

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "keys are compared in words: give FLOW_KEY_SHIFT a twin for this byte order"
#endif

static __always_inline void flow_key4(struct flow_key *key, __be32 saddr, __be32 daddr, __u32 ports,
				      __u8 proto)
{
	key->addr[0] = (__u64)daddr << 32 | saddr;
	key->ports = (__u64)proto << 32 | ports;
	key->hash = flow_mix(flow_mix(lb_config.seed, key->addr[0]), key->ports);
}

static __always_inline void flow_key6(struct flow_key *key, const __be32 *saddr,
				      const __be32 *daddr, __u32 ports, __u8 proto)
{
	__u64 hash = lb_config.seed;

	key->addr[0] = (__u64)saddr[1] << 32 | saddr[0];
	key->addr[1] = (__u64)saddr[3] << 32 | saddr[2];
	key->addr[2] = (__u64)daddr[1] << 32 | daddr[0];
	key->addr[3] = (__u64)daddr[3] << 32 | daddr[2];
	key->ports = (__u64)proto << 32 | ports;
	for (int i = 0; i < 4; i++)
		hash = flow_mix(hash, key->addr[i]);
	key->hash = flow_mix(hash, key->ports);
}

static __always_inline void flow_key(struct flow_key *key, const struct tuple *tuple, const bool v4)
{
	__u32 ports = (__u32)tuple->dport << 16 | tuple->sport;

	if (v4)
		flow_key4(key, tuple->saddr.word[3], tuple->daddr.word[3], ports, tuple->proto);
	else
		flow_key6(key, tuple->saddr.word, tuple->daddr.word, ports, tuple->proto);
}

/* The set's number and the way to begin at come from different bits of the hash. */
static __always_inline __u32 flow_set_index(__u64 hash, bool second, const bool v4)
{
	__u32 mask = v4 ? lb_config.flow4_mask : lb_config.flow6_mask;

	return (__u32)(second ? hash >> 29 : hash) & mask;
}

static __always_inline __u32 flow_first_way(__u64 hash)
{
	return hash >> 62;
}

/* ------------------------------------------------------ entries of a set -- */

static __always_inline void *flow_set(__u32 index, const bool v4)
{
	if (v4)
		return bpf_map_lookup_elem(&lb_flow4, &index);
	return bpf_map_lookup_elem(&lb_flow6, &index);
}

static __always_inline void *flow_way(void *set, __u32 way, const bool v4)
{
	way &= LB_FLOW_WAYS - 1;
	if (v4)
		return &((struct lb_flow4_set *)set)->way[way];
	return &((struct lb_flow6_set *)set)->way[way];
}

static __always_inline struct lb_flow_meta *flow_meta(void *entry, const bool v4)
{
	return v4 ? &((struct lb_flow4 *)entry)->meta : &((struct lb_flow6 *)entry)->meta;
}

static __always_inline __u32 *flow_set_word(void *set, const bool v4)
{
	return &flow_meta(flow_way(set, 0, v4), v4)->word;
}

/*
 * Whether an entry is the key's. Each word is read once, since others may write meanwhile; that
 * with the client's own part of the address comes first, since it differs most often.
 */
static __always_inline bool flow_match(const void *entry, const struct flow_key *key, const bool v4)
{
	const volatile __u64 *word = entry;
	__u64 ports;

	if (v4) {
		if (word[0] != key->addr[0])
			return false;
	} else if (word[1] != key->addr[1] || word[3] != key->addr[3] || word[0] != key->addr[0] ||
		   word[2] != key->addr[2]) {
		return false;
	}
	ports = word[v4 ? 1 : 4];
	return !((ports ^ key->ports) << FLOW_KEY_SHIFT) && ports >> FLOW_STATE_SHIFT & 0xff;
}

static __always_inline void *flow_find_way(void *set, const struct flow_key *key, const bool v4)
{
#pragma unroll
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++) {
		void *entry = flow_way(set, flow_first_way(key->hash) + i, v4);

		if (flow_match(entry, key, v4))
			return entry;
	}
	return NULL;
}

/* Eight bytes that are fields of their own. */
static __always_inline void flow_copy_word(void *to, const void *from)
{
	*(__u64 *)to = *(const __u64 *)from;
}

static __always_inline void flow_copy_nexthop(struct lb_nexthop *to, const struct lb_nexthop *from)
{
	flow_copy_word(to, from);
	flow_copy_word(to->dmac + 4, from->dmac + 4);
}

/* Copies what an entry says; the caller checks the sequence around it. */
static __always_inline void flow_copy(const void *entry, struct rewrite *rw, const bool v4)
{
	if (v4) {
		const struct lb_flow4 *f = entry;

		addr_map4(&rw->saddr, f->new_saddr);
		addr_map4(&rw->daddr, f->new_daddr);
		flow_copy_word(&rw->sport, &f->new_sport); /* and the deltas */
		flow_copy_nexthop(&rw->nexthop, &f->nexthop);
		flow_copy_word(&rw->backend, &f->backend); /* and its generation */
		rw->last_seen = f->meta.last_seen;
		rw->state = f->meta.state;
		rw->flags = f->meta.flags;
	} else {
		const struct lb_flow6 *f = entry;

		flow_copy_word(&rw->saddr.word[0], &f->new_saddr[0]);
		flow_copy_word(&rw->saddr.word[2], &f->new_saddr[2]);
		flow_copy_word(&rw->daddr.word[0], &f->new_daddr[0]);
		flow_copy_word(&rw->daddr.word[2], &f->new_daddr[2]);
		flow_copy_word(&rw->sport, &f->new_sport);
		flow_copy_nexthop(&rw->nexthop, &f->nexthop);
		flow_copy_word(&rw->backend, &f->backend);
		rw->last_seen = f->meta.last_seen;
		rw->state = f->meta.state;
		rw->flags = f->meta.flags;
	}
}

/* ------------------------------------------------------------- writing -- */

/* Key and rewrite, without the head. */
static __always_inline void flow_fill(void *entry, const struct tuple *tuple,
				      const struct rewrite *rw, const bool v4)
{
	if (v4) {
		struct lb_flow4 *f = entry;

		f->saddr = tuple->saddr.word[3];
		f->daddr = tuple->daddr.word[3];
		f->sport = tuple->sport;
		f->dport = tuple->dport;
		f->new_saddr = rw->saddr.word[3];
		f->new_daddr = rw->daddr.word[3];
		f->new_sport = rw->sport;
		f->new_dport = rw->dport;
		f->addr_delta = rw->addr_delta;
		f->port_delta = rw->port_delta;
		f->nexthop = rw->nexthop;
		f->backend = rw->backend;
		f->generation = rw->generation;
	} else {
		struct lb_flow6 *f = entry;

		__builtin_memcpy(f->saddr, &tuple->saddr, sizeof(f->saddr));
		__builtin_memcpy(f->daddr, &tuple->daddr, sizeof(f->daddr));
		f->sport = tuple->sport;
		f->dport = tuple->dport;
		__builtin_memcpy(f->new_saddr, &rw->saddr, sizeof(f->new_saddr));
		__builtin_memcpy(f->new_daddr, &rw->daddr, sizeof(f->new_daddr));
		f->new_sport = rw->sport;
		f->new_dport = rw->dport;
		f->addr_delta = rw->addr_delta;
		f->port_delta = rw->port_delta;
		f->nexthop = rw->nexthop;
		f->backend = rw->backend;
		f->generation = rw->generation;
	}
}

/* Whether an entry says what rw says. */
static __always_inline bool flow_says(const void *entry, const struct rewrite *rw, const bool v4)
{
	if (v4) {
		const struct lb_flow4 *f = entry;

		return f->new_saddr == rw->saddr.word[3] && f->new_daddr == rw->daddr.word[3] &&
		       f->new_sport == rw->sport && f->new_dport == rw->dport;
	} else {
		const struct lb_flow6 *f = entry;

		return addr_equal((const struct lb_addr *)f->new_saddr, &rw->saddr) &&
		       addr_equal((const struct lb_addr *)f->new_daddr, &rw->daddr) &&
		       f->new_sport == rw->sport && f->new_dport == rw->dport;
	}
}

#endif
