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

#include "flow_entry.bpf.h"

#define FLOW_LOCK 1u
#define FLOW_OVERFLOW 2u
#define FLOW_SEQUENCE 4u /* one step; odd multiples: being written */
#define FLOW_TRIES 64

/* Outcome of an insertion. */
enum flow_insert {
	FLOW_INSERTED,
	FLOW_KEPT,    /* the same flow is there already; its state stays */
	FLOW_TAKEN,   /* the tuple belongs to another flow */
	FLOW_CLOSED,  /* … which is closed, but not long enough to be forgotten */
	FLOW_NO_ROOM, /* both sets hold flows that must not be evicted */
	FLOW_BUSY,
};

#define READ_WORD(x) (*(const volatile __typeof__(x) *)&(x))
#define barrier_compiler() asm volatile("" ::: "memory")

static __always_inline bool flow_word_stable(__u32 before, __u32 after)
{
	return !(before & FLOW_SEQUENCE) && !((before ^ after) & ~(FLOW_LOCK | FLOW_OVERFLOW));
}

/* Finds a tuple's entry in either set, and the set. The entry may change any time. */
static __always_inline void *flow_locate(const struct flow_key *key, void **ret_set, const bool v4)
{
	void *set = flow_set(flow_set_index(key->hash, false, v4), v4);
	void *entry;

	if (!set)
		return NULL;
	*ret_set = set;
	entry = flow_find_way(set, key, v4);
	if (entry || !(READ_WORD(*flow_set_word(set, v4)) & FLOW_OVERFLOW))
		return entry;
	set = flow_set(flow_set_index(key->hash, true, v4), v4);
	if (!set)
		return NULL;
	*ret_set = set;
	return flow_find_way(set, key, v4);
}

enum flow_read {
	FLOW_FOUND,
	FLOW_MISSING,
	FLOW_TORN, /* replaced or written to meanwhile */
};

static __always_inline int flow_read(const struct tuple *tuple, struct rewrite *rw, const bool v4)
{
	struct flow_key key;
	void *set, *entry;
	__u32 before;

	flow_key(&key, tuple, v4);
	entry = flow_locate(&key, &set, v4);
	if (!entry)
		return FLOW_MISSING;
	before = READ_WORD(flow_meta(entry, v4)->word);
	barrier_compiler();
	if (!flow_match(entry, &key, v4))
		return FLOW_TORN;
	flow_copy(entry, rw, v4);
	barrier_compiler();
	return flow_word_stable(before, READ_WORD(flow_meta(entry, v4)->word)) ? FLOW_FOUND
									       : FLOW_TORN;
}

/* Not static: the verifier looks at each once, by itself, and assumes pointers may be NULL. */
__noinline int flow_read4(const struct tuple *tuple, struct rewrite *rw)
{
	return tuple && rw ? flow_read(tuple, rw, true) : FLOW_MISSING;
}

__noinline int flow_read6(const struct tuple *tuple, struct rewrite *rw)
{
	return tuple && rw ? flow_read(tuple, rw, false) : FLOW_MISSING;
}

/* A consistent copy of the tuple's entry; false when there is none. */
static __always_inline bool flow_find(const struct tuple *tuple, struct rewrite *rw, const bool v4)
{
	int result = v4 ? flow_read4(tuple, rw) : flow_read6(tuple, rw);

	if (result == FLOW_TORN) /* a replaced tuple may be elsewhere by now */
		result = v4 ? flow_read4(tuple, rw) : flow_read6(tuple, rw);
	return result == FLOW_FOUND;
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

/*
 * Who has the lock alone writes to the words of a set: a plain store does, and costs a fraction of
 * a locked one. x86 keeps stores in their order; for other CPUs see "what it does badly".
 */
static __always_inline void flow_unlock(__u32 *word)
{
	barrier_compiler();
	*(volatile __u32 *)word = READ_WORD(*word) & ~FLOW_LOCK;
}

static __always_inline void flow_step(__u32 *word)
{
	barrier_compiler();
	*(volatile __u32 *)word = READ_WORD(*word) + FLOW_SEQUENCE;
	barrier_compiler();
}

static __always_inline __u32 flow_timeout(__u8 proto, __u8 state)
{
	if (state >= LB_FLOW_STATES)
		return 0;
	return proto == IPPROTO_UDP ? lb_config.udp_timeout[state] : lb_config.tcp_timeout[state];
}

#define flow_rank(what, age) (1ull << (32 + (what)) | (age))

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
		return flow_rank(LB_EVICTED_EXPIRED, age);
	if (meta->state == LB_FLOW_CLOSED)
		return flow_rank(LB_EVICTED_CLOSED, age);
	if (meta->state < LB_FLOW_ESTABLISHED && age)
		return flow_rank(LB_EVICTED_UNCONFIRMED, age);
	return 0;
}

static __always_inline void flow_count_eviction(__u64 rank)
{
	__u32 what = rank >> 34	  ? LB_EVICTED_EXPIRED
		     : rank >> 33 ? LB_EVICTED_CLOSED
				  : LB_EVICTED_UNCONFIRMED;
	__u64 *count;

	if (!rank || rank == ~0ull) /* nobody went, or nobody was there */
		return;
	count = bpf_map_lookup_elem(&lb_evictions, &what);
	if (count)
		++*count;
}

