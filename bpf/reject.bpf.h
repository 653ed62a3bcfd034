/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "No" at once, in place of silence: a TCP segment is turned into its reset (RFC 9293,
 * section 3.10.7.1), a UDP datagram into a port unreachable (RFC 792; RFC 4443, section 3.1)
 * that quotes the datagram's headers. The answer comes from the address that was asked.
 *
 * What it does badly: a datagram with IPv4 options is dropped without an answer, since the
 * quote has a fixed length.
 */
#ifndef LB_REJECT_BPF_H
#define LB_REJECT_BPF_H

#include "checksum.bpf.h"
#include "config.bpf.h"
#include "packet.bpf.h"
#include "verdict.bpf.h"

#define REJECT_TTL 64
#define ICMP_DEST_UNREACH 3
#define ICMP_PORT_UNREACH 3
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PORT_UNREACH 4
#define ICMP_TIME_EXCEEDED 11
#define ICMPV6_TIME_EXCEEDED 3
#define REJECT_QUOTED_L4 8
#define REJECT_PER_SECOND 1000 /* a CPU */

struct reject_budget {
	__u32 since; /* jiffies */
	__u32 spent;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reject_budget);
} lb_reject_limit SEC(".maps");

struct reject_link {
	__u8 h_dest[6];
	__u8 h_source[6];
	__be16 h_proto;
} __attribute__((packed));

/* What is read from the segment before it is overwritten. */
struct reject_segment {
	__be32 seq;
	__be32 ack_seq;
	__u32 length; /* sequence space that it takes */
	__u8 flags;
};

static __always_inline __u32 reject_sum(const void *words, __u32 bytes, __u32 sum)
{
	return (__u32)bpf_csum_diff(NULL, 0, (__be32 *)words, bytes, sum);
}

/* Sum of the pseudo header. */
static __always_inline __u32 reject_pseudo(const struct lb_addr *from, const struct lb_addr *to,
					   __u8 proto, __u16 length, const bool v4)
{
	__u32 sum = bpf_htons(proto) + bpf_htons(length);

	for (int i = v4 ? 3 : 0; i < 4; i++) {
		sum = csum_replace32(sum, 0xffffffff, from->word[i]);
		sum = csum_replace32(sum, 0xffffffff, to->word[i]);
	}
	return sum;
}

static __always_inline void reject_write_ip4(struct iphdr *ip, const struct lb_addr *from,
					     const struct lb_addr *to, __u8 proto, __u16 length)
{
	*ip = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*ip) / 4,
		.tot_len = bpf_htons(sizeof(*ip) + length),
		.frag_off = bpf_htons(IP_DF),
		.ttl = REJECT_TTL,
		.protocol = proto,
		.saddr = from->word[3],
		.daddr = to->word[3],
	};
	ip->check = ~csum_fold(reject_sum(ip, sizeof(*ip), 0));
}

static __always_inline void reject_write_ip6(struct ipv6hdr *ip, const struct lb_addr *from,
					     const struct lb_addr *to, __u8 proto, __u16 length)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(length);
	ip->nexthdr = proto;
	ip->hop_limit = REJECT_TTL;
	__builtin_memcpy(&ip->saddr, from, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, to, sizeof(ip->daddr));
}

static __always_inline void reject_write_ip(void *l3, const struct lb_addr *from,
					    const struct lb_addr *to, __u8 proto, __u16 length,
					    const bool v4)
{
	if (v4)
		reject_write_ip4(l3, from, to, proto, length);
	else
		reject_write_ip6(l3, from, to, proto, length);
}

static __always_inline bool reject_read_segment(void *data, void *end, const struct packet *pkt,
						struct reject_segment *ret)
{
	struct tcphdr *tcp = data + (pkt->l4 & 0x7f);

	if ((void *)(tcp + 1) > end)
		return false;
	ret->seq = tcp->seq;
	ret->ack_seq = tcp->ack_seq;
	ret->flags = pkt->tcp_flags;
	ret->length = (__u16)(pkt->l4_bytes - tcp->doff * 4);
	if (pkt->tcp_flags & TCP_SYN)
		ret->length++;
	if (pkt->tcp_flags & TCP_FIN)
		ret->length++;
	return true;
}

