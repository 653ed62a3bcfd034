/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of the cluster, answered where the question comes by: no process wakes up. Example:
 * "kubia.default.svc.cluster.local A" from a pod turns round with 16 bytes more.
 *
 * Only plain questions of pods: one question, class IN, A or AAAA, at most an OPT record without
 * options, a name of at most LB_DNS_NAME bytes. Everything else goes on to the server, as if this
 * program were not there, and so do strangers, whose address may be forged.
 */
#ifndef LB_DNS_BPF_H
#define LB_DNS_BPF_H

#include "event.bpf.h"
#include "frontend.bpf.h"
#include "nexthop.bpf.h"
#include "reject.bpf.h"

#include "lb/dns.h"

#define DNS_HEADER 12
#define DNS_FIXED 4 /* type and class */
#define DNS_OPT 11
#define DNS_QUERY 128 /* at least header, name, type, class and OPT */
#define DNS_REPLY 256
#define DNS_TYPE_A 1
#define DNS_TYPE_AAAA 28
#define DNS_CLASS_IN 1
#define DNS_TYPE_OPT 41
#define DNS_NXDOMAIN 3
#define DNS_LABEL_MAX 63
#define DNS_LABELS 16 /* names of more are the server's */
#define DNS_RR 16     /* an A record behind its compressed owner */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define DNS_TEXT4(a, b, c, d) ((__u32)(a) | (b) << 8 | (c) << 16 | (__u32)(d) << 24)
#define dns_first_bytes(n) ((1ull << 8 * ((n)&7)) - 1)
#else
#define DNS_TEXT4(a, b, c, d) ((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define dns_first_bytes(n) (~(~0ull >> 8 * ((n)&7)))
#endif

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LB_MAX_DNS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lb_dns_key);
	__type(value, struct lb_dns);
} lb_dns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_dns_meta);
} lb_dns_meta SEC(".maps");

/* Aligned, so that it is cleared and copied in words. */
struct dns_scratch {
	__u8 query[DNS_QUERY] __attribute__((aligned(8)));
	__u8 reply[DNS_REPLY + 64]
		__attribute__((aligned(8))); /* room behind it for whole records */
	__u8 name[LB_DNS_NAME + LB_DNS_DOMAIN + 8] __attribute__((aligned(8))); /* key, zeros */
	__u64 labels[2];       /* bits: where in the name they begin */
	volatile __u32 length; /* of the name */
};

/* Hides from the compiler what it knows of a number, so that the verifier sees the check of it. */
#define dns_forget(number) asm volatile("" : "+r"(number))

/* An offset that was checked, checked again in a way that Linux 6.1 follows. */
static __always_inline __u32 dns_offset(__u32 at)
{
	dns_forget(at);
	return at & (DNS_QUERY - 1);
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dns_scratch);
} lb_dns_scratch SEC(".maps");

/* A question as far as it was read. */
struct dns_query {
	struct lb_addr saddr, daddr;
	__be16 sport;
	__be16 length; /* of the datagram, as it says itself */
	__be16 check;
	__u32 size; /* of the message */
	__u32 name; /* its length */
	__u16 type;
	__u8 edns;
	__u8 dnssec;
};

static __always_inline __u16 dns_u16(const __u8 *bytes)
{
	return (__u16)(bytes[0] << 8 | bytes[1]);
}

static __always_inline void dns_put16(__u8 *bytes, __u16 value)
{
	bytes[0] = value >> 8;
	bytes[1] = value & 0xff;
}

/* ------------------------------------------------------------------ reading -- */

static __always_inline bool dns_read_ip(void *data, void *end, struct dns_query *q, const bool v4)
{
	if (v4) {
		struct iphdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end || ip->ihl != 5 ||
		    ip->frag_off & bpf_htons(IP_MF | IP_OFFSET) || ip->protocol != IPPROTO_UDP)
			return false;
		addr_map4(&q->saddr, ip->saddr);
		addr_map4(&q->daddr, ip->daddr);
		q->size = bpf_ntohs(ip->tot_len) - sizeof(*ip);
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end || ip->nexthdr != IPPROTO_UDP)
			return false;
		addr_copy6(&q->saddr, &ip->saddr);
		addr_copy6(&q->daddr, &ip->daddr);
		q->size = bpf_ntohs(ip->payload_len);
	}
	return true;
}

