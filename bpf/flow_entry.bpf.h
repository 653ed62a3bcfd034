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

static __always_inline __u64 flow_hash4(__be32 saddr, __be32 daddr, __u32 ports, __u8 proto)
{
	__u64 hash = flow_mix(lb_config.seed, (__u64)daddr << 32 | saddr);

	return flow_mix(hash, (__u64)proto << 32 | ports);
}

static __always_inline __u64 flow_hash6(const __be32 *saddr, const __be32 *daddr, __u32 ports,
					__u8 proto)
{
	__u64 hash = flow_mix(lb_config.seed, (__u64)saddr[1] << 32 | saddr[0]);

	hash = flow_mix(hash, (__u64)saddr[3] << 32 | saddr[2]);
	hash = flow_mix(hash, (__u64)daddr[1] << 32 | daddr[0]);
	hash = flow_mix(hash, (__u64)daddr[3] << 32 | daddr[2]);
	return flow_mix(hash, (__u64)proto << 32 | ports);
}

static __always_inline __u32 tuple_ports(const struct tuple *tuple)
{
	return (__u32)tuple->dport << 16 | tuple->sport;
}

static __always_inline __u64 flow_hash(const struct tuple *tuple, const bool v4)
{
	__u32 ports = tuple_ports(tuple);

	if (v4)
		return flow_hash4(tuple->saddr.word[3], tuple->daddr.word[3], ports, tuple->proto);
	return flow_hash6(tuple->saddr.word, tuple->daddr.word, ports, tuple->proto);
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

static __always_inline bool flow_match4(const struct lb_flow4 *f, __be32 saddr, __be32 daddr,
					__u32 ports, __u8 proto)
{
	return f->saddr == saddr && f->daddr == daddr && *(const __u32 *)&f->sport == ports &&
	       f->meta.proto == proto && f->meta.state;
}

static __always_inline bool flow_match6(const struct lb_flow6 *f, const __be32 *saddr,
					const __be32 *daddr, __u32 ports, __u8 proto)
{
	return *(const __u32 *)&f->sport == ports && f->daddr[3] == daddr[3] &&
	       f->daddr[2] == daddr[2] && f->daddr[1] == daddr[1] && f->daddr[0] == daddr[0] &&
	       f->saddr[3] == saddr[3] && f->saddr[2] == saddr[2] && f->saddr[1] == saddr[1] &&
	       f->saddr[0] == saddr[0] && f->meta.proto == proto && f->meta.state;
}

static __always_inline bool flow_match(const void *entry, const struct tuple *tuple, const bool v4)
{
	if (v4)
		return flow_match4(entry, tuple->saddr.word[3], tuple->daddr.word[3],
				   tuple_ports(tuple), tuple->proto);
	return flow_match6(entry, tuple->saddr.word, tuple->daddr.word, tuple_ports(tuple),
			   tuple->proto);
}

static __always_inline void *flow_find_way(void *set, __u64 hash, const struct tuple *tuple,
					   const bool v4)
{
#pragma unroll
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++) {
		void *entry = flow_way(set, flow_first_way(hash) + i, v4);

		if (flow_match(entry, tuple, v4))
			return entry;
	}
	return NULL;
}

/* Copies what an entry says; the caller checks the sequence around it. */
static __always_inline void flow_copy(const void *entry, struct rewrite *rw, const bool v4)
{
	if (v4) {
		const struct lb_flow4 *f = entry;

		addr_map4(&rw->saddr, f->new_saddr);
		addr_map4(&rw->daddr, f->new_daddr);
		*(__u32 *)&rw->sport = *(const __u32 *)&f->new_sport;
		*(__u32 *)&rw->addr_delta = *(const __u32 *)&f->addr_delta;
		rw->nexthop = f->nexthop;
		rw->backend = f->backend;
		rw->generation = f->generation;
		rw->last_seen = f->meta.last_seen;
		rw->state = f->meta.state;
		rw->flags = f->meta.flags;
	} else {
		const struct lb_flow6 *f = entry;

		__builtin_memcpy(&rw->saddr, f->new_saddr, sizeof(rw->saddr));
		__builtin_memcpy(&rw->daddr, f->new_daddr, sizeof(rw->daddr));
		*(__u32 *)&rw->sport = *(const __u32 *)&f->new_sport;
		*(__u32 *)&rw->addr_delta = *(const __u32 *)&f->addr_delta;
		rw->nexthop = f->nexthop;
		rw->backend = f->backend;
		rw->generation = f->generation;
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
