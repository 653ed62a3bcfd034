/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that the flow table alone cannot answer: the first of a flow, those that change
 * a flow's state, and those that turn out not to be ours. Runs behind a tail call, so that
 * its size does not weigh on the established path.
 *
 * A new flow: frontend → source ranges and policy → affinity → Maglev → masquerade or not →
 * both entries → rewrite. The answer's entry comes first, because it is the one that two
 * clients could want at a time; who loses there tries another port.
 */
#ifndef LB_SLOW_BPF_H
#define LB_SLOW_BPF_H

#include "flow.bpf.h"
#include "fragment.bpf.h"
#include "frontend.bpf.h"
#include "icmp.bpf.h"
#include "nexthop.bpf.h"
#include "parse.bpf.h"
#include "reject.bpf.h"
#include "select.bpf.h"
#include "track.bpf.h"

/*
 * What does not fit onto 512 bytes of stack. One a CPU is enough: the hooks run with bottom
 * halves off, so that none interrupts another on its CPU.
 */
struct slow_scratch {
	struct packet pkt;
	struct rewrite rw;
	struct rewrite answer;
	struct tuple answer_key;
	struct selection chosen;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slow_scratch);
} lb_scratch SEC(".maps");

static __always_inline struct slow_scratch *slow_scratch(void)
{
	__u32 zero = 0;
	struct slow_scratch *scratch = bpf_map_lookup_elem(&lb_scratch, &zero);

	if (scratch)
		__builtin_memset(&scratch->pkt, 0, sizeof(scratch->pkt));
	return scratch;
}

/* Bytes that the parsers may want to see in the linear part of a packet. */
#define SLOW_PULL 320

/* Ports tried for a masqueraded flow before it is refused. */
#define SLOW_PORT_TRIES 32

/*
 * The family's instances of what is too large to be copied into each caller. Not static, so
 * that the verifier looks at each once, by itself; it then assumes that arguments may be NULL.
 */
__noinline int slow_touch4(const struct tuple *tuple, const struct flow_change *change)
{
	if (tuple && change)
		flow_touch(tuple, change, true);
	return 0;
}

__noinline int slow_touch6(const struct tuple *tuple, const struct flow_change *change)
{
	if (tuple && change)
		flow_touch(tuple, change, false);
	return 0;
}

__noinline int slow_insert4(const struct tuple *tuple, const struct rewrite *rw, __u32 overwrite)
{
	if (!tuple || !rw)
		return FLOW_BUSY;
	return flow_insert(tuple, rw, overwrite, true);
}

__noinline int slow_insert6(const struct tuple *tuple, const struct rewrite *rw, __u32 overwrite)
{
	if (!tuple || !rw)
		return FLOW_BUSY;
	return flow_insert(tuple, rw, overwrite, false);
}

static __always_inline int slow_insert(const struct tuple *tuple, const struct rewrite *rw,
				       bool overwrite, const bool v4)
{
	return v4 ? slow_insert4(tuple, rw, overwrite) : slow_insert6(tuple, rw, overwrite);
}

/* ------------------------------------------------------------ new flow -- */

static __always_inline __u16 slow_addr_delta(const struct tuple *old, const struct rewrite *rw)
{
	__u32 sum = 0;

	for (int i = 0; i < 4; i++) {
		sum = csum_replace32(sum, old->saddr.word[i], rw->saddr.word[i]);
		sum = csum_replace32(sum, old->daddr.word[i], rw->daddr.word[i]);
	}
	return csum_fold(sum);
}

static __always_inline __u16 slow_port_delta(const struct tuple *old, const struct rewrite *rw)
{
	return csum_fold(
		csum_replace16(csum_replace16(0, old->sport, rw->sport), old->dport, rw->dport));
}

