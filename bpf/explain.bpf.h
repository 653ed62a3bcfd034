/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `lbctl explain`: the programs are loaded a second time with dry_run in their configuration,
 * and asked by test runs. What they would write (flows, counters) lies in maps of that load
 * alone, so that nothing can leak; what they find is noted here. Without dry_run the verifier
 * removes all of it.
 */
#ifndef LB_EXPLAIN_BPF_H
#define LB_EXPLAIN_BPF_H

#include "config.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"
#include "verdict.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_explain);
} lb_explain SEC(".maps");

static __always_inline struct lb_explain *explain(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lb_explain, &zero);
}

/* The backend that the question is about, or 0. */
static __always_inline __u32 explain_wanted(void)
{
	const struct lb_explain *note = explain();

	return note ? note->wanted : 0;
}

static __always_inline void explain_range(const struct lb_range *range, bool local, __u32 hash)
{
	struct lb_explain *note = explain();

	if (!note)
		return;
	note->range = *range;
	note->local = local;
	note->slot = range->len ? hash % range->len : 0;
}

static __always_inline void explain_bound(void)
{
	struct lb_explain *note = explain();

	if (note)
		note->bound = true;
}

static __always_inline void explain_chosen(__u32 backend, bool masquerade)
{
	struct lb_explain *note = explain();

	if (!note)
		return;
	note->backend = backend;
	note->masquerade = masquerade;
}

static __always_inline __u32 explain_verdict(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
		return LB_EXPLAIN_PASS;
	case VERDICT_REPLY:
		return LB_EXPLAIN_REJECT;
	case VERDICT_DROP:
		return LB_EXPLAIN_DROP;
	default:
		return LB_EXPLAIN_FORWARD;
	}
}

/* How a packet ended. rw means something for one that is sent on. */
static __always_inline void explain_done(enum verdict verdict, enum lb_reason reason,
					 const struct rewrite *rw)
{
	struct lb_explain *note = explain();

	if (!note)
		return;
	note->verdict = explain_verdict(verdict);
	note->reason = reason;
	if (note->verdict != LB_EXPLAIN_FORWARD)
		return;
	note->reason = LB_REASON_FORWARDED;
	note->flow_flags = rw->flags;
	note->new_saddr = rw->saddr;
	note->new_daddr = rw->daddr;
	note->new_sport = rw->sport;
	note->new_dport = rw->dport;
	note->nexthop = rw->nexthop;
}

#endif