/* Headers, and whether who asks may be answered here. */
static __always_inline bool dns_read_headers(struct hook_ctx *ctx, struct dns_query *q,
					     const bool v4)
{
	const __u32 l4 = ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	const struct lb_frontend *frontend;
	const struct lb_device *device;
	void *data, *end;
	struct udphdr *udp;

	hook_pull(ctx, l4 + sizeof(*udp));
	data = hook_data(ctx);
	end = hook_end(ctx);
	udp = data + l4;
	if (!dns_read_ip(data, end, q, v4) || (void *)(udp + 1) > end ||
	    udp->dest != bpf_htons(LB_DNS_PORT) || udp->len != bpf_htons(q->size))
		return false;
	q->sport = udp->source;
	q->length = udp->len;
	q->check = udp->check;
	frontend = frontend_find(&q->daddr, udp->dest, IPPROTO_UDP);
	if (!frontend || !(frontend->flags & LB_FRONTEND_DNS) || !q->sport)
		return false;
	q->size -= sizeof(*udp);
	device = nexthop_device(hook_ifindex(ctx));
	return (device && device->flags & LB_DEVICE_POD) || frontend_source_is_pod(&q->saddr);
}

/* Lower case, eight bytes at a time; lengths of labels are no letters. */
static __always_inline __u64 dns_lower(__u64 word)
{
	const __u64 ones = 0x0101010101010101ull;
	__u64 low = word & 0x7f * ones;
	__u64 from_a = low + (0x80 - 'A') * ones, above_z = low + (0x7f - 'Z') * ones;

	return word | ((from_a ^ above_z) & ~word & 0x80 * ones) >> 2;
}

/* Walks over the labels. The name's length, or 0: it has something unusual, or is too long. */
static __always_inline __u32 dns_walk_name(struct dns_scratch *s)
{
	__u32 at = 0;

	s->labels[0] = s->labels[1] = 0;
	for (int i = 0; i < DNS_LABELS; i++) {
		__u8 c = s->query[DNS_HEADER + at];

		s->labels[at >> 6 & 1] |= 1ull << (at & 63);
		if (!c)
			return at + 1;
		at += c + 1;
		if (c > DNS_LABEL_MAX || at >= LB_DNS_NAME)
			return 0;
	}
	return 0;
}

/* The name in lower case, with zeros behind it. */
static __always_inline void dns_copy_name(struct dns_scratch *s, __u32 name)
{
	for (__u32 i = 0; i < LB_DNS_NAME; i += 8) {
		__u32 left = name - i, at = i;
		__u64 word;

		/* Older verifiers lose the loop's bounds on the way. */
		dns_forget(at);
		at &= DNS_QUERY - 8;
		word = dns_lower(*(const __u64 *)(s->query + DNS_HEADER + at));
		if (left < 8) {
			*(__u64 *)(s->name + at) = word & dns_first_bytes(left);
			return;
		}
		*(__u64 *)(s->name + at) = word;
		if (left == 8)
			return;
	}
}

static __always_inline bool dns_read_opt(const struct dns_scratch *s, struct dns_query *q)
{
	const __u8 *opt = s->query + dns_offset(DNS_HEADER + q->name + DNS_FIXED);

	q->dnssec = 0;
	if (!q->edns)
		return q->size == DNS_HEADER + q->name + DNS_FIXED;
	if (q->name > LB_DNS_NAME || opt[0] || dns_u16(opt + 1) != DNS_TYPE_OPT || opt[5] ||
	    opt[6] || opt[9] || opt[10])
		return false;
	q->dnssec = opt[7] & 0x80;
	return q->size == DNS_HEADER + q->name + DNS_FIXED + DNS_OPT;
}