static __always_inline const struct lb_addr *slow_masquerade_addr(__u32 out, __u32 in,
								  const bool v4)
{
	const struct lb_device *device = nexthop_device(out);
	const struct lb_addr *addr;

	if (!device)
		device = nexthop_device(in);
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
static __always_inline int slow_route(struct hook_ctx *ctx, const struct tuple *tuple,
				      const struct selection *chosen, struct rewrite *rw,
				      bool *masquerade, const bool v4)
{
	const struct lb_addr *addr;
	int result;

	result = nexthop_find(ctx, &tuple->saddr, &chosen->addr, tuple->proto, &rw->nexthop, v4);
	if (result == NEXTHOP_HOST ||
	    (chosen->flags & LB_BACKEND_LOCAL && !nexthop_device(rw->nexthop.ifindex))) {
		*masquerade = false;
		return 0;
	}
	if (result == NEXTHOP_NONE) { /* let the kernel look again, by its own rules */
		rw->nexthop.ifindex = hook_ifindex(ctx);
		result = NEXTHOP_NO_MAC;
	}
	addr = slow_masquerade_addr(rw->nexthop.ifindex, hook_ifindex(ctx), v4);
	if (!addr)
		return LB_REASON_NO_ADDRESS;
	rw->saddr = *addr;
	rw->flags = LB_FLOW_FORWARD | LB_FLOW_MASQUERADE;
	if (result == NEXTHOP_NO_MAC)
		rw->flags |= LB_FLOW_NO_MAC;
	if (!nexthop_by_xdp(hook_ifindex(ctx), rw->nexthop.ifindex))
		rw->flags |= LB_FLOW_TC;
	return 0;
}

/* The entry of the other direction, but for its key. */
static __always_inline void slow_answer(struct hook_ctx *ctx, const struct tuple *tuple,
					const struct rewrite *rw, struct rewrite *ret)
{
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
	nexthop_sender(ctx, &ret->nexthop);
	if (!nexthop_by_xdp(rw->nexthop.ifindex, ret->nexthop.ifindex))
		ret->flags |= LB_FLOW_TC;
}

/* Inserts the answer's entry under the first source port that is free. Returns enum lb_reason. */
static __always_inline int slow_insert_answer(struct hook_ctx *ctx, struct slow_scratch *s,
					      const bool v4)
{
	const struct tuple *tuple = &s->pkt.tuple;
	struct rewrite *rw = &s->rw;
	__u32 tries = rw->flags & LB_FLOW_MASQUERADE ? SLOW_PORT_TRIES : 1;
	/* Independent of the hash that chose the backend: else each had a few ports only. */
	__u32 start = flow_mix(lb_config.seed,
			       select_hash(&tuple->saddr, tuple->sport, tuple->proto, false)) >>
		      32;
	int result = FLOW_BUSY;

	for (__u32 i = 0; i < SLOW_PORT_TRIES; i++) {
		if (i >= tries)
			break;
		if (rw->flags & LB_FLOW_MASQUERADE)
			rw->sport = bpf_htons(lb_config.snat_first +
					      (start + i * i) % (lb_config.snat_count ?: 1));
		rw->port_delta = slow_port_delta(tuple, rw);
		slow_answer(ctx, tuple, rw, &s->answer);
		tuple_answer(rw, tuple->proto, &s->answer_key);
		result = slow_insert(&s->answer_key, &s->answer, false, v4);
		if (result == FLOW_INSERTED || result == FLOW_KEPT)
			return 0;
		if (result != FLOW_TAKEN)
			break;
	}
	if (result == FLOW_TAKEN)
		return LB_REASON_NO_PORT;
	return result == FLOW_NO_ROOM ? LB_REASON_NO_ROOM : LB_REASON_BUSY;
}

/* Both entries of a new flow. Returns 0 or the reason why there are none. */
static __always_inline int slow_create(struct hook_ctx *ctx, struct slow_scratch *s,
				       bool masquerade, bool overwrite, const bool v4)
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
		reason = slow_route(ctx, tuple, chosen, rw, &masquerade, v4);
		if (reason)
			return reason;
	}
	rw->addr_delta = slow_addr_delta(tuple, rw);
	reason = slow_insert_answer(ctx, s, v4);
	if (reason)
		return reason;
	/*
	 * The client's own entry may fail to fit: the next packet comes this way again and finds
	 * backend and port by the same hashes. Taken means that another CPU was faster, with the
	 * same outcome for the same reason.
	 */
	if (slow_insert(tuple, rw, overwrite, v4) == FLOW_INSERTED)
		backend_count_connection(chosen->backend);
	return 0;
}