/* Who calls it writes over what it returns. */
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
	flow_count_eviction(best);
	return victim;
}

static __always_inline void flow_write(void *entry, const struct tuple *tuple,
				       const struct rewrite *rw, const bool v4)
{
	struct lb_flow_meta *meta = flow_meta(entry, v4);

	flow_step(&meta->word);
	flow_fill(entry, tuple, rw, v4);
	meta->proto = tuple->proto;
	meta->state = rw->state;
	meta->flags = rw->flags;
	meta->last_seen = rw->last_seen;
	flow_step(&meta->word);
}

/*
 * What to do with an entry that is there already for the tuple; FLOW_INSERTED: write rw over
 * it. A flow whose other entry was evicted finds its own again, and with it its port.
 */
static __always_inline int flow_meet(void *entry, const struct rewrite *rw, bool overwrite,
				     const bool v4)
{
	struct lb_flow_meta *meta = flow_meta(entry, v4);

	if (overwrite || rw->last_seen - meta->last_seen > flow_timeout(meta->proto, meta->state))
		return FLOW_INSERTED;
	if (!flow_says(entry, rw, v4))
		return meta->state == LB_FLOW_CLOSED ? FLOW_CLOSED : FLOW_TAKEN;
	if (meta->state == LB_FLOW_CLOSED)
		return FLOW_INSERTED;
	meta->last_seen = rw->last_seen;
	if (rw->goes_on && meta->state == LB_FLOW_REPLIED)
		meta->state = LB_FLOW_ESTABLISHED;
	return FLOW_KEPT;
}

/* With set locked and its ways full of flows that stay: a place in the second set. */
static __always_inline int flow_insert_second(__u32 *first_word, __u32 first_index,
					      const struct flow_key *key, const struct tuple *tuple,
					      const struct rewrite *rw, const bool v4)
{
	__u32 index = flow_set_index(key->hash, true, v4);
	void *set = flow_set(index, v4);
	__u32 *word;
	void *entry;

	if (!set || index == first_index)
		return FLOW_NO_ROOM;
	word = flow_set_word(set, v4);
	if (!flow_lock(word))
		return FLOW_BUSY;
	entry = flow_victim(set, key->hash, rw->last_seen, v4);
	if (entry) {
		flow_write(entry, tuple, rw, v4);
		*(volatile __u32 *)first_word = READ_WORD(*first_word) | FLOW_OVERFLOW;
	}
	flow_unlock(word);
	return entry ? FLOW_INSERTED : FLOW_NO_ROOM;
}

static __always_inline int flow_overwrite_second(const struct flow_key *key,
						 const struct tuple *tuple,
						 const struct rewrite *rw, bool overwrite,
						 const bool v4)
{
	void *set = flow_set(flow_set_index(key->hash, true, v4), v4);
	int result = FLOW_NO_ROOM; /* not there */
	__u32 *word;
	void *entry;

	if (!set || !flow_find_way(set, key, v4))
		return FLOW_NO_ROOM;
	word = flow_set_word(set, v4);
	if (!flow_lock(word))
		return FLOW_BUSY;
	entry = flow_find_way(set, key, v4);
	if (entry) {
		result = flow_meet(entry, rw, overwrite, v4);
		if (result == FLOW_INSERTED)
			flow_write(entry, tuple, rw, v4);
	}
	flow_unlock(word);
	return result;
}

static __always_inline int flow_insert_locked(void *set, __u32 index, const struct flow_key *key,
					      const struct tuple *tuple, const struct rewrite *rw,
					      bool overwrite, const bool v4)
{
	__u32 *word = flow_set_word(set, v4);
	void *entry = flow_find_way(set, key, v4);

	if (entry) {
		int result = flow_meet(entry, rw, overwrite, v4);

		if (result == FLOW_INSERTED)
			flow_write(entry, tuple, rw, v4);
		return result;
	}
	if (READ_WORD(*word) & FLOW_OVERFLOW) {
		int result = flow_overwrite_second(key, tuple, rw, overwrite, v4);

		if (result != FLOW_NO_ROOM)
			return result;
	}
	entry = flow_victim(set, key->hash, rw->last_seen, v4);
	if (!entry)
		return flow_insert_second(word, index, key, tuple, rw, v4);
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
	struct flow_key key;
	__u32 index;
	void *set;
	int result;

	flow_key(&key, tuple, v4);
	index = flow_set_index(key.hash, false, v4);
	set = flow_set(index, v4);
	if (!set || !flow_lock(flow_set_word(set, v4)))
		return FLOW_BUSY;
	result = flow_insert_locked(set, index, &key, tuple, rw, overwrite, v4);
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

	flow_step(&meta->word);
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
	flow_step(&meta->word);
}

/* Applies a change unless the set is locked: then the next packet brings it again. */
static __always_inline void flow_touch(const struct tuple *tuple, const struct flow_change *change,
				       const bool v4)
{
	struct flow_key key;
	void *set, *entry;
	__u32 *word;

	flow_key(&key, tuple, v4);
	entry = flow_locate(&key, &set, v4);
	if (!entry)
		return;
	flow_meta(entry, v4)->last_seen = change->now;
	word = flow_set_word(set, v4);
	if (!flow_lock(word))
		return;
	if (flow_match(entry, &key, v4))
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
