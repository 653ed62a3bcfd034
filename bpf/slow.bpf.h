/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that the flow table alone cannot answer: the first of a flow, those that change
 * a flow's state, fragments, ICMP, and those that turn out not to be ours. Runs behind a tail
 * call, so that its size does not weigh on the established path.
 */
#ifndef LB_SLOW_BPF_H
#define LB_SLOW_BPF_H

#include "create.bpf.h"
#include "event.bpf.h"
#include "fragment.bpf.h"
#include "icmp.bpf.h"
#include "parse.bpf.h"
#include "reject.bpf.h"

/* Bytes that the parsers may want to see in the linear part of a packet. */
#define SLOW_PULL 320

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

/* Removes the flow of which rw is one entry, and tuple the key of that. */
static __always_inline void slow_forget(const struct tuple *tuple, const struct rewrite *rw,
					const bool v4)
{
	struct flow_change gone = { .state = LB_FLOW_EMPTY };
	struct tuple answer;

	tuple_answer(rw, tuple->proto, &answer);
	create_touch(&answer, &gone, v4);
	create_touch(tuple, &gone, v4);
}

/* The way of a packet that has a flow. */
static __always_inline enum verdict slow_known(struct hook_ctx *ctx, const struct packet *pkt,
					       struct rewrite *rw, bool *ret_void,
					       enum lb_reason *reason, const bool v4)
{
	switch (track(ctx, pkt, rw, v4 ? create_touch4 : create_touch6, v4)) {
	case TRACK_USE:
		return slow_apply(ctx, pkt, rw, reason, v4);
	case TRACK_RESET:
		slow_forget(&pkt->tuple, rw, v4);
		*reason = LB_REASON_BACKEND_GONE;
		return VERDICT_DROP;
	case TRACK_VOID:
		*ret_void = true;
	}
	return VERDICT_PASS;
}

/* Told to who looks; pkt is what it was before it was rewritten. */
static __always_inline void slow_tell(struct hook_ctx *ctx, const struct create_scratch *s,
				      __u32 kind, enum lb_reason reason)
{
	if (event_wanted(kind))
		event_packet(&s->pkt, &s->rw, s->chosen.affinity, kind, reason, hook_ifindex(ctx),
			     HOOK_XDP ? LB_EVENT_XDP : LB_EVENT_TC);
}

/* What is worth telling of a new flow. */
static __always_inline __u32 slow_flow_kinds(const struct create_scratch *s)
{
	return LB_EVENT_FLOW | (s->chosen.affinity ? LB_EVENT_AFFINITY : 0) |
	       (s->rw.flags & LB_FLOW_NO_MAC ? LB_EVENT_NEIGHBOUR : 0);
}

