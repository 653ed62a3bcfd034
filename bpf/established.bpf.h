/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The established path: one lookup in the flow table, one rewrite. Anything out of the
 * ordinary is left to the slow program: no flow, a flow that is not established, one whose
 * backend has a new generation, one not refreshed for a while, SYN, FIN and RST, options,
 * a TTL that runs out.
 *
 * Example: 192.0.2.9:40000 → 10.96.0.1:80 finds an entry "to 172.17.1.2:8080 from
 * 192.0.2.1:10042 by eth0", gets new addresses, ports, checksums and link addresses and
 * leaves. The answer finds the entry of the other direction in the same way.
 */
#ifndef LB_ESTABLISHED_BPF_H
#define LB_ESTABLISHED_BPF_H

#include "create.bpf.h"
#include "flow.bpf.h"
#include "parse.bpf.h"

#include "lb/dns.h"

enum established {
	ESTABLISHED_DONE,   /* the verdict stands */
	ESTABLISHED_ABSENT, /* there is no entry */
	ESTABLISHED_SLOW,   /* not for this path */
};

/* Plain headers at fixed offsets. */
static __always_inline bool established_plain(void *data, void *end, const bool v4)
{
	const __u32 l4 = ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__u8 proto;

	if (data + l4 + sizeof(struct udphdr) > end)
		return false;
	if (v4) {
		struct iphdr *ip = data + ETH_HLEN;

		if (*(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(~IP_DF) || ip->ttl <= 1)
			return false;
		proto = ip->protocol;
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if (ip->version != 6 || ip->hop_limit <= 1)
			return false;
		proto = ip->nexthdr;
	}
	return proto == IPPROTO_UDP ||
	       (proto == IPPROTO_TCP && data + l4 + sizeof(struct tcphdr) <= end);
}

static __always_inline __u8 established_proto(void *data, const bool v4)
{
	return v4 ? ((struct iphdr *)(data + ETH_HLEN))->protocol
		  : ((struct ipv6hdr *)(data + ETH_HLEN))->nexthdr;
}

/* The TCP flags that change a state; of plain headers. */
static __always_inline __u8 established_flags(void *data, void *end, const bool v4)
{
	__u8 *l4 = data + ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

	if (established_proto(data, v4) != IPPROTO_TCP ||
	    l4 + sizeof(struct tcphdr) > (__u8 *)end) /* known; said again for the verifier */
		return 0;
	return l4[TCP_FLAGS] & (TCP_SYN | TCP_FIN | TCP_RST);
}

/* The key of the plain packet at data. */
static __always_inline void established_key(void *data, struct flow_key *key, const bool v4)
{
	if (v4) {
		struct iphdr *ip = data + ETH_HLEN;

		flow_key4(key, ip->saddr, ip->daddr, *(__u32 *)(ip + 1), ip->protocol);
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		flow_key6(key, ip->saddr.in6_u.u6_addr32, ip->daddr.in6_u.u6_addr32,
			  *(__u32 *)(ip + 1), ip->nexthdr);
	}
}

/*
 * The key's entry, from the first set alone, and the entry's word from before it was found;
 * or whether there are more.
 */
static __always_inline void *established_find(const struct flow_key *key, __u32 *ret_word,
					      bool *ret_overflow, const bool v4)
{
	void *set = flow_set(flow_set_index(key->hash, false, v4), v4);

	if (!set)
		return NULL;
#pragma unroll
	for (__u32 i = 0; i < LB_FLOW_WAYS; i++) {
		void *entry = flow_way(set, flow_first_way(key->hash) + i, v4);

		*ret_word = READ_WORD(flow_meta(entry, v4)->word);
		barrier_compiler();
		if (flow_match(entry, key, v4))
			return entry;
	}
	*ret_overflow = READ_WORD(*flow_set_word(set, v4)) & FLOW_OVERFLOW;
	return NULL;
}

/* Whether lb_bloom rules out that the packet at data is for a frontend. */
static __always_inline bool established_no_frontend(void *data, const bool v4)
{
	struct lb_addr addr;
	__be16 port;
	__u8 proto;
	__u32 bit, index;
	__u64 *word;

	if (v4) {
		struct iphdr *ip = data + ETH_HLEN;

		addr_map4(&addr, ip->daddr);
		port = ((__be16 *)(ip + 1))[1];
		proto = ip->protocol;
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		addr_copy6(&addr, &ip->daddr);
		port = ((__be16 *)(ip + 1))[1];
		proto = ip->nexthdr;
	}
	bit = lb_bloom_bit(addr.word, port, proto);
	index = bit / 64;
	word = bpf_map_lookup_elem(&lb_bloom, &index);
	return word && !(*word >> bit % 64 & 1);
}

/*
 * Whether a plain packet without a flow is none of ours. One that may begin a connection of its own
 * is looked at closer: it can be of a client that went through a service before (slow_supersede).
 */
static __always_inline bool established_foreign(void *data, void *end, const bool egress,
						const bool v4)
{
	if (egress)
		return true;
	if (!HOOK_XDP && established_proto(data, v4) == IPPROTO_UDP)
		return false;
	return !(established_flags(data, end, v4) & TCP_SYN) && established_no_frontend(data, v4);
}

/*
 * Whether the flow needs nothing but its rewrite. UDP may go one way for ever, so there the
 * states before "established" are steady until the other side is heard. The answer's
 * generation does not matter.
 */
static __always_inline bool established_steady(const struct rewrite *rw, __u8 proto)
{
	__u8 waiting = rw->flags & LB_FLOW_REPLY ? LB_FLOW_REPLIED : LB_FLOW_HALF_OPEN;
	const struct lb_backend *backend;
	__u32 id = rw->backend;

	if (rw->state != LB_FLOW_ESTABLISHED && (proto != IPPROTO_UDP || rw->state != waiting))
		return false;
	if ((__u32)bpf_jiffies64() - rw->last_seen > lb_config.refresh)
		return false;
	if (rw->flags & LB_FLOW_REPLY)
		return true;
	backend = bpf_map_lookup_elem(&lb_backend, &id);
	return backend && backend->generation == rw->generation;
}

/*
 * egress: the hook is on the way out of a device. Returns enum established; for
 * ESTABLISHED_DONE *verdict and *ifindex are set and the packet is rewritten.
 */
static __always_inline int established(struct hook_ctx *ctx, enum verdict *verdict, __u32 *ifindex,
				       const bool egress, const bool v4)
{
	const __u32 offset = ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	void *data = hook_data(ctx);
	void *end = hook_end(ctx);
	struct flow_key key;
	struct rewrite rw;
	void *entry;
	__u32 word;
	__u8 proto;
	bool forward, overflow = true;

	if (!established_plain(data, end, v4))
		return ESTABLISHED_SLOW;
	established_key(data, &key, v4);
	entry = established_find(&key, &word, &overflow, v4);
	if (!entry) {
		if (overflow)
			return ESTABLISHED_SLOW;
		if (!established_foreign(data, end, egress, v4))
			return ESTABLISHED_ABSENT;
		*verdict = VERDICT_PASS;
		return ESTABLISHED_DONE;
	}
	if (established_flags(data, end, v4))
		return ESTABLISHED_SLOW;
	flow_copy(entry, &rw, v4);
	proto = key.ports >> 32;
	barrier_compiler();
	if (!flow_word_stable(word, READ_WORD(flow_meta(entry, v4)->word)))
		return ESTABLISHED_SLOW;
	if (!!(rw.flags & LB_FLOW_EGRESS) != egress) {
		*verdict = VERDICT_PASS;
		return ESTABLISHED_DONE;
	}
	if (!established_steady(&rw, proto))
		return ESTABLISHED_SLOW;
	forward = rw.flags & LB_FLOW_FORWARD;
	*ifindex = rw.nexthop.ifindex;
	*verdict = forward ? VERDICT_TRANSMIT : VERDICT_STACK;
	if (rw.flags & (LB_FLOW_NO_MAC | LB_FLOW_TC)) {
		if (HOOK_XDP) {
			*verdict = VERDICT_HANDOFF;
			return ESTABLISHED_DONE;
		}
		if (rw.flags & LB_FLOW_NO_MAC)
			*verdict = VERDICT_RESOLVE;
	}
	if (*verdict == VERDICT_TRANSMIT)
		rewrite_link(data, &rw.nexthop);
	backend_count(rw.backend, end - data);
	rewrite_ip(data + ETH_HLEN, &rw, forward, v4);
	hook_rewrite_l4(ctx, data + offset, end, offset, &rw, proto);
	return ESTABLISHED_DONE;
}

static __always_inline bool established_is_dns(const void *l4, const void *end, __u8 proto)
{
	const struct udphdr *udp = l4;

	return proto == IPPROTO_UDP && (const void *)(udp + 1) <= end &&
	       udp->dest == bpf_htons(LB_DNS_PORT);
}

/* The tail call for a packet that this path left alone. */
static __always_inline __u32 established_tail(struct hook_ctx *ctx, const bool v4)
{
	void *data = hook_data(ctx), *end = hook_end(ctx);

	if (v4) {
		struct iphdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end)
			return LB_TAIL_SLOW4;
		if (ip->protocol == IPPROTO_ICMP)
			return LB_TAIL_ICMP4;
		return established_is_dns(ip + 1, end, ip->protocol) ? LB_TAIL_DNS4 : LB_TAIL_SLOW4;
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end)
			return LB_TAIL_SLOW6;
		if (ip->nexthdr == IPPROTO_ICMPV6)
			return LB_TAIL_ICMP6;
		return established_is_dns(ip + 1, end, ip->nexthdr) ? LB_TAIL_DNS6 : LB_TAIL_SLOW6;
	}
}

/*
 * Leaves the packet to the program that takes what established() did not; comes back only when that
 * is missing. Each call has a constant index: then it is a jump.
 */
static __always_inline void established_leave(struct hook_ctx *ctx, void *tails,
					      enum established result, const bool v4)
{
	create_scratch_absent(result == ESTABLISHED_ABSENT);
	switch (established_tail(ctx, v4)) {
	case LB_TAIL_SLOW4:
		bpf_tail_call_static(ctx, tails, LB_TAIL_SLOW4);
		break;
	case LB_TAIL_SLOW6:
		bpf_tail_call_static(ctx, tails, LB_TAIL_SLOW6);
		break;
	case LB_TAIL_ICMP4:
		bpf_tail_call_static(ctx, tails, LB_TAIL_ICMP4);
		break;
	case LB_TAIL_ICMP6:
		bpf_tail_call_static(ctx, tails, LB_TAIL_ICMP6);
		break;
	case LB_TAIL_DNS4:
		bpf_tail_call_static(ctx, tails, LB_TAIL_DNS4);
		break;
	case LB_TAIL_DNS6:
		bpf_tail_call_static(ctx, tails, LB_TAIL_DNS6);
	}
}

#endif
