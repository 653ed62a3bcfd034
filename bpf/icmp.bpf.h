/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP that concerns a service (RFC 792, RFC 4443).
 *
 * An error quotes the packet that caused it. Turned around, the quoted tuple is that of the
 * flow which the error itself belongs to: "192.0.2.1:10042 → 172.17.1.2:8080 cannot go on" is
 * part of what comes back from 172.17.1.2:8080. So the error finds the flow's entry, and is
 * rewritten outside like a packet of the flow, inside the other way round:
 *
 *	outside  172.17.1.2 → 192.0.2.1              10.96.0.1 → 192.0.2.9
 *	inside   192.0.2.1:10042 → 172.17.1.2:8080   192.0.2.9:40000 → 10.96.0.1:80
 *
 * Eight bytes of the quoted transport header are enough (RFC 792 promises no more). An error
 * about a service's answer that reaches another node than the flow's finds its backend by
 * Maglev alone, as long as the client's address was kept.
 *
 * An echo request to a service's address is answered while the service has a usable endpoint.
 *
 * What it does badly: an error with options in its own header, or without any quoted ports,
 * passes untouched.
 */
#ifndef LB_ICMP_BPF_H
#define LB_ICMP_BPF_H

#include "flow.bpf.h"
#include "frontend.bpf.h"
#include "packet.bpf.h"
#include "reject.bpf.h"
#include "select.bpf.h"

#define ICMP_HEADER 8
#define ICMP_ECHO 8
#define ICMP_ECHO_REPLY 0
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129

/* The packet's own parts, all checked against its end. */
struct icmp_parts {
	void *l3;
	struct icmphdr *icmp;
	void *inner;   /* network header of the quoted packet */
	__be16 *ports; /* of the quoted packet */
	__u16 *check;  /* its transport checksum, or NULL where that is not quoted */
};

static __always_inline bool icmp_is_error(__u8 type, const bool v4)
{
	if (v4)
		return type == 3 || type == 4 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

/* The quoted packet's tuple, turned around. */
static __always_inline bool icmp_parse_inner4(struct icmp_parts *p, void *end, struct tuple *ret)
{
	struct iphdr *ip = p->inner;
	void *l4;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5 ||
	    ip->frag_off & bpf_htons(0x1fff))
		return false;
	l4 = p->inner + ip->ihl * 4;
	if (l4 + REJECT_QUOTED_L4 > end)
		return false;
	addr_map4(&ret->saddr, ip->daddr);
	addr_map4(&ret->daddr, ip->saddr);
	ret->proto = ip->protocol;
	p->ports = l4;
	return true;
}

static __always_inline bool icmp_parse_inner6(struct icmp_parts *p, void *end, struct tuple *ret)
{
	struct ipv6hdr *ip = p->inner;

	if ((void *)(ip + 1) + REJECT_QUOTED_L4 > end || ip->version != 6)
		return false;
	addr_copy6(&ret->saddr, &ip->daddr);
	addr_copy6(&ret->daddr, &ip->saddr);
	ret->proto = ip->nexthdr;
	p->ports = (void *)(ip + 1);
	return true;
}

static __always_inline bool icmp_parse_error(void *data, void *end, struct icmp_parts *p,
					     struct tuple *ret, const bool v4)
{
	p->l3 = data + ETH_HLEN;
	p->icmp = p->l3 + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	p->inner = (void *)p->icmp + ICMP_HEADER;
	if (!(v4 ? icmp_parse_inner4(p, end, ret) : icmp_parse_inner6(p, end, ret)))
		return false;
	ret->sport = p->ports[1];
	ret->dport = p->ports[0];
	p->check = NULL;
	if (ret->proto == IPPROTO_UDP)
		p->check = (void *)p->ports + UDP_CHECK;
	else if (ret->proto == IPPROTO_TCP && (void *)p->ports + TCP_CHECK + 2 <= end)
		p->check = (void *)p->ports + TCP_CHECK;
	return ret->proto == IPPROTO_UDP || ret->proto == IPPROTO_TCP || ret->proto == IPPROTO_SCTP;
}

/* ----------------------------------------------------------- rewriting -- */