/* Of a flow's packet the backend tells the service. */
static __always_inline void slow_count_drop(const struct create_scratch *s, enum lb_reason reason)
{
	__u32 id = s->rw.backend, service = s->service;
	const struct lb_backend *backend;

	reason_count(reason, s->pkt.bytes);
	if (!service) {
		backend = bpf_map_lookup_elem(&lb_backend, &id);
		service = backend ? backend->service : 0;
	}
	if (service)
		service_count_drop(service);
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
static __always_inline int slow_orphan(struct hook_ctx *ctx, const struct create_scratch *s,
				       const bool v4)
{
	const struct packet *pkt = &s->pkt;
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
	slow_tell(ctx, s, LB_EVENT_DROP, LB_REASON_FRAGMENT);
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

/*
 * A packet that is not ours may begin a connection of the very addresses and ports that a flow
 * has towards its backend: a client that went through the service before now goes past it. The
 * answers are its own from here on, so the flow is forgotten.
 */
static __always_inline void slow_supersede(struct hook_ctx *ctx, struct create_scratch *s,
					   const bool v4)
{
	const struct lb_device *device;

	if (s->pkt.tuple.proto == IPPROTO_UDP) {
		/* UDP has no first packet to look for, so only where clients of ours are. */
		device = nexthop_device(hook_ifindex(ctx));
		if (!device || !(device->flags & LB_DEVICE_POD))
			return;
	} else if ((s->pkt.tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN) {
		return;
	}
	tuple_turn(&s->pkt.tuple, &s->answer_key);
	if (flow_find(&s->answer_key, &s->rw, v4) && s->rw.flags & LB_FLOW_EGRESS)
		slow_forget(&s->answer_key, &s->rw, v4);
}

/* On the way in: everything. Returns the hook's own code. */
static __always_inline int slow_ingress(struct hook_ctx *ctx, const bool v4)
{
	enum lb_reason reason = LB_REASON_NOT_OURS;
	struct create_scratch *s = create_scratch();
	enum verdict verdict;
	bool known, again = false;

	hook_pull(ctx, SLOW_PULL);
	if (!s || parse(hook_data(ctx), hook_end(ctx), &s->pkt, v4) != PARSE_OK)
		return hook_finish(ctx, VERDICT_PASS, 0);
	if (s->pkt.fragment == FRAGMENT_LATER) {
		if (!fragment_recall(&s->pkt))
			return slow_orphan(ctx, s, v4);
		if (hook_rounds(ctx))
			hook_rounds_set(ctx, 0);
	}
	known = !s->absent && flow_find(&s->pkt.tuple, &s->rw, v4) &&
		!track_expired(&s->pkt, &s->rw);
	if (known && s->rw.flags & LB_FLOW_EGRESS)
		return hook_finish(ctx, VERDICT_PASS, 0);
	if (known) {
		verdict = slow_known(ctx, &s->pkt, &s->rw, &again, &reason, v4);
		if (!again)
			goto out;
	}
	verdict = create_new(ctx, s, again, &reason, v4);
	if (verdict == VERDICT_PASS) {
		/* A void flow whose service is no more would take what follows away. */
		if (again)
			slow_forget(&s->pkt.tuple, &s->rw, v4);
		else
			slow_supersede(ctx, s, v4);
	}
	if (verdict == VERDICT_STACK) {
		slow_tell(ctx, s, slow_flow_kinds(s), LB_REASON_FORWARDED);
		verdict = slow_apply(ctx, &s->pkt, &s->rw, &reason, v4);
	}
out:
	if (verdict != VERDICT_PASS && s->pkt.fragment == FRAGMENT_FIRST)
		fragment_remember(&s->pkt);
	if (verdict == VERDICT_DROP) {
		slow_count_drop(s, reason);
		verdict = slow_refuse(ctx, &s->pkt, reason, v4);
		slow_tell(ctx, s, verdict == VERDICT_REPLY ? LB_EVENT_REJECT : LB_EVENT_DROP,
			  reason);
	}
	if (lb_config.dry_run)
		explain_done(verdict, reason, &s->rw);
	return hook_finish(ctx, verdict, s->rw.nexthop.ifindex);
}

/* On the way out: answers of backends that were reached without masquerade, in their order. */
static __always_inline int slow_egress(struct hook_ctx *ctx, const bool v4)
{
	enum lb_reason reason = LB_REASON_NOT_OURS;
	struct create_scratch *s = create_scratch();
	enum verdict verdict;
	bool again;

	hook_pull(ctx, SLOW_PULL);
	if (!s || parse(hook_data(ctx), hook_end(ctx), &s->pkt, v4) != PARSE_OK ||
	    (s->pkt.fragment == FRAGMENT_LATER && !fragment_recall(&s->pkt)) ||
	    !flow_find(&s->pkt.tuple, &s->rw, v4) || !(s->rw.flags & LB_FLOW_EGRESS) ||
	    track_expired(&s->pkt, &s->rw))
		return hook_finish(ctx, VERDICT_PASS, 0);
	if (s->pkt.fragment == FRAGMENT_FIRST)
		fragment_remember(&s->pkt);
	verdict = slow_known(ctx, &s->pkt, &s->rw, &again, &reason, v4);
	if (verdict == VERDICT_DROP) {
		slow_count_drop(s, reason);
		slow_tell(ctx, s, LB_EVENT_DROP, reason);
	}
	return hook_finish(ctx, verdict, 0);
}

/* ---------------------------------------------------------------- ICMP -- */

/* An error about a packet of ours, on the way in or out; an echo request, on the way in. */
static __always_inline int slow_icmp(struct hook_ctx *ctx, const bool egress, const bool v4)
{
	struct create_scratch *s = create_scratch();
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