/* The message, copied out of the packet. */
static __always_inline bool dns_read_message(struct hook_ctx *ctx, struct dns_scratch *s,
					     struct dns_query *q, const bool v4)
{
	const __u32 at = ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
			 sizeof(struct udphdr);
	__u32 size = q->size;
	const __u8 *fixed;

	dns_forget(size);
	if (size < DNS_HEADER + 1 + DNS_FIXED || size > DNS_QUERY)
		return false;
	__builtin_memset(s->query, 0, sizeof(s->query));
	__builtin_memset(s->name, 0, sizeof(s->name));
	if (hook_load(ctx, at, s->query, size))
		return false;
	/* A query without flags but RD, AD and CD, and one question. */
	if (s->query[2] & 0xfe || s->query[3] & 0xcf || dns_u16(s->query + 4) != 1 ||
	    dns_u16(s->query + 6) || dns_u16(s->query + 8) || s->query[10] || s->query[11] > 1)
		return false;
	q->edns = s->query[11];
	/* By way of the memory: the verifier would follow each length apart. */
	s->length = dns_walk_name(s);
	q->name = s->length;
	if (!q->name || q->name > LB_DNS_NAME)
		return false;
	dns_copy_name(s, q->name);
	fixed = s->query + dns_offset(DNS_HEADER + q->name);
	q->type = dns_u16(fixed);
	return (q->type == DNS_TYPE_A || q->type == DNS_TYPE_AAAA) &&
	       dns_u16(fixed + 2) == DNS_CLASS_IN && dns_read_opt(s, q);
}

/* Whether the name lies in the domain: all of the domain's bytes, zeros included, are its end. */
static __always_inline bool dns_in_domain(const struct dns_scratch *s,
					  const struct lb_dns_meta *meta, __u32 name)
{
	const __u64 *domain = (const __u64 *)meta->domain;
	__u32 at = name - meta->domain_size;
	const __u64 *end;

	if (!meta->domain_size || at >= LB_DNS_NAME || !(s->labels[at >> 6 & 1] >> (at & 63) & 1))
		return false;
	end = (const __u64 *)(s->name + dns_offset(at));
	for (int i = 0; i < LB_DNS_DOMAIN / 8; i++) {
		if (end[i] != domain[i])
			return false;
	}
	return true;
}

/*
 * The server compresses its SOA record further behind names below dns.<domain> and hostmaster: they
 * are few, and left to it.
 */
static __always_inline bool dns_is_odd(const struct dns_scratch *s, const struct lb_dns_meta *meta,
				       __u32 name)
{
	__u32 at = name - meta->domain_size - 4;
	__u32 word;

	if (at > LB_DNS_NAME)
		return false;
	word = *(const __u32 *)(s->name + dns_offset(at));
	return word == DNS_TEXT4(3, 'd', 'n', 's') || word == DNS_TEXT4('s', 't', 'e', 'r');
}

/* ------------------------------------------------------------------ writing -- */

/* A place in the answer, by an offset that is checked as dns_offset() does it. */
static __always_inline __u8 *dns_reply_at(struct dns_scratch *s, __u32 at)
{
	dns_forget(at);
	return s->reply + (at & (DNS_REPLY - 1));
}

static __always_inline __u32 dns_put_a(struct dns_scratch *s, const struct lb_dns *dns, __be32 ttl,
				       __u32 at)
{
	__u32 n = dns->n_a, from = dns_u16(s->query), at_turn;

	if (!n || n > LB_DNS_A)
		return at;
	for (__u32 i = 0; i < LB_DNS_A; i++) {
		__u32 *rr = (__u32 *)dns_reply_at(s, at);

		if (i >= n)
			break;
		at_turn = (from + i) % n;
		dns_forget(at_turn);
		rr[0] = bpf_htonl(0xc00c0000 | DNS_TYPE_A);
		rr[1] = bpf_htonl(DNS_CLASS_IN << 16 | bpf_ntohl(ttl) >> 16);
		rr[2] = bpf_htonl(bpf_ntohl(ttl) << 16 | sizeof(__be32));
		rr[3] = dns->a[at_turn & (LB_DNS_A - 1)];
		at += DNS_RR;
	}
	return at;
}

