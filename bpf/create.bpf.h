/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A new flow: frontend → source ranges and policy → affinity → Maglev → masquerade or not →
 * both entries. The answer's entry comes first, because it is the one that two clients could
 * want at a time; who loses there tries another port.
 */
#ifndef LB_CREATE_BPF_H
#define LB_CREATE_BPF_H

#include "flow.bpf.h"
#include "frontend.bpf.h"
#include "nexthop.bpf.h"
#include "select.bpf.h"
#include "track.bpf.h"

/*
 * What does not fit onto 512 bytes of stack. One a CPU is enough: the hooks run with bottom
 * halves off, so that none interrupts another on its CPU.
 */
struct create_scratch {
	struct packet pkt;
	struct rewrite rw;
	struct rewrite answer;
	struct tuple answer_key;
	struct selection chosen;
	struct lb_nexthop sender; /* where the packet came from */
	bool sender_by_xdp;	  /* XDP may send the answers there by itself */
	bool absent;		  /* there is no entry of the packet: established() has looked */
	__u32 service;		  /* that the packet is for; 0: not known */
	__u32 closed; /* here, since the verifier would follow each value of a variable */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct create_scratch);
} lb_scratch SEC(".maps");

static __always_inline struct create_scratch *create_scratch_raw(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lb_scratch, &zero);
}

/* Just before the tail call: what the slow program need not look for again, 13 ns of a new flow. */
static __always_inline void create_scratch_absent(bool absent)
{
	struct create_scratch *scratch = create_scratch_raw();

	if (scratch)
		scratch->absent = absent;
}

static __always_inline struct create_scratch *create_scratch(void)
{
	struct create_scratch *scratch = create_scratch_raw();

	if (scratch) {
		__builtin_memset(&scratch->pkt, 0, sizeof(scratch->pkt));
		scratch->service = 0;
	}
	return scratch;
}

/* Ports tried for a masqueraded flow before it is refused. */
#define CREATE_PORT_TRIES 32

/*
 * The family's instances of what is too large to be copied into each caller. Not static, so
 * that the verifier looks at each once, by itself; it then assumes that arguments may be NULL.
 */
__noinline int create_touch4(const struct tuple *tuple, const struct flow_change *change)
{
	if (tuple && change)
		flow_touch(tuple, change, true);
	return 0;
}

__noinline int create_touch6(const struct tuple *tuple, const struct flow_change *change)
{
	if (tuple && change)
		flow_touch(tuple, change, false);
	return 0;
}

static __always_inline void create_touch(const struct tuple *tuple,
					 const struct flow_change *change, const bool v4)
{
	if (v4)
		create_touch4(tuple, change);
	else
		create_touch6(tuple, change);
}

__noinline int create_insert4(const struct tuple *tuple, const struct rewrite *rw, __u32 overwrite)
{
	if (!tuple || !rw)
		return FLOW_BUSY;
	return flow_insert(tuple, rw, overwrite, true);
}

__noinline int create_insert6(const struct tuple *tuple, const struct rewrite *rw, __u32 overwrite)
{
	if (!tuple || !rw)
		return FLOW_BUSY;
	return flow_insert(tuple, rw, overwrite, false);
}

static __always_inline int create_insert(const struct tuple *tuple, const struct rewrite *rw,
					 bool overwrite, const bool v4)
{
	return v4 ? create_insert4(tuple, rw, overwrite) : create_insert6(tuple, rw, overwrite);
}

/* ------------------------------------------------------------ new flow -- */

static __always_inline __u16 create_addr_delta(const struct tuple *old, const struct rewrite *rw)
{
	__u32 sum = 0;

	for (int i = 0; i < 4; i++) {
		sum = csum_replace32(sum, old->saddr.word[i], rw->saddr.word[i]);
		sum = csum_replace32(sum, old->daddr.word[i], rw->daddr.word[i]);
	}
	return csum_fold(sum);
}

static __always_inline __u16 create_port_delta(const struct tuple *old, const struct rewrite *rw)
{
	return csum_fold(
		csum_replace16(csum_replace16(0, old->sport, rw->sport), old->dport, rw->dport));
}

static __always_inline const struct lb_addr *create_masquerade_addr(const struct lb_device *device,
								    const bool v4)
{
	const struct lb_addr *addr;

	if (!device)
		return NULL;
	addr = v4 ? &device->addr4 : &device->addr6;
	return addr_zero(addr) ? NULL : addr;
}