/* Fills rw for a packet without a flow. Returns a verdict; VERDICT_STACK: apply rw. */
static __always_inline enum verdict slow_new(struct hook_ctx *ctx, struct slow_scratch *s,
					     bool overwrite, enum lb_reason *reason, const bool v4)
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
	result = slow_create(ctx, s, masquerade, overwrite, v4);
	/* The same client and backend by two addresses of the service: tell them apart by port. */
	if (result == LB_REASON_NO_PORT && !masquerade)
		result = slow_create(ctx, s, true, overwrite, v4);
	*reason = result;
	return result ? VERDICT_DROP : VERDICT_STACK;
}

/* --------------------------------------------------------------- apply -- */

__noinline __u32 slow_sctp_checksum(__u32 check, __u32 old, __u32 new, __u32 length)
{
	return sctp_checksum_update(check, old, new, length);
}

/* At TC a checksum of 0 is one that is still to be made. */
static __always_inline bool slow_rewrite_sctp(void *l4, void *end, const struct rewrite *rw,
					      __u32 length)
{
	__u32 *ports = l4, *check = l4 + SCTP_CHECK;
	__u32 new = *(const __u32 *)&rw->sport;

	if ((void *)(check + 1) > end)
		return false;
	if (HOOK_XDP || *check)
		*check = slow_sctp_checksum(*check, *ports, new, length);
	*ports = new;
	return true;
}

/* Writes rw into the packet. Pointers to the packet are void afterwards. */
static __always_inline enum verdict slow_apply(struct hook_ctx *ctx, const struct packet *pkt,
					       const struct rewrite *rw, enum lb_reason *reason,
					       const bool v4)
{
	enum verdict verdict = rw->flags & LB_FLOW_FORWARD ? VERDICT_TRANSMIT : VERDICT_STACK;
	void *data = hook_data(ctx), *end = hook_end(ctx);
	__u32 offset = pkt->l4 & PARSE_L4_MAX;
	void *l4 = data + offset;

	if (rw->flags & LB_FLOW_FORWARD) {
		if (HOOK_XDP && rw->flags & (LB_FLOW_NO_MAC | LB_FLOW_TC))
			return VERDICT_HANDOFF;
		if (pkt->ttl <= 1) {
			*reason = LB_REASON_TTL;
			return VERDICT_DROP;
		}
		if (rw->flags & LB_FLOW_NO_MAC)
			verdict = VERDICT_RESOLVE;
	}
	*reason = LB_REASON_MALFORMED;
	if (data + ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) > end)
		return VERDICT_DROP;
	if (verdict == VERDICT_TRANSMIT)
		rewrite_link(data, &rw->nexthop);
	backend_count(rw->backend, pkt->bytes);
	rewrite_ip(data + ETH_HLEN, rw, rw->flags & LB_FLOW_FORWARD, v4);
	if (pkt->fragment == FRAGMENT_LATER) /* the checksum is in the first one, for all */
		return verdict;
	if (pkt->tuple.proto == IPPROTO_SCTP)
		return slow_rewrite_sctp(l4, end, rw, pkt->l4_bytes) ? verdict : VERDICT_DROP;
	if (l4 + sizeof(struct udphdr) > end)
		return VERDICT_DROP;
	hook_rewrite_l4(ctx, l4, end, offset, rw, pkt->tuple.proto);
	return verdict;
}

static __always_inline void slow_touch_both(const struct packet *pkt, const struct rewrite *rw,
					    const bool v4)
{
	struct flow_change gone = { .state = LB_FLOW_EMPTY };
	struct tuple answer;

	tuple_answer(rw, pkt->tuple.proto, &answer);
	if (v4) {
		slow_touch4(&answer, &gone);
		slow_touch4(&pkt->tuple, &gone);
	} else {
		slow_touch6(&answer, &gone);
		slow_touch6(&pkt->tuple, &gone);
	}
}

