/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flow table: for each direction of each connection, the whole rewrite.
 *
 * A set is four entries, each on cache lines of its own. A tuple's hash names a first
 * and a second set; the second is looked at only when the first carries the overflow
 * mark. Probing starts at the way that the hash names, so most hits touch one line.
 *
 * Each entry has a word: bit 0 of the first way's word is the lock of the set, bit 1 its
 * overflow mark; the other bits of every word are the entry's sequence number, odd while
 * somebody writes it.
 *
 *	writer: lock the tuple's first set; write an entry between two steps of its
 *	        sequence; unlock. All who insert a tuple meet at the lock of its first set,
 *	        so a tuple is never there twice, whichever set it lies in. An entry of the
 *	        second set is written under that set's lock as well.
 *	reader: takes no lock. Copies the entry, then looks whether sequence and key are
 *	        still the same; if not, the packet takes the slow path, which tries again.
 *
 * The lock is tried, never waited for: a socket hook in process context and a packet
 * program in softirq may meet on one CPU, where waiting would be for ever.
 *
 * `last_seen` alone is written without the lock. At worst it lands in an entry that was
 * replaced in that instant and makes it look fresher by one refresh interval.
 *
 * What it does badly: on CPUs with a weak memory order the reader's check is only as good
 * as the compiler's order, since older kernels offer no load-acquire to BPF; a torn read
 * there misdirects one packet. Entries are never moved, so a full pair of sets refuses a
 * flow while others have room (at 75 % load about one in 10,000).
 */
#ifndef LB_FLOW_BPF_H
#define LB_FLOW_BPF_H

#include "config.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

#define FLOW_LOCK 1u
#define FLOW_OVERFLOW 2u
#define FLOW_SEQUENCE 4u /* one step; odd multiples: being written */
#define FLOW_TRIES 64

/* Outcome of an insertion. */
enum flow_insert {
	FLOW_INSERTED,
	FLOW_KEPT,    /* the same flow is there already; its state stays */
	FLOW_TAKEN,   /* the tuple belongs to another flow */
	FLOW_NO_ROOM, /* both sets hold flows that must not be evicted */
	FLOW_BUSY,
};

#define READ_WORD(x) (*(const volatile __typeof__(x) *)&(x))
#define barrier_compiler() asm volatile("" ::: "memory")

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

static __always_inline bool flow_word_stable(__u32 before, __u32 after)
{
	return !(before & FLOW_SEQUENCE) && !((before ^ after) & ~(FLOW_LOCK | FLOW_OVERFLOW));
}

/* Finds a tuple's entry in either set, and the set. The entry may change any time. */
static __always_inline void *flow_locate(const struct tuple *tuple, void **ret_set, const bool v4)
{
	__u64 hash = flow_hash(tuple, v4);
	void *set = flow_set(flow_set_index(hash, false, v4), v4);
	void *entry;

	if (!set)
		return NULL;
	*ret_set = set;
	entry = flow_find_way(set, hash, tuple, v4);
	if (entry || !(READ_WORD(*flow_set_word(set, v4)) & FLOW_OVERFLOW))
		return entry;
	set = flow_set(flow_set_index(hash, true, v4), v4);
	if (!set)
		return NULL;
	*ret_set = set;
	return flow_find_way(set, hash, tuple, v4);
}