/* Replaces an address and adds the difference to *sum. */
static __always_inline void icmp_put_addr(__be32 *field, const struct lb_addr *addr, __u32 *sum,
					  const bool v4)
{
	for (int i = v4 ? 3 : 0; i < 4; i++) {
		__be32 *word = v4 ? field : &field[i];

		*sum = csum_replace32(*sum, *word, addr->word[i]);
		*word = addr->word[i];
	}
}

/* Inside: what the quoted packet looked like to whom it came from. *sum: all that changed. */
static __always_inline void icmp_rewrite_inner(const struct icmp_parts *p, const struct rewrite *rw,
					       __u32 *sum, const bool v4)
{
	__u32 addrs = 0, ports = 0;

	if (v4) {
		struct iphdr *ip = p->inner;
		__u16 old = ip->check;

		icmp_put_addr(&ip->saddr, &rw->daddr, &addrs, true);
		icmp_put_addr(&ip->daddr, &rw->saddr, &addrs, true);
		ip->check = csum_update(old, csum_fold(addrs));
		*sum = csum_replace16(*sum, old, ip->check);
	} else {
		struct ipv6hdr *ip = p->inner;

		icmp_put_addr(ip->saddr.in6_u.u6_addr32, &rw->daddr, &addrs, false);
		icmp_put_addr(ip->daddr.in6_u.u6_addr32, &rw->saddr, &addrs, false);
	}
	ports = csum_replace16(csum_replace16(0, p->ports[0], rw->dport), p->ports[1], rw->sport);
	p->ports[0] = rw->dport;
	p->ports[1] = rw->sport;
	if (p->check && *p->check) {
		__u16 old = *p->check;

		*p->check = csum_update(old, csum_fold(addrs) + csum_fold(ports));
		*sum = csum_replace16(*sum, old, *p->check);
	}
	*sum += csum_fold(addrs) + csum_fold(ports);
}

/* Outside: addresses, hop, checksum of the network header; ICMPv6 sums the addresses up too. */
static __always_inline void icmp_rewrite_outer(const struct icmp_parts *p,
					       const struct lb_addr *saddr,
					       const struct lb_addr *daddr, bool hop, __u32 *sum,
					       const bool v4)
{
	__u32 addrs = 0;

	if (v4) {
		struct iphdr *ip = p->l3;

		icmp_put_addr(&ip->saddr, saddr, &addrs, true);
		icmp_put_addr(&ip->daddr, daddr, &addrs, true);
		if (hop) {
			ip->ttl--;
			addrs += CSUM_TTL_DELTA;
		}
		ip->check = csum_update(ip->check, addrs);
	} else {
		struct ipv6hdr *ip = p->l3;

		icmp_put_addr(ip->saddr.in6_u.u6_addr32, saddr, &addrs, false);
		icmp_put_addr(ip->daddr.in6_u.u6_addr32, daddr, &addrs, false);
		ip->hop_limit -= hop;
		*sum += csum_fold(addrs);
	}
}

static __always_inline void icmp_outer_source(const struct icmp_parts *p, struct lb_addr *ret,
					      const bool v4)
{
	if (v4)
		addr_map4(ret, ((struct iphdr *)p->l3)->saddr);
	else
		addr_copy6(ret, &((struct ipv6hdr *)p->l3)->saddr);
}

/*
 * The error's own sender. A backend shows the service's address, since the client knows no
 * other; towards a backend that knows the node alone the node vouches for whoever sent it;
 * a router keeps its address otherwise.
 */
static __always_inline void icmp_new_source(const struct icmp_parts *p, const struct tuple *tuple,
					    const struct rewrite *rw, struct lb_addr *ret,
					    const bool v4)
{
	icmp_outer_source(p, ret, v4);
	if (addr_equal(ret, &tuple->saddr) ||
	    ((rw->flags & (LB_FLOW_MASQUERADE | LB_FLOW_REPLY)) == LB_FLOW_MASQUERADE))
		*ret = rw->saddr;
}

static __always_inline enum verdict icmp_rewrite(void *data, const struct icmp_parts *p,
						 const struct tuple *tuple,
						 const struct rewrite *rw, const bool v4)
{
	bool hop = rw->flags & LB_FLOW_FORWARD;
	struct lb_addr source;
	__u32 sum = 0;

	icmp_new_source(p, tuple, rw, &source, v4);
	icmp_rewrite_inner(p, rw, &sum, v4);
	icmp_rewrite_outer(p, &source, &rw->daddr, hop, &sum, v4);
	p->icmp->checksum = csum_update(p->icmp->checksum, csum_fold(sum));
	if (!hop)
		return VERDICT_STACK;
	if (rw->flags & LB_FLOW_NO_MAC)
		return VERDICT_RESOLVE;
	rewrite_link(data, &rw->nexthop);
	return VERDICT_TRANSMIT;
}