static __always_inline __u32 dns_put_aaaa(struct dns_scratch *s, const struct lb_dns *dns,
					  __be32 ttl, __u32 at)
{
	__u32 n = dns->n_aaaa, from = dns_u16(s->query), at_turn;

	if (!n || n > LB_DNS_AAAA)
		return at;
	for (__u32 i = 0; i < LB_DNS_AAAA; i++) {
		__u32 *rr = (__u32 *)dns_reply_at(s, at);
		const __be32 *addr;

		if (i >= n)
			break;
		at_turn = (from + i) % n;
		dns_forget(at_turn);
		addr = dns->aaaa[at_turn & (LB_DNS_AAAA - 1)];
		rr[0] = bpf_htonl(0xc00c0000 | DNS_TYPE_AAAA);
		rr[1] = bpf_htonl(DNS_CLASS_IN << 16 | bpf_ntohl(ttl) >> 16);
		rr[2] = bpf_htonl(bpf_ntohl(ttl) << 16 | 4 * sizeof(__be32));
		rr[3] = addr[0];
		rr[4] = addr[1];
		rr[5] = addr[2];
		rr[6] = addr[3];
		at += DNS_RR + 3 * sizeof(__be32);
	}
	return at;
}

static __always_inline __u32 dns_put_soa(struct dns_scratch *s, const struct lb_dns_meta *meta,
					 __u32 name, __u32 at)
{
	__u16 pointer = 0xc000 | ((DNS_HEADER + name - meta->domain_size) & 0xff);
	__u8 *soa = dns_reply_at(s, at);

	for (int i = 0; i < (int)sizeof(meta->soa) / 8; i++)
		((__u64 *)soa)[i] = ((const __u64 *)meta->soa)[i];
	dns_put16(soa + LB_DNS_SOA_OWNER, pointer);
	dns_put16(soa + LB_DNS_SOA_SERVER, pointer);
	dns_put16(soa + LB_DNS_SOA_MAILBOX, pointer);
	return at + LB_DNS_SOA_SIZE;
}

static __always_inline __u32 dns_put_opt(struct dns_scratch *s, __u8 dnssec, __u32 at)
{
	__u8 *opt = dns_reply_at(s, at);

	__builtin_memset(opt, 0, DNS_OPT);
	opt[2] = DNS_TYPE_OPT;
	dns_put16(opt + 3, LB_DNS_UDP_SIZE);
	opt[7] = dnssec;
	return at + DNS_OPT;
}

/* Writes the answer into s->reply; its size, or 0: the server knows more. */
static __always_inline __u32 dns_answer(struct dns_scratch *s, const struct dns_query *q)
{
	__u32 zero = 0, at = DNS_HEADER + q->name + DNS_FIXED, begin = at;
	const struct lb_dns_meta *meta = bpf_map_lookup_elem(&lb_dns_meta, &zero);
	const struct lb_dns *dns;
	__u8 rcode = 0;

	if (!meta || !dns_in_domain(s, meta, q->name))
		return 0;
	dns = bpf_map_lookup_elem(&lb_dns, s->name);
	if (!dns && !meta->complete)
		return 0;
	if (dns && (dns->flags & LB_DNS_USER ||
		    (q->type == DNS_TYPE_A ? dns->n_a : dns->n_aaaa) == LB_DNS_MANY))
		return 0;
	__builtin_memcpy(s->reply, s->query, DNS_QUERY);
	if (!dns)
		rcode = DNS_NXDOMAIN;
	else if (q->type == DNS_TYPE_A)
		at = dns_put_a(s, dns, meta->ttl, at);
	else
		at = dns_put_aaaa(s, dns, meta->ttl, at);
	if (at == begin) {
		if (dns_is_odd(s, meta, q->name))
			return 0;
		at = dns_put_soa(s, meta, q->name, at);
		s->reply[9] = 1;
	} else {
		s->reply[7] = q->type == DNS_TYPE_A ? dns->n_a : dns->n_aaaa;
	}
	s->reply[2] = 0x84 | (s->query[2] & 1);
	s->reply[3] = (meta->recursion ? 0x80 : 0) | rcode;
	if (q->edns)
		at = dns_put_opt(s, q->dnssec, at);
	/* The checksum is made of whole words. */
	*(__u32 *)dns_reply_at(s, at) = 0;
	return at;
}