static __always_inline enum verdict reject_tcp(struct hook_ctx *ctx, const struct packet *pkt,
					       const struct reject_link *link, const bool v4)
{
	const __u32 l4 = ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	const struct lb_addr *from = &pkt->tuple.daddr, *to = &pkt->tuple.saddr;
	struct reject_segment segment;
	struct tcphdr *tcp;
	void *data;

	if (pkt->tcp_flags & TCP_RST ||
	    !reject_read_segment(hook_data(ctx), hook_end(ctx), pkt, &segment) ||
	    !hook_resize(ctx, l4 + sizeof(*tcp)))
		return VERDICT_DROP;
	data = hook_data(ctx);
	tcp = data + l4;
	if ((void *)(tcp + 1) > hook_end(ctx))
		return VERDICT_DROP;
	__builtin_memcpy(data, link, sizeof(*link));
	reject_write_ip(data + ETH_HLEN, from, to, IPPROTO_TCP, sizeof(*tcp), v4);
	*tcp = (struct tcphdr){
		.source = pkt->tuple.dport,
		.dest = pkt->tuple.sport,
		.doff = sizeof(*tcp) / 4,
		.rst = 1,
	};
	if (segment.flags & TCP_ACK) {
		tcp->seq = segment.ack_seq;
	} else {
		tcp->ack = 1;
		tcp->ack_seq = bpf_htonl(bpf_ntohl(segment.seq) + segment.length);
	}
	tcp->check = ~csum_fold(reject_sum(tcp, sizeof(*tcp),
					   reject_pseudo(from, to, IPPROTO_TCP, sizeof(*tcp), v4)));
	return VERDICT_REPLY;
}

/* An error that quotes the packet. type and code: the kind in its upper and lower byte. */
static __always_inline enum verdict reject_icmp(struct hook_ctx *ctx, const struct packet *pkt,
						const struct reject_link *link,
						const struct lb_addr *from, __u16 kind,
						const bool v4)
{
	const __u32 ip_length = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const __u32 quoted = ip_length + REJECT_QUOTED_L4;
	const __u32 length = sizeof(struct icmphdr) + quoted;
	const __u8 proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	struct icmphdr *icmp;
	__u32 sum = 0;
	void *data;

	if (pkt->l4 != ETH_HLEN + ip_length || !hook_resize(ctx, ETH_HLEN + quoted) ||
	    !hook_grow(ctx, ip_length + sizeof(*icmp)))
		return VERDICT_DROP;
	data = hook_data(ctx);
	icmp = data + ETH_HLEN + ip_length;
	if ((void *)icmp + length > hook_end(ctx))
		return VERDICT_DROP;
	__builtin_memcpy(data, link, sizeof(*link));
	reject_write_ip(data + ETH_HLEN, from, &pkt->tuple.saddr, proto, length, v4);
	__builtin_memset(icmp, 0, sizeof(*icmp));
	icmp->type = kind >> 8;
	icmp->code = kind & 0xff;
	if (!v4)
		sum = reject_pseudo(from, &pkt->tuple.saddr, proto, length, false);
	icmp->checksum = ~csum_fold(reject_sum(icmp, length, sum));
	return VERDICT_REPLY;
}

static __always_inline bool reject_link_read(struct hook_ctx *ctx, struct reject_link *ret)
{
	struct ethhdr *eth = hook_data(ctx);

	if ((void *)(eth + 1) > hook_end(ctx))
		return false;
	__builtin_memcpy(ret->h_dest, eth->h_source, sizeof(ret->h_dest));
	__builtin_memcpy(ret->h_source, eth->h_dest, sizeof(ret->h_source));
	ret->h_proto = eth->h_proto;
	return true;
}

/* Answers are limited, so that nobody can be flooded with them in somebody else's name. */
static __always_inline bool reject_affordable(void)
{
	__u32 zero = 0, now = (__u32)bpf_jiffies64();
	struct reject_budget *budget = bpf_map_lookup_elem(&lb_reject_limit, &zero);

	if (!budget)
		return false;
	if (lb_config.dry_run) /* questions cost nothing */
		return true;
	if (now - budget->since >= lb_config.hz) {
		budget->since = now;
		budget->spent = 0;
	}
	return budget->spent++ < REJECT_PER_SECOND;
}

/* Turns the packet into the answer that refuses it. */
static __always_inline enum verdict reject(struct hook_ctx *ctx, const struct packet *pkt,
					   const bool v4)
{
	const __u16 unreachable = v4 ? ICMP_DEST_UNREACH << 8 | ICMP_PORT_UNREACH
				     : ICMPV6_DEST_UNREACH << 8 | ICMPV6_PORT_UNREACH;
	struct reject_link link = {};

	if (pkt->fragment == FRAGMENT_LATER || !reject_link_read(ctx, &link) ||
	    !reject_affordable())
		return VERDICT_DROP;
	if (pkt->tuple.proto == IPPROTO_TCP)
		return reject_tcp(ctx, pkt, &link, v4);
	return reject_icmp(ctx, pkt, &link, &pkt->tuple.daddr, unreachable, v4);
}

/* Turns the packet into "time exceeded" from the address `from`. */
static __always_inline enum verdict reject_ttl(struct hook_ctx *ctx, const struct packet *pkt,
					       const struct lb_addr *from, const bool v4)
{
	struct reject_link link = {};

	if (pkt->fragment == FRAGMENT_LATER || !reject_link_read(ctx, &link) ||
	    !reject_affordable())
		return VERDICT_DROP;
	return reject_icmp(ctx, pkt, &link, from,
			   (v4 ? ICMP_TIME_EXCEEDED : ICMPV6_TIME_EXCEEDED) << 8, v4);
}

#endif