/*
 * The way of a masqueraded flow, and its new source. A backend on a device that is not
 * attached would answer past us, and one that is this host would answer itself: there the
 * client's address is kept after all (*masquerade turns false).
 */
static __always_inline int create_route(struct hook_ctx *ctx, const struct tuple *tuple,
					const struct selection *chosen, const struct lb_device *in,
					struct rewrite *rw, bool *masquerade, const bool v4)
{
	const struct lb_device *out;
	const struct lb_addr *addr;
	int result;

	result = nexthop_find(ctx, &tuple->saddr, &chosen->addr, tuple->proto, &rw->nexthop, v4);
	out = nexthop_device(rw->nexthop.ifindex);
	if (result == NEXTHOP_HOST || (chosen->flags & LB_BACKEND_LOCAL && !out)) {
		*masquerade = false;
		return 0;
	}
	if (result == NEXTHOP_NONE) { /* let the kernel look again, by its own rules */
		rw->nexthop.ifindex = hook_ifindex(ctx);
		result = NEXTHOP_NO_MAC;
		out = in;
	}
	addr = create_masquerade_addr(out ?: in, v4);
	if (!addr)
		return LB_REASON_NO_ADDRESS;
	rw->saddr = *addr;
	rw->flags = LB_FLOW_FORWARD | LB_FLOW_MASQUERADE;
	if (result == NEXTHOP_NO_MAC)
		rw->flags |= LB_FLOW_NO_MAC;
	if (rw->nexthop.ifindex != hook_ifindex(ctx) && !nexthop_by_xdp(out))
		rw->flags |= LB_FLOW_TC;
	return 0;
}

/* The entry of the other direction, but for its key. */
static __always_inline void create_answer(const struct create_scratch *s, struct rewrite *ret)
{
	const struct tuple *tuple = &s->pkt.tuple;
	const struct rewrite *rw = &s->rw;

	*ret = *rw;
	ret->saddr = tuple->daddr;
	ret->daddr = tuple->saddr;
	ret->sport = tuple->dport;
	ret->dport = tuple->sport;
	ret->addr_delta = ~rw->addr_delta;
	ret->port_delta = ~rw->port_delta;
	ret->flags = LB_FLOW_REPLY;
	if (!(rw->flags & LB_FLOW_MASQUERADE)) {
		ret->flags |= LB_FLOW_EGRESS;
		return;
	}
	ret->flags |= LB_FLOW_FORWARD | LB_FLOW_MASQUERADE;
	ret->nexthop = s->sender;
	if (!s->sender_by_xdp)
		ret->flags |= LB_FLOW_TC;
}

/* Inserts the answer's entry; of a masqueraded flow under its n-th source port. */
static __always_inline int create_try_answer(struct create_scratch *s, __u32 start, __u32 n,
					     bool overwrite, const bool v4)
{
	const struct tuple *tuple = &s->pkt.tuple;
	struct rewrite *rw = &s->rw;

	if (rw->flags & LB_FLOW_MASQUERADE)
		rw->sport = bpf_htons(lb_config.snat_first +
				      (start + n * n) % (lb_config.snat_count ?: 1));
	rw->port_delta = create_port_delta(tuple, rw);
	create_answer(s, &s->answer);
	tuple_answer(rw, tuple->proto, &s->answer_key);
	return create_insert(&s->answer_key, &s->answer, overwrite, v4);
}

/*
 * Takes the first source port that is free; when none is, one whose flow is closed: its backend
 * may still hold the old connection in TIME-WAIT. Returns 0 or the enum lb_reason against it.
 */
static __always_inline int create_insert_answer(struct hook_ctx *ctx, struct create_scratch *s,
						const struct lb_device *in, const bool v4)
{
	const struct tuple *tuple = &s->pkt.tuple;
	__u32 tries = s->rw.flags & LB_FLOW_MASQUERADE ? CREATE_PORT_TRIES : 1;
	/* Independent of the hash that chose the backend: else each had a few ports only. */
	__u32 start = flow_mix(lb_config.seed,
			       select_hash(&tuple->saddr, tuple->sport, tuple->proto, false)) >>
		      32;
	int result = FLOW_BUSY;

	s->closed = CREATE_PORT_TRIES;
	nexthop_sender(ctx, &s->sender);
	s->sender_by_xdp = s->rw.nexthop.ifindex == s->sender.ifindex || nexthop_by_xdp(in);
	for (__u32 i = 0; i < CREATE_PORT_TRIES; i++) {
		if (i >= tries)
			break;
		result = create_try_answer(s, start, i, false, v4);
		if (result == FLOW_CLOSED)
			s->closed = i;
		else if (result != FLOW_TAKEN)
			break;
	}
	if ((result == FLOW_TAKEN || result == FLOW_CLOSED) && s->closed < CREATE_PORT_TRIES)
		result = create_try_answer(s, start, s->closed, true, v4);
	switch (result) {
	case FLOW_INSERTED:
	case FLOW_KEPT:
		return 0;
	case FLOW_TAKEN:
	case FLOW_CLOSED:
		return LB_REASON_NO_PORT;
	case FLOW_NO_ROOM:
		return LB_REASON_NO_ROOM;
	default:
		return LB_REASON_BUSY;
	}
}