/* A consistent copy of the tuple's entry; false when there is none. */
static __always_inline bool flow_find(const struct tuple *tuple, struct rewrite *rw, const bool v4)
{
	for (int i = 0; i < 3; i++) {
		void *set;
		void *entry = flow_locate(tuple, &set, v4);
		__u32 before;

		if (!entry)
			return false;
		before = READ_WORD(flow_meta(entry, v4)->word);
		barrier_compiler();
		if (!flow_match(entry, tuple, v4))
			continue; /* replaced since: the tuple may be elsewhere by now */
		flow_copy(entry, rw, v4);
		barrier_compiler();
		if (flow_word_stable(before, READ_WORD(flow_meta(entry, v4)->word)))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------- writing -- */

static __always_inline bool flow_lock(__u32 *word)
{
	for (int i = 0; i < FLOW_TRIES; i++) {
		__u32 old = READ_WORD(*word);

		if (old & FLOW_LOCK)
			continue;
		if (__sync_val_compare_and_swap(word, old, old | FLOW_LOCK) == old)
			return true;
	}
	return false;
}

static __always_inline void flow_unlock(__u32 *word)
{
	__sync_fetch_and_and(word, ~FLOW_LOCK);
}

static __always_inline __u32 flow_timeout(__u8 proto, __u8 state)
{
	if (state >= LB_FLOW_STATES)
		return 0;
	return proto == IPPROTO_UDP ? lb_config.udp_timeout[state] : lb_config.tcp_timeout[state];
}

/*
 * Who goes first: empty, expired, closed, then the oldest that is not established yet. An
 * established flow never makes room, so a flood of new ones breaks no connection; nor does one
 * of this very jiffy, which may be the other entry of the flow being made. 0: stays.
 */
static __always_inline __u64 flow_victim_rank(const struct lb_flow_meta *meta, __u32 now)
{
	__u32 age = now - meta->last_seen;

	if (meta->state == LB_FLOW_EMPTY)
		return ~0ull;
	if (age > flow_timeout(meta->proto, meta->state))
		return 1ull << 34 | age;
	if (meta->state == LB_FLOW_CLOSED)
		return 1ull << 33 | age;
	if (meta->state < LB_FLOW_ESTABLISHED && age)
		return 1ull << 32 | age;
	return 0;
}

static __always_inline void *flow_victim(void *set, __u64 hash, __u32 now, const bool v4)
{
	void *victim = NULL;
	__u64 best = 0;

#pragma unroll
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++) {
		void *entry = flow_way(set, flow_first_way(hash) + i, v4);
		__u64 rank = flow_victim_rank(flow_meta(entry, v4), now);

		if (rank > best) {
			best = rank;
			victim = entry;
		}
	}
	return victim;
}

static __always_inline void flow_write(void *entry, const struct tuple *tuple,
				       const struct rewrite *rw, const bool v4)
{
	struct lb_flow_meta *meta = flow_meta(entry, v4);

	__sync_fetch_and_add(&meta->word, FLOW_SEQUENCE);
	barrier_compiler();
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
	meta->proto = tuple->proto;
	meta->state = rw->state;
	meta->flags = rw->flags;
	meta->last_seen = rw->last_seen;
	barrier_compiler();
	__sync_fetch_and_add(&meta->word, FLOW_SEQUENCE);
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

/*
 * What to do with an entry that is there already for the tuple; FLOW_INSERTED: write rw over
 * it. A flow whose other entry was evicted finds its own again, and with it its port.
 */
static __always_inline int flow_meet(void *entry, const struct rewrite *rw, bool overwrite,
				     const bool v4)
{
	struct lb_flow_meta *meta = flow_meta(entry, v4);

	if (overwrite || meta->state == LB_FLOW_CLOSED ||
	    rw->last_seen - meta->last_seen > flow_timeout(meta->proto, meta->state))
		return FLOW_INSERTED;
	if (!flow_says(entry, rw, v4))
		return FLOW_TAKEN;
	meta->last_seen = rw->last_seen;
	if (rw->goes_on && meta->state == LB_FLOW_REPLIED)
		meta->state = LB_FLOW_ESTABLISHED;
	return FLOW_KEPT;
}

/* With set locked and its ways full of flows that stay: a place in the second set. */
static __always_inline int flow_insert_second(__u32 *first_word, __u32 first_index, __u64 hash,
					      const struct tuple *tuple, const struct rewrite *rw,
					      const bool v4)
{
	__u32 index = flow_set_index(hash, true, v4);
	void *set = flow_set(index, v4);
	__u32 *word;
	void *entry;

	if (!set || index == first_index)
		return FLOW_NO_ROOM;
	word = flow_set_word(set, v4);
	if (!flow_lock(word))
		return FLOW_BUSY;
	entry = flow_victim(set, hash, rw->last_seen, v4);
	if (entry) {
		flow_write(entry, tuple, rw, v4);
		__sync_fetch_and_or(first_word, FLOW_OVERFLOW);
	}
	flow_unlock(word);
	return entry ? FLOW_INSERTED : FLOW_NO_ROOM;
}

static __always_inline int flow_overwrite_second(__u64 hash, const struct tuple *tuple,
						 const struct rewrite *rw, bool overwrite,
						 const bool v4)
{
	void *set = flow_set(flow_set_index(hash, true, v4), v4);
	int result = FLOW_NO_ROOM; /* not there */
	__u32 *word;
	void *entry;

	if (!set || !flow_find_way(set, hash, tuple, v4))
		return FLOW_NO_ROOM;
	word = flow_set_word(set, v4);
	if (!flow_lock(word))
		return FLOW_BUSY;
	entry = flow_find_way(set, hash, tuple, v4);
	if (entry) {
		result = flow_meet(entry, rw, overwrite, v4);
		if (result == FLOW_INSERTED)
			flow_write(entry, tuple, rw, v4);
	}
	flow_unlock(word);
	return result;
}

static __always_inline int flow_insert_locked(void *set, __u32 index, __u64 hash,
					      const struct tuple *tuple, const struct rewrite *rw,
					      bool overwrite, const bool v4)
{
	__u32 *word = flow_set_word(set, v4);
	void *entry = flow_find_way(set, hash, tuple, v4);

	if (entry) {
		int result = flow_meet(entry, rw, overwrite, v4);

		if (result == FLOW_INSERTED)
			flow_write(entry, tuple, rw, v4);
		return result;
	}
	if (READ_WORD(*word) & FLOW_OVERFLOW) {
		int result = flow_overwrite_second(hash, tuple, rw, overwrite, v4);

		if (result != FLOW_NO_ROOM)
			return result;
	}
	entry = flow_victim(set, hash, rw->last_seen, v4);
	if (!entry)
		return flow_insert_second(word, index, hash, tuple, rw, v4);
	flow_write(entry, tuple, rw, v4);
	return FLOW_INSERTED;
}

/*
 * Check and insertion in one critical section: of all who want the tuple, one gets it.
 * overwrite: an entry that is there is void. Returns enum flow_insert.
 */
static __always_inline int flow_insert(const struct tuple *tuple, const struct rewrite *rw,
				       bool overwrite, const bool v4)
{
	__u64 hash = flow_hash(tuple, v4);
	__u32 index = flow_set_index(hash, false, v4);
	void *set = flow_set(index, v4);
	int result;

	if (!set || !flow_lock(flow_set_word(set, v4)))
		return FLOW_BUSY;
	result = flow_insert_locked(set, index, hash, tuple, rw, overwrite, v4);
	flow_unlock(flow_set_word(set, v4));
	return result;
}

/* What a packet may change in the entry of a flow that goes on. */
struct flow_change {
	struct lb_nexthop nexthop; /* ifindex 0: as it is */
	__u32 now;
	__u32 generation;
	__u8 state;
	__u8 flags_clear;
	__u8 zero[2];
};

static __always_inline void flow_change_locked(void *entry, const struct flow_change *change,
					       const bool v4)
{
	struct lb_flow_meta *meta = flow_meta(entry, v4);

	__sync_fetch_and_add(&meta->word, FLOW_SEQUENCE);
	barrier_compiler();
	meta->state = change->state;
	meta->flags &= ~change->flags_clear;
	if (v4) {
		struct lb_flow4 *f = entry;

		f->generation = change->generation;
		if (change->nexthop.ifindex)
			f->nexthop = change->nexthop;
	} else {
		struct lb_flow6 *f = entry;

		f->generation = change->generation;
		if (change->nexthop.ifindex)
			f->nexthop = change->nexthop;
	}
	barrier_compiler();
	__sync_fetch_and_add(&meta->word, FLOW_SEQUENCE);
}

/* Applies a change unless the set is locked: then the next packet brings it again. */
static __always_inline void flow_touch(const struct tuple *tuple, const struct flow_change *change,
				       const bool v4)
{
	void *set;
	void *entry = flow_locate(tuple, &set, v4);
	__u32 *word;

	if (!entry)
		return;
	flow_meta(entry, v4)->last_seen = change->now;
	word = flow_set_word(set, v4);
	if (!flow_lock(word))
		return;
	if (flow_match(entry, tuple, v4))
		flow_change_locked(entry, change, v4);
	flow_unlock(word);
}

/* Removes a tuple's entry, as far as the set's lock is to be had. */
static __always_inline void flow_remove(const struct tuple *tuple, const bool v4)
{
	struct flow_change change = { .state = LB_FLOW_EMPTY };

	flow_touch(tuple, &change, v4);
}

#endif
