/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet does to a flow that is known already: its state, its freshness, its next
 * hop. Both entries of a flow are kept in step, so that neither is evicted while the other
 * is in use.
 */
#ifndef LB_TRACK_BPF_H
#define LB_TRACK_BPF_H

#include "flow.bpf.h"
#include "nexthop.bpf.h"

enum track_result {
	TRACK_USE,   /* rewrite the packet */
	TRACK_VOID,  /* the backend left: choose again */
	TRACK_RESET, /* the backend is gone for good: end the connection */
};

/*
 * Without a SYN it may be a connection from before, which Maglev finds again, or part of a
 * flood: half-open until the backend answers and the client goes on.
 */
static __always_inline __u8 track_first_state(const struct packet *pkt)
{
	return pkt->tcp_flags & TCP_RST ? LB_FLOW_CLOSED : LB_FLOW_HALF_OPEN;
}

/* RFC 9293 as far as one who only watches needs it; UDP has no end but its timeout. */
static __always_inline __u8 track_next_state(const struct packet *pkt, const struct rewrite *rw)
{
	bool reply = rw->flags & LB_FLOW_REPLY;

	if (pkt->tcp_flags & TCP_RST)
		return LB_FLOW_CLOSED;
	if (pkt->tcp_flags & TCP_FIN) {
		if (rw->state == (reply ? LB_FLOW_CLIENT_CLOSED : LB_FLOW_SERVER_CLOSED) ||
		    rw->state == LB_FLOW_CLOSED)
			return LB_FLOW_CLOSED;
		return reply ? LB_FLOW_SERVER_CLOSED : LB_FLOW_CLIENT_CLOSED;
	}
	if (rw->state == LB_FLOW_HALF_OPEN && reply)
		return LB_FLOW_REPLIED;
	if (rw->state == LB_FLOW_REPLIED && !reply && !(pkt->tcp_flags & TCP_SYN))
		return LB_FLOW_ESTABLISHED;
	return rw->state;
}

/* Nothing evicts an entry that nobody needs the room of, so whoever finds one looks at its age. */
static __always_inline bool track_expired(const struct packet *pkt, const struct rewrite *rw)
{
	return (__u32)bpf_jiffies64() - rw->last_seen > flow_timeout(pkt->tuple.proto, rw->state);
}

/* Whether the flow still stands: looked at in the client's direction only. */
static __always_inline enum track_result track_check(const struct packet *pkt, struct rewrite *rw)
{
	const struct lb_backend *backend;
	__u32 id = rw->backend;

	if (rw->state > LB_FLOW_ESTABLISHED && (pkt->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return TRACK_VOID; /* the client's port again, for a new connection */
	backend = bpf_map_lookup_elem(&lb_backend, &id);
	if (!backend || backend->generation == rw->generation)
		return TRACK_USE;
	if (pkt->tuple.proto == IPPROTO_UDP || rw->state == LB_FLOW_HALF_OPEN ||
	    rw->state == LB_FLOW_REPLIED)
		return TRACK_VOID;
	if (backend->flags & LB_BACKEND_GONE)
		return TRACK_RESET;
	rw->generation = backend->generation; /* drains: from here on the fast way again */
	return TRACK_USE;
}

/* The kernel's answer may have changed: another MAC, another way out. */
static __always_inline void track_nexthop(struct hook_ctx *ctx, const struct packet *pkt,
					  struct rewrite *rw, struct flow_change *change,
					  const bool v4)
{
	struct lb_nexthop nexthop = {};

	if (nexthop_find(ctx, &pkt->tuple.saddr, &rw->daddr, pkt->tuple.proto, &nexthop, v4) !=
	    NEXTHOP_FOUND)
		return;
	rw->nexthop = nexthop;
	rw->flags &= ~LB_FLOW_NO_MAC;
	change->nexthop = nexthop;
	change->flags_clear = LB_FLOW_NO_MAC;
}

/*
 * Takes a packet of a known flow into account; rw is brought up to date. touch stands for
 * flow_touch of the family. The answer's next hop is the client's neighbour, known from
 * each of the client's packets; the client's is the kernel's to say.
 */
static __always_inline enum track_result track(
	struct hook_ctx *ctx, const struct packet *pkt, struct rewrite *rw,
	int (*touch)(const struct tuple *, const struct flow_change *), const bool v4)
{
	__u32 now = (__u32)bpf_jiffies64();
	bool reply = rw->flags & LB_FLOW_REPLY;
	__u32 generation = rw->generation;
	struct flow_change change = {};
	struct tuple answer;
	enum track_result result;

	if (!reply) {
		result = track_check(pkt, rw);
		if (result != TRACK_USE)
			return result;
	}
	change.now = now;
	change.state = track_next_state(pkt, rw);
	change.generation = rw->generation;
	if (change.state == rw->state && change.generation == generation &&
	    !(rw->flags & LB_FLOW_NO_MAC) && now - rw->last_seen <= lb_config.refresh)
		return TRACK_USE;
	rw->state = change.state;
	tuple_answer(rw, pkt->tuple.proto, &answer);
	if (!reply && rw->flags & LB_FLOW_FORWARD)
		track_nexthop(ctx, pkt, rw, &change, v4);
	touch(&pkt->tuple, &change);
	change.nexthop.ifindex = 0;
	change.flags_clear = 0;
	if (!reply && rw->flags & LB_FLOW_FORWARD)
		nexthop_sender(ctx, &change.nexthop);
	touch(&answer, &change);
	return TRACK_USE;
}

#endif
