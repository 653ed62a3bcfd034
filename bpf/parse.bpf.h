/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers → struct packet. Untrusted: every access is checked against the frame's end,
 * and a length field is never believed further than the frame reaches.
 */
#ifndef LB_PARSE_BPF_H
#define LB_PARSE_BPF_H

#include "packet.bpf.h"

enum parse_result {
	PARSE_OK,
	PARSE_UNSUPPORTED, /* well-formed, but not TCP or UDP of one piece: left to the kernel */
	PARSE_MALFORMED,
};

/* Ports and flags. hook_data and hook_end come from the hook's header. */
static __always_inline int parse_l4(void *data, void *end, struct packet *pkt)
{
	__u8 *l4 = data + pkt->l4;
	__be16 *ports = (void *)l4;

	if (pkt->tuple.proto == IPPROTO_TCP) {
		if ((void *)l4 + sizeof(struct tcphdr) > end)
			return PARSE_MALFORMED;
		pkt->tcp_flags = l4[TCP_FLAGS];
	} else if (pkt->tuple.proto == IPPROTO_UDP) {
		if ((void *)l4 + sizeof(struct udphdr) > end)
			return PARSE_MALFORMED;
	} else {
		return PARSE_UNSUPPORTED;
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
	if (ip->frag_off & bpf_htons(~IP_DF))
		return PARSE_UNSUPPORTED;
	if (bpf_ntohs(ip->tot_len) < ip->ihl * 4)
		return PARSE_MALFORMED;
	addr_map4(&pkt->tuple.saddr, ip->saddr);
	addr_map4(&pkt->tuple.daddr, ip->daddr);
	pkt->tuple.proto = ip->protocol;
	pkt->ttl = ip->ttl;
	pkt->l4 = ETH_HLEN + ip->ihl * 4;
	pkt->l4_bytes = bpf_ntohs(ip->tot_len) - ip->ihl * 4;
	return parse_l4(data, end, pkt);
}

static __always_inline int parse_ip6(void *data, void *end, struct packet *pkt)
{
	struct ipv6hdr *ip = data + ETH_HLEN;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return PARSE_MALFORMED;
	addr_copy6(&pkt->tuple.saddr, &ip->saddr);
	addr_copy6(&pkt->tuple.daddr, &ip->daddr);
	pkt->tuple.proto = ip->nexthdr;
	pkt->ttl = ip->hop_limit;
	pkt->l4 = ETH_HLEN + sizeof(*ip);
	pkt->l4_bytes = bpf_ntohs(ip->payload_len);
	return parse_l4(data, end, pkt);
}

/* pkt must be zeroed. Returns enum parse_result. */
static __always_inline int parse(void *data, void *end, struct packet *pkt, const bool v4)
{
	pkt->bytes = end - data;
	return v4 ? parse_ip4(data, end, pkt) : parse_ip6(data, end, pkt);
}

#endif