/* Both entries of a new flow. Returns 0 or the reason why there are none. */
static __always_inline int create_flow(struct hook_ctx *ctx, struct create_scratch *s,
				       const struct lb_device *in, bool masquerade, bool overwrite,
				       const bool v4)
{
	const struct selection *chosen = &s->chosen;
	const struct tuple *tuple = &s->pkt.tuple;
	struct rewrite *rw = &s->rw;
	int reason;

	rw->saddr = tuple->saddr;
	rw->sport = tuple->sport;
	rw->daddr = chosen->addr;
	rw->dport = chosen->port;
	rw->backend = chosen->backend;
	rw->generation = chosen->generation;
	rw->last_seen = (__u32)bpf_jiffies64();
	rw->state = track_first_state(&s->pkt);
	rw->flags = 0;
	rw->goes_on = !(s->pkt.tcp_flags & TCP_SYN);
	if (masquerade) {
		reason = create_route(ctx, tuple, chosen, in, rw, &masquerade, v4);
		if (reason)
			return reason;
	}
	rw->addr_delta = create_addr_delta(tuple, rw);
	reason = create_insert_answer(ctx, s, in, v4);
	if (reason)
		return reason;
	/*
	 * The client's own entry may fail to fit: the next packet comes this way again and finds
	 * backend and port by the same hashes. Taken means that another CPU was faster, with the
	 * same outcome for the same reason.
	 */
	if (create_insert(tuple, rw, overwrite, v4) == FLOW_INSERTED)
		backend_count_connection(chosen->backend);
	return 0;
}

/* Fills rw for a packet without a flow. Returns a verdict; VERDICT_STACK: apply rw. */
static __always_inline enum verdict create_new(struct hook_ctx *ctx, struct create_scratch *s,
					       bool overwrite, enum lb_reason *reason,
					       const bool v4)
{
	const struct tuple *tuple = &s->pkt.tuple;
	const struct lb_frontend *frontend;
	const struct lb_device *device;
	const struct lb_range *range;
	bool masquerade, pod;
	__u32 hash;
	int result;

	frontend = frontend_find(&tuple->daddr, tuple->dport, tuple->proto);
	if (!frontend)
		return VERDICT_PASS;
	s->service = frontend->service;
	if (!frontend_source_allowed(frontend, &tuple->saddr)) {
		*reason = LB_REASON_SOURCE_RANGE;
		return VERDICT_DROP;
	}
	device = nexthop_device(hook_ifindex(ctx));
	pod = (device && device->flags & LB_DEVICE_POD) || frontend_source_is_pod(&tuple->saddr);
	range = frontend_range(frontend, !pod);
	hash = select_hash(&tuple->saddr, tuple->sport, tuple->proto, frontend->affinity);
	if (!select_backend(frontend, range, &tuple->saddr, hash, &s->chosen)) {
		*reason = range->len		  ? LB_REASON_BUSY
			  : frontend->cluster.len ? LB_REASON_NO_LOCAL_BACKEND
						  : LB_REASON_NO_BACKEND;
		return VERDICT_DROP;
	}
	masquerade = select_masquerades(frontend, &tuple->saddr, &s->chosen, pod);
	if (lb_config.dry_run)
		explain_chosen(s->chosen.backend, masquerade);
	result = create_flow(ctx, s, device, masquerade, overwrite, v4);
	/* The same client and backend by two addresses of the service: tell them apart by port. */
	if (result == LB_REASON_NO_PORT && !masquerade)
		result = create_flow(ctx, s, device, true, overwrite, v4);
	*reason = result;
	return result ? VERDICT_DROP : VERDICT_STACK;
}

#endif
