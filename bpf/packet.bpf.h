/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet as the programs see it: its tuple, where its headers lie, and for a known
 * flow what is to be written into it. IPv4 addresses are mapped (::ffff:a.b.c.d), so
 * that everything off the established path is written once.
 */
#ifndef LB_PACKET_BPF_H
#define LB_PACKET_BPF_H

#include "kernel.bpf.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lb/types.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_HLEN 14
#define AF_INET 2
#define AF_INET6 10

#define IPPROTO_ICMPV6 58
#define IP_DF 0x4000
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Offsets inside the transport headers. */
#define TCP_FLAGS 13
#define TCP_CHECK 16
#define UDP_CHECK 6

struct tuple {
	struct lb_addr saddr;
	struct lb_addr daddr;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 zero[3];
};

enum packet_fragment {
	FRAGMENT_NONE,
	FRAGMENT_FIRST, /* has the ports */
	FRAGMENT_LATER, /* has no transport header */
};

struct packet {
	struct tuple tuple;
	__u16 l4;	/* offset of the transport header from the start of the frame */
	__u16 l4_bytes; /* by the network header's word: transport header and payload */
	__u8 tcp_flags;
	__u8 ttl;
	__u32 bytes;   /* of the frame */
	__u32 id;      /* of a fragment */
	__u8 fragment; /* enum packet_fragment */
	__u8 zero[3];
};

/* A consistent copy of what a flow entry says. */
struct rewrite {
	struct lb_addr saddr;
	struct lb_addr daddr;
	__be16 sport;
	__be16 dport;
	__u16 addr_delta;
	__u16 port_delta;
	struct lb_nexthop nexthop;
	__u32 backend;
	__u32 generation;
	__u32 last_seen;
	__u8 state;
	__u8 flags;
	__u8 goes_on; /* of a packet's: it is not the first of its connection */
	__u8 zero;
};

static __always_inline bool addr_equal(const struct lb_addr *a, const struct lb_addr *b)
{
	return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2] &&
	       a->word[3] == b->word[3];
}

static __always_inline void addr_map4(struct lb_addr *addr, __be32 v4)
{
	addr->word[0] = 0;
	addr->word[1] = 0;
	addr->word[2] = bpf_htonl(0xffff);
	addr->word[3] = v4;
}

static __always_inline void addr_copy6(struct lb_addr *addr, const struct in6_addr *v6)
{
	addr->word[0] = v6->in6_u.u6_addr32[0];
	addr->word[1] = v6->in6_u.u6_addr32[1];
	addr->word[2] = v6->in6_u.u6_addr32[2];
	addr->word[3] = v6->in6_u.u6_addr32[3];
}

static __always_inline bool addr_zero(const struct lb_addr *addr)
{
	return !(addr->word[0] | addr->word[1] | addr->word[2] | addr->word[3]);
}

/* The other direction of a tuple. */
static __always_inline void tuple_turn(const struct tuple *tuple, struct tuple *ret)
{
	ret->saddr = tuple->daddr;
	ret->daddr = tuple->saddr;
	ret->sport = tuple->dport;
	ret->dport = tuple->sport;
	ret->proto = tuple->proto;
	ret->zero[0] = ret->zero[1] = ret->zero[2] = 0;
}

/* The tuple of the packets that answer those of tuple once rw was applied to it. */
static __always_inline void tuple_answer(const struct rewrite *rw, __u8 proto, struct tuple *ret)
{
	ret->saddr = rw->daddr;
	ret->daddr = rw->saddr;
	ret->sport = rw->dport;
	ret->dport = rw->sport;
	ret->proto = proto;
	ret->zero[0] = ret->zero[1] = ret->zero[2] = 0;
}

#endif