/* The way of a packet that has a flow. */
static __always_inline enum verdict slow_known(struct hook_ctx *ctx, const struct packet *pkt,
					       struct rewrite *rw, bool *ret_void,
					       enum lb_reason *reason, const bool v4)
{
	switch (track(ctx, pkt, rw, v4 ? slow_touch4 : slow_touch6, v4)) {
	case TRACK_USE:
		return slow_apply(ctx, pkt, rw, reason, v4);
	case TRACK_RESET:
		slow_touch_both(pkt, rw, v4);
		*reason = LB_REASON_BACKEND_GONE;
		return VERDICT_DROP;
	case TRACK_VOID:
		*ret_void = true;
	}
	return VERDICT_PASS;
}

/* Whether an address is one that packets of ours may have: a service's, or this node's. */
static __always_inline bool slow_addr_is_ours(struct hook_ctx *ctx, const struct lb_addr *addr,
					      bool *ret_node, const bool v4)
{
	const struct lb_device *device = nexthop_device(hook_ifindex(ctx));

	*ret_node = device && addr_equal(v4 ? &device->addr4 : &device->addr6, addr);
	return *ret_node || frontend_find(addr, 0, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/*
 * A later fragment before the first one: once more, until the rounds or the budget are used up.
 * The node's own address may be the host's business, so there it passes in the end.
 */
static __always_inline int slow_orphan(struct hook_ctx *ctx, const struct packet *pkt,
				       const bool v4)
{
	__u32 rounds = hook_rounds(ctx);
	bool node;

	if (!slow_addr_is_ours(ctx, &pkt->tuple.daddr, &node, v4))
		return hook_finish(ctx, VERDICT_PASS, 0);
	if (HOOK_XDP)
		return hook_finish(ctx, VERDICT_HANDOFF, 0);
	if (rounds < FRAGMENT_ROUNDS && fragment_affordable()) {
		hook_rounds_set(ctx, rounds + 1);
		return hook_finish(ctx, VERDICT_AGAIN, 0);
	}
	hook_rounds_set(ctx, 0);
	if (node)
		return hook_finish(ctx, VERDICT_PASS, 0);
	reason_count(LB_REASON_FRAGMENT, pkt->bytes);
	return hook_finish(ctx, VERDICT_DROP, 0);
}

/* An answer in place of a packet that goes nowhere. */
static __always_inline enum verdict slow_refuse(struct hook_ctx *ctx, const struct packet *pkt,
						enum lb_reason reason, const bool v4)
{
	const struct lb_device *device = nexthop_device(hook_ifindex(ctx));
	struct lb_addr from = pkt->tuple.daddr;

	if (reason == LB_REASON_NO_BACKEND || reason == LB_REASON_BACKEND_GONE)
		return reject(ctx, pkt, v4);
	if (reason != LB_REASON_TTL)
		return VERDICT_DROP;
	if (device && !addr_zero(v4 ? &device->addr4 : &device->addr6))
		from = v4 ? device->addr4 : device->addr6;
	return reject_ttl(ctx, pkt, &from, v4);
}

/* On the way in: everything. Returns the hook's own code. */
static __always_inline int slow_ingress(struct hook_ctx *ctx, const bool v4)
{
	enum lb_reason reason = LB_REASON_NOT_OURS;
	struct slow_scratch *s = slow_scratch();
	enum verdict verdict;
	bool known, again = false;

	hook_pull(ctx, SLOW_PULL);
	if (!s || parse(hook_data(ctx), hook_end(ctx), &s->pkt, v4) != PARSE_OK)
		return hook_finish(ctx, VERDICT_PASS, 0);
	if (s->pkt.fragment == FRAGMENT_LATER) {
		if (!fragment_recall(&s->pkt))
			return slow_orphan(ctx, &s->pkt, v4);
		if (hook_rounds(ctx))
			hook_rounds_set(ctx, 0);
	}
	known = flow_find(&s->pkt.tuple, &s->rw, v4);
	if (known && s->rw.flags & LB_FLOW_EGRESS)
		return hook_finish(ctx, VERDICT_PASS, 0);
	if (known) {
		verdict = slow_known(ctx, &s->pkt, &s->rw, &again, &reason, v4);
		if (!again)
			goto out;
	}
	verdict = slow_new(ctx, s, again, &reason, v4);
	if (verdict == VERDICT_STACK)
		verdict = slow_apply(ctx, &s->pkt, &s->rw, &reason, v4);
out:
	if (verdict != VERDICT_PASS && s->pkt.fragment == FRAGMENT_FIRST)
		fragment_remember(&s->pkt);
	if (verdict == VERDICT_DROP) {
		reason_count(reason, s->pkt.bytes);
		verdict = slow_refuse(ctx, &s->pkt, reason, v4);
	}
	if (lb_config.dry_run)
		explain_done(verdict, reason, &s->rw);
	return hook_finish(ctx, verdict, s->rw.nexthop.ifindex);
}

/* On the way out: answers of backends that were reached without masquerade, in their order. */
static __always_inline int slow_egress(struct hook_ctx *ctx, const bool v4)
{
	enum lb_reason reason = LB_REASON_NOT_OURS;
	struct slow_scratch *s = slow_scratch();
	enum verdict verdict;
	bool again;

	hook_pull(ctx, SLOW_PULL);
	if (!s || parse(hook_data(ctx), hook_end(ctx), &s->pkt, v4) != PARSE_OK ||
	    (s->pkt.fragment == FRAGMENT_LATER && !fragment_recall(&s->pkt)) ||
	    !flow_find(&s->pkt.tuple, &s->rw, v4) || !(s->rw.flags & LB_FLOW_EGRESS))
		return hook_finish(ctx, VERDICT_PASS, 0);
	if (s->pkt.fragment == FRAGMENT_FIRST)
		fragment_remember(&s->pkt);
	verdict = slow_known(ctx, &s->pkt, &s->rw, &again, &reason, v4);
	if (verdict == VERDICT_DROP)
		reason_count(reason, s->pkt.bytes);
	return hook_finish(ctx, verdict, 0);
}

/* ---------------------------------------------------------------- ICMP -- */

/* An error about a packet of ours, on the way in or out; an echo request, on the way in. */
static __always_inline int slow_icmp(struct hook_ctx *ctx, const bool egress, const bool v4)
{
	struct slow_scratch *s = slow_scratch();
	enum verdict verdict = VERDICT_PASS;
	struct icmp_parts parts;
	void *data, *end;
	__u8 type;

	hook_pull(ctx, SLOW_PULL);
	data = hook_data(ctx);
	end = hook_end(ctx);
	if (!s || !icmp_parse(data, end, &type, v4))
		return hook_finish(ctx, VERDICT_PASS, 0);
	if (type == (v4 ? ICMP_ECHO : ICMP6_ECHO) && !egress)
		return hook_finish(ctx, icmp_echo(ctx, v4), hook_ifindex(ctx));
	if (!icmp_is_error(type, v4) || !icmp_parse_error(data, end, &parts, &s->pkt.tuple, v4))
		return hook_finish(ctx, VERDICT_PASS, 0);
	if (flow_find(&s->pkt.tuple, &s->rw, v4)) {
		if (!!(s->rw.flags & LB_FLOW_EGRESS) != egress)
			return hook_finish(ctx, VERDICT_PASS, 0);
	} else if (egress || !icmp_by_maglev(&s->pkt.tuple, &s->rw)) {
		return hook_finish(ctx, VERDICT_PASS, 0);
	}
	if (HOOK_XDP && s->rw.flags & (LB_FLOW_NO_MAC | LB_FLOW_TC))
		return hook_finish(ctx, VERDICT_HANDOFF, 0);
	verdict = icmp_rewrite(data, &parts, &s->pkt.tuple, &s->rw, v4);
	return hook_finish(ctx, verdict, s->rw.nexthop.ifindex);
}

#endif