/* Turns the packet round with the message in s->reply. */
static __always_inline enum verdict dns_reply(struct hook_ctx *ctx, struct dns_scratch *s,
					      const struct dns_query *q, __u32 size, const bool v4)
{
	const __u32 l4 = ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__be16 length = bpf_htons((__u16)(sizeof(struct udphdr) + size));
	__u32 words = (size + 3) & ~3u, old_words = (q->size + 3) & ~3u;
	struct reject_link link = {};
	struct udphdr *udp;
	__u32 delta;
	void *data;

	dns_forget(size);
	if (size < DNS_HEADER || size > DNS_REPLY || !reject_link_read(ctx, &link) ||
	    !hook_resize(ctx, l4 + sizeof(*udp) + size))
		return VERDICT_DROP;
	data = hook_data(ctx);
	udp = data + l4;
	if ((void *)(udp + 1) > hook_end(ctx))
		return VERDICT_DROP;
	__builtin_memcpy(data, &link, sizeof(link));
	reject_write_ip(data + ETH_HLEN, &q->daddr, &q->saddr, IPPROTO_UDP,
			(__u16)(sizeof(*udp) + size), v4);
	udp->source = bpf_htons(LB_DNS_PORT);
	udp->dest = q->sport;
	udp->len = length;
	udp->check = q->check;
	dns_forget(size); /* Linux 6.1 forgets what it knew of a number that was spilled */
	if (size < DNS_HEADER || size > DNS_REPLY)
		return VERDICT_DROP;
	if (hook_store(ctx, l4 + sizeof(*udp), s->reply, size))
		return VERDICT_DROP;
	dns_forget(words);
	dns_forget(old_words);
	if (words > DNS_REPLY || old_words > DNS_QUERY)
		return VERDICT_DROP;
	delta = (__u32)bpf_csum_diff((__be32 *)s->query, old_words, (__be32 *)s->reply, words, 0);
	hook_checksum_udp(ctx, l4, delta, q->length, length);
	return VERDICT_REPLY;
}

static __always_inline void dns_tell(struct hook_ctx *ctx, const struct dns_query *q)
{
	struct lb_event event = {
		.client = q->saddr,
		.frontend = q->daddr,
		.client_port = q->sport,
		.frontend_port = bpf_htons(LB_DNS_PORT),
		.proto = IPPROTO_UDP,
		.hook = HOOK_XDP ? LB_EVENT_XDP : LB_EVENT_TC,
		.kind = LB_EVENT_NAME,
		.reason = LB_REASON_NAME,
		.ifindex = hook_ifindex(ctx),
		.bytes = q->size,
	};

	event_send(&event);
}

/* Answers the packet; VERDICT_PASS: it is untouched, and not for this program. */
static __always_inline enum verdict dns_ingress(struct hook_ctx *ctx, const bool v4)
{
	struct dns_query q = {};
	struct dns_scratch *s;
	enum verdict verdict;
	__u32 zero = 0, size;

	s = bpf_map_lookup_elem(&lb_dns_scratch, &zero);
	if (!s || lb_config.dry_run || !dns_read_headers(ctx, &q, v4) ||
	    !dns_read_message(ctx, s, &q, v4))
		return VERDICT_PASS;
	size = dns_answer(s, &q);
	if (!size)
		return VERDICT_PASS;
	verdict = dns_reply(ctx, s, &q, size, v4);
	reason_count(verdict == VERDICT_REPLY ? LB_REASON_NAME : LB_REASON_INTERNAL, size);
	if (verdict == VERDICT_REPLY && event_wanted(LB_EVENT_NAME))
		dns_tell(ctx, &q);
	return verdict;
}

#endif