/* ----------------------------------------------------- without a flow -- */

/*
 * Another node owns the flow: the error is about a service's answer, and the backend is the one
 * that every node would choose for this client.
 */
static __always_inline bool icmp_by_maglev(const struct tuple *tuple, struct rewrite *rw)
{
	const struct lb_frontend *frontend;
	struct selection chosen;
	__u32 hash;

	frontend = frontend_find(&tuple->daddr, tuple->dport, tuple->proto);
	if (!frontend)
		return false;
	hash = select_hash(&tuple->saddr, tuple->sport, tuple->proto, frontend->affinity);
	if (!select_slot(&frontend->cluster, hash, frontend->service, &chosen))
		return false;
	rw->saddr = tuple->saddr;
	rw->sport = tuple->sport;
	rw->daddr = chosen.addr;
	rw->dport = chosen.port;
	rw->flags = 0;
	return true;
}

/* ---------------------------------------------------------------- echo -- */

/* A service's address has a frontend of its own for ICMP, at port 0, over all endpoints. */
static __always_inline enum verdict icmp_echo(struct hook_ctx *ctx, const bool v4)
{
	const __u8 proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	void *data = hook_data(ctx), *end = hook_end(ctx);
	struct icmphdr *icmp =
		data + ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	const struct lb_frontend *frontend;
	struct lb_addr saddr, daddr;
	struct ethhdr *eth = data;
	__u8 mac[6];

	if ((void *)(icmp + 1) > end)
		return VERDICT_PASS;
	if (v4) {
		struct iphdr *ip = data + ETH_HLEN;

		addr_map4(&saddr, ip->saddr);
		addr_map4(&daddr, ip->daddr);
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		addr_copy6(&saddr, &ip->saddr);
		addr_copy6(&daddr, &ip->daddr);
	}
	frontend = frontend_find(&daddr, 0, proto);
	if (!frontend || !(frontend->flags & LB_FRONTEND_ECHO))
		return VERDICT_PASS;
	if (!frontend->cluster.len)
		return VERDICT_DROP;
	__builtin_memcpy(mac, eth->h_dest, sizeof(mac));
	__builtin_memcpy(eth->h_dest, eth->h_source, sizeof(mac));
	__builtin_memcpy(eth->h_source, mac, sizeof(mac));
	if (v4) {
		struct iphdr *ip = data + ETH_HLEN;
		__u16 old = *(__u16 *)&ip->ttl;

		ip->saddr = daddr.word[3];
		ip->daddr = saddr.word[3];
		ip->ttl = REJECT_TTL;
		ip->check = csum_update(ip->check, csum_replace16(0, old, *(__u16 *)&ip->ttl));
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		__builtin_memcpy(&ip->saddr, &daddr, sizeof(daddr));
		__builtin_memcpy(&ip->daddr, &saddr, sizeof(saddr));
		ip->hop_limit = REJECT_TTL;
	}
	icmp->type = v4 ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY;
	/* The type is the upper byte of its word. */
	icmp->checksum = csum_update(
		icmp->checksum,
		csum_replace16(0, bpf_htons((v4 ? ICMP_ECHO : ICMP6_ECHO) << 8),
			       bpf_htons((v4 ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY) << 8)));
	return VERDICT_REPLY;
}

/* Whether the frame is an unfragmented ICMP packet without options; *type is then set. */
static __always_inline bool icmp_parse(void *data, void *end, __u8 *type, const bool v4)
{
	void *icmp = data + ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

	if (icmp + ICMP_HEADER > end)
		return false;
	if (v4) {
		struct iphdr *ip = data + ETH_HLEN;

		if (*(__u8 *)ip != 0x45 || ip->protocol != IPPROTO_ICMP ||
		    ip->frag_off & bpf_htons(~IP_DF))
			return false;
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if (ip->version != 6 || ip->nexthdr != IPPROTO_ICMPV6)
			return false;
	}
	*type = *(__u8 *)icmp;
	return true;
}

#endif
