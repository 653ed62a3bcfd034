/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers → struct packet. Untrusted: every access is checked against the frame's end,
 * and a length field is never believed further than the frame reaches.
 */
#ifndef LB_PARSE_BPF_H
#define LB_PARSE_BPF_H

#include "packet.bpf.h"
#include "sctp.bpf.h"

/* IPv6 extension headers looked through, and the furthest that a transport header may begin. */
#define PARSE_EXTENSIONS 6
#define PARSE_L4_MAX 255

#define NEXTHDR_HOP 0
#define NEXTHDR_ROUTING 43
#define NEXTHDR_FRAGMENT 44
#define NEXTHDR_DEST 60

enum parse_result {
	PARSE_OK,
	PARSE_UNSUPPORTED, /* well-formed, but nothing that a service has: left to the kernel */
	PARSE_MALFORMED,
};

/* The first chunk tells what TCP's flags tell; it is put into their words. */
static __always_inline int parse_sctp(__u8 *l4, void *end, struct packet *pkt)
{
	__be16 *ports = (void *)l4;

	if (pkt->fragment != FRAGMENT_NONE)
		return PARSE_UNSUPPORTED;
	if ((void *)l4 + SCTP_HEADER + 1 > end)
		return PARSE_MALFORMED;
	switch (l4[SCTP_HEADER]) {
	case SCTP_INIT:
		pkt->tcp_flags = TCP_SYN;
		break;
	case SCTP_ABORT:
	case SCTP_SHUTDOWN_COMPLETE:
		pkt->tcp_flags = TCP_RST;
	}
	pkt->tuple.sport = ports[0];
	pkt->tuple.dport = ports[1];
	return PARSE_OK;
}

/* Ports and flags; a later fragment has none. */
static __always_inline int parse_l4(void *data, void *end, struct packet *pkt)
{
	__u8 *l4 = data + (pkt->l4 & PARSE_L4_MAX);
	__be16 *ports = (void *)l4;

	if (pkt->tuple.proto == IPPROTO_SCTP)
		return parse_sctp(l4, end, pkt);
	if (pkt->tuple.proto != IPPROTO_TCP && pkt->tuple.proto != IPPROTO_UDP)
		return PARSE_UNSUPPORTED;
	if (pkt->fragment == FRAGMENT_LATER)
		return PARSE_OK;
	if (pkt->tuple.proto == IPPROTO_TCP) {
		if ((void *)l4 + sizeof(struct tcphdr) > end)
			return PARSE_MALFORMED;
		pkt->tcp_flags = l4[TCP_FLAGS];
	} else if ((void *)l4 + sizeof(struct udphdr) > end) {
		return PARSE_MALFORMED;
	}
	pkt->tuple.sport = ports[0];
	pkt->tuple.dport = ports[1];
	return PARSE_OK;
}

static __always_inline int parse_ip4(void *data, void *end, struct packet *pkt)
{
	struct iphdr *ip = data + ETH_HLEN;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return PARSE_MALFORMED;
	if (bpf_ntohs(ip->tot_len) < ip->ihl * 4)
		return PARSE_MALFORMED;
	if (ip->frag_off & bpf_htons(IP_OFFSET))
		pkt->fragment = FRAGMENT_LATER;
	else if (ip->frag_off & bpf_htons(IP_MF))
		pkt->fragment = FRAGMENT_FIRST;
	addr_map4(&pkt->tuple.saddr, ip->saddr);
	addr_map4(&pkt->tuple.daddr, ip->daddr);
	pkt->tuple.proto = ip->protocol;
	pkt->id = ip->id;
	pkt->ttl = ip->ttl;
	pkt->l4 = ETH_HLEN + ip->ihl * 4;
	pkt->l4_bytes = bpf_ntohs(ip->tot_len) - ip->ihl * 4;
	return parse_l4(data, end, pkt);
}

/* RFC 8200, section 4.5: the header in front of a fragment. */
struct parse_fragment {
	__u8 nexthdr;
	__u8 reserved;
	__be16 frag_off; /* offset in units of 8, two bits, "more follow" */
	__be32 identification;
};

static __always_inline int parse_ip6(void *data, void *end, struct packet *pkt)
{
	struct ipv6hdr *ip = data + ETH_HLEN;
	__u32 at = ETH_HLEN + sizeof(*ip);
	__u8 next;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return PARSE_MALFORMED;
	addr_copy6(&pkt->tuple.saddr, &ip->saddr);
	addr_copy6(&pkt->tuple.daddr, &ip->daddr);
	pkt->ttl = ip->hop_limit;
	next = ip->nexthdr;
	for (int i = 0; i < PARSE_EXTENSIONS; i++) {
		struct parse_fragment *header = data + (at & PARSE_L4_MAX);

		if (next != NEXTHDR_HOP && next != NEXTHDR_ROUTING && next != NEXTHDR_DEST &&
		    next != NEXTHDR_FRAGMENT)
			break;
		if ((void *)(header + 1) > end)
			return PARSE_MALFORMED;
		if (next == NEXTHDR_FRAGMENT) {
			pkt->id = header->identification;
			if (header->frag_off & bpf_htons(~7))
				pkt->fragment = FRAGMENT_LATER;
			else if (header->frag_off & bpf_htons(1))
				pkt->fragment = FRAGMENT_FIRST;
			at += sizeof(*header);
		} else {
			at += 8 + header->reserved * 8; /* there it is the length */
		}
		next = header->nexthdr;
		if (at > PARSE_L4_MAX)
			return PARSE_UNSUPPORTED;
		if (pkt->fragment == FRAGMENT_LATER)
			break; /* what follows is payload */
	}
	pkt->tuple.proto = next;
	pkt->l4 = at;
	pkt->l4_bytes = bpf_ntohs(ip->payload_len) - (at - ETH_HLEN - sizeof(*ip));
	return parse_l4(data, end, pkt);
}

/* pkt must be zeroed. Returns enum parse_result. */
static __always_inline int parse(void *data, void *end, struct packet *pkt, const bool v4)
{
	pkt->bytes = end - data;
	return v4 ? parse_ip4(data, end, pkt) : parse_ip6(data, end, pkt);
}

#endif
