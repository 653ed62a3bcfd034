/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/packet/frame.h"

#include <arpa/inet.h>
#include <endian.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const host_addrs[H_HOSTS][2] = {
	[H_NONE] = { "::", "0.0.0.0" },
	[H_CLIENT] = { "2001:db8::9", "192.0.2.9" },
	[H_CLIENT2] = { "2001:db8::a", "192.0.2.10" },
	[H_NODE] = { "2001:db8::1", "192.0.2.1" },
	[H_CLUSTER_IP] = { "fd00:10:96::5", "10.96.0.5" },
	[H_EXTERNAL] = { "2001:db8:1::7", "198.51.100.7" },
	[H_POD_A] = { "fd00:17:0::2", "172.17.0.2" },
	[H_POD_B] = { "fd00:17:0::3", "172.17.0.3" },
	[H_REMOTE] = { "fd00:17:1::2", "172.17.1.2" },
	[H_REMOTE2] = { "fd00:17:1::3", "172.17.1.3" },
	[H_FAR] = { "fd00:17:2::2", "172.17.2.2" },
};

struct lb_addr frame_addr(enum host host, bool v4)
{
	struct lb_addr addr;

	if (addr_parse(host_addrs[host][v4], &addr))
		abort();
	return addr;
}

void frame_mac(enum mac mac, uint8_t ret[6])
{
	const uint8_t address[6] = { 2, 0, 0, 0, 0, (uint8_t)mac };

	memcpy(ret, address, sizeof(address));
}

/* ----------------------------------------------------------- checksums -- */

static uint32_t sum_words(const void *data, size_t size, uint32_t sum)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (size & 1)
		sum += (uint32_t)bytes[size - 1] << 8;
	return sum;
}

static uint16_t sum_finish(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint16_t l4_checksum(const uint8_t *ip, const void *l4, size_t size, uint8_t proto, bool v4)
{
	uint32_t sum = (uint32_t)size + proto;

	sum = v4 ? sum_words(ip + 12, 8, sum) : sum_words(ip + 8, 32, sum);
	return sum_finish(sum_words(l4, size, sum));
}

/* CRC32c, a bit at a time (RFC 9260, appendix A). */
static uint32_t crc32c(const uint8_t *data, size_t size)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void checksum_l4(uint8_t *ip, uint8_t *l4, size_t size, uint8_t proto, bool v4)
{
	if (proto == IPPROTO_SCTP) {
		memset(l4 + 8, 0, 4);
		memcpy(l4 + 8, &(uint32_t){ htole32(crc32c(l4, size)) }, 4);
		return;
	}
	if (proto == IPPROTO_TCP) {
		struct tcphdr *tcp = (void *)l4;

		tcp->check = 0;
		tcp->check = l4_checksum(ip, l4, size, proto, v4);
	} else {
		struct udphdr *udp = (void *)l4;

		udp->check = 0;
		udp->check = l4_checksum(ip, l4, size, proto, v4);
		if (!udp->check)
			udp->check = 0xffff;
	}
}

void frame_checksum(uint8_t *buffer, bool v4)
{
	uint8_t *l3 = buffer + ETH_HLEN;

	if (v4) {
		struct iphdr *ip = (void *)l3;
		size_t header = ip->ihl * 4u;

		ip->check = 0;
		ip->check = sum_finish(sum_words(ip, header, 0));
		checksum_l4(l3, l3 + header, ntohs(ip->tot_len) - header, ip->protocol, true);
	} else {
		struct ip6_hdr *ip = (void *)l3;
		size_t header = ip->ip6_nxt == IPPROTO_HOPOPTS ? 8 : 0;
		uint8_t *l4 = l3 + sizeof(*ip) + header;

		checksum_l4(l3, l4, ntohs(ip->ip6_plen) - header, header ? l4[-8] : ip->ip6_nxt,
			    false);
	}
}

/* ------------------------------------------------------------- headers -- */

static size_t build_link(const struct frame *frame, bool v4, uint8_t *buffer)
{
	struct ether_header *eth = (void *)buffer;

	frame_mac(frame->dmac, eth->ether_dhost);
	frame_mac(frame->smac, eth->ether_shost);
	eth->ether_type = htons(v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	return sizeof(*eth);
}

static size_t build_ip(const struct frame *frame, bool v4, size_t l4_size, uint8_t *buffer)
{
	struct lb_addr src = frame_addr(frame->src, v4), dst = frame_addr(frame->dst, v4);
	uint8_t ttl = frame->ttl ? frame->ttl : 64;

	if (v4) {
		struct iphdr *ip = (void *)buffer;
		size_t header = sizeof(*ip) + (frame->options ? 4 : 0);

		*ip = (struct iphdr){
			.version = 4,
			.ihl = (unsigned int)(header / 4) & 0xf,
			.tot_len = htons((uint16_t)(header + l4_size)),
			.id = frame->made_here ? 0 : htons(0x1234),
			.frag_off = htons(IP_DF),
			.ttl = ttl,
			.protocol = frame->proto,
			.saddr = src.word[3],
			.daddr = dst.word[3],
		};
		if (frame->options)
			memset(ip + 1, IPOPT_NOP, 4);
		return header;
	}
	if (frame->options)
		memcpy(buffer + sizeof(struct ip6_hdr), (uint8_t[8]){ frame->proto, 0, 1, 4 }, 8);
	*(struct ip6_hdr *)buffer = (struct ip6_hdr){
		.ip6_flow = htonl(frame->made_here ? 0x60000000 : 0x60012345),
		.ip6_plen = htons((uint16_t)(l4_size + (frame->options ? 8 : 0))),
		.ip6_nxt = frame->options ? IPPROTO_HOPOPTS : frame->proto,
		.ip6_hops = ttl,
	};
	memcpy(buffer + 8, &src, sizeof(src));
	memcpy(buffer + 24, &dst, sizeof(dst));
	return sizeof(struct ip6_hdr) + (frame->options ? 8 : 0);
}

/* A common header and one chunk: INIT for SYN, ABORT for RST, else DATA. */
static size_t build_sctp(const struct frame *frame, uint8_t *buffer)
{
	uint16_t length = htons((uint16_t)(4 + frame->payload));
	uint8_t type = frame->tcp_flags == TH_SYN ? 1 : frame->tcp_flags & TH_RST ? 6 : 0;

	memset(buffer, 0, 16);
	memcpy(buffer, &(uint16_t){ htons(frame->sport) }, 2);
	memcpy(buffer + 2, &(uint16_t){ htons(frame->dport) }, 2);
	memcpy(buffer + 4, "tag!", 4);
	buffer[12] = type;
	memcpy(buffer + 14, &length, 2);
	return 16;
}

static size_t build_l4(const struct frame *frame, uint8_t *buffer)
{
	size_t header;

	if (frame->proto == IPPROTO_SCTP) {
		header = build_sctp(frame, buffer);
	} else if (frame->proto == IPPROTO_TCP) {
		struct tcphdr tcp = {
			.source = htons(frame->sport),
			.dest = htons(frame->dport),
			.seq = htonl(frame->seq),
			.ack_seq = htonl(frame->ack),
			.doff = sizeof(tcp) / 4,
			.window = htons(1000),
		};

		memcpy(buffer, &tcp, sizeof(tcp));
		buffer[13] = frame->tcp_flags;
		if (frame->tcp_flags == (TH_RST | TH_ACK) || frame->tcp_flags == TH_RST)
			memset(buffer + 14, 0, 2); /* a refusal has no window */
		header = sizeof(tcp);
	} else {
		struct udphdr udp = {
			.source = htons(frame->sport),
			.dest = htons(frame->dport),
			.len = htons((uint16_t)(sizeof(udp) + frame->payload)),
		};

		memcpy(buffer, &udp, sizeof(udp));
		header = sizeof(udp);
	}
	for (size_t i = 0; i < frame->payload; i++)
		buffer[header + i] = (uint8_t)(i * 7 + 1);
	return header + frame->payload;
}

size_t frame_build(const struct frame *frame, bool v4, uint8_t *buffer)
{
	uint8_t l4[FRAME_MAX];
	size_t l4_size = build_l4(frame, l4);
	size_t used;

	memset(buffer, 0, FRAME_MAX);
	used = build_link(frame, v4, buffer);
	used += build_ip(frame, v4, l4_size, buffer + used);
	memcpy(buffer + used, l4, l4_size);
	frame_checksum(buffer, v4);
	if (frame->proto == IPPROTO_UDP && frame->no_udp_checksum)
		memset(buffer + used + 6, 0, 2);
	return used + l4_size;
}

size_t frame_build_unreachable(const uint8_t *refused, bool v4, uint8_t *buffer)
{
	size_t header = v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	size_t quoted = header + 8, length = 8 + quoted;
	uint8_t *l3 = buffer + ETH_HLEN, *icmp = l3 + header;

	memset(buffer, 0, FRAME_MAX);
	memcpy(buffer, refused + 6, 6);
	memcpy(buffer + 6, refused, 6);
	memcpy(buffer + 12, refused + 12, 2);
	memcpy(icmp + 8, refused + ETH_HLEN, quoted);
	if (v4) {
		struct iphdr *ip = (void *)l3;

		*ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP };
		ip->tot_len = htons((uint16_t)(header + length));
		ip->frag_off = htons(IP_DF);
		memcpy(&ip->saddr, refused + ETH_HLEN + 16, 4);
		memcpy(&ip->daddr, refused + ETH_HLEN + 12, 4);
		ip->check = sum_finish(sum_words(ip, header, 0));
		icmp[0] = ICMP_DEST_UNREACH;
		icmp[1] = ICMP_PORT_UNREACH;
		memcpy(icmp + 2, &(uint16_t){ sum_finish(sum_words(icmp, length, 0)) }, 2);
	} else {
		struct ip6_hdr *ip = (void *)l3;

		*ip = (struct ip6_hdr){ .ip6_flow = htonl(0x60000000) };
		ip->ip6_plen = htons((uint16_t)length);
		ip->ip6_nxt = IPPROTO_ICMPV6;
		ip->ip6_hops = 64;
		memcpy(l3 + 8, refused + ETH_HLEN + 24, 16);
		memcpy(l3 + 24, refused + ETH_HLEN + 8, 16);
		icmp[0] = ICMP6_DST_UNREACH;
		icmp[1] = ICMP6_DST_UNREACH_NOPORT;
		memcpy(icmp + 2,
		       &(uint16_t){ l4_checksum(l3, icmp, length, IPPROTO_ICMPV6, false) }, 2);
	}
	return ETH_HLEN + header + length;
}

/* The network header for an ICMP message of size bytes, which lies behind it already. */
static size_t finish_icmp(const struct frame *frame, size_t size, bool v4, uint8_t *buffer)
{
	struct frame outer = *frame;
	size_t header;
	uint8_t *icmp;

	outer.proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	build_link(&outer, v4, buffer);
	header = build_ip(&outer, v4, size, buffer + ETH_HLEN);
	icmp = buffer + ETH_HLEN + header;
	if (v4) {
		struct iphdr *ip = (void *)(buffer + ETH_HLEN);

		ip->check = sum_finish(sum_words(ip, header, 0));
		memcpy(icmp + 2, &(uint16_t){ sum_finish(sum_words(icmp, size, 0)) }, 2);
	} else {
		memcpy(icmp + 2,
		       &(uint16_t){
			       l4_checksum(buffer + ETH_HLEN, icmp, size, IPPROTO_ICMPV6, false) },
		       2);
	}
	return ETH_HLEN + header + size;
}

static size_t icmp_at(bool v4)
{
	return ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr));
}

size_t frame_build_error(enum frame_error error, const struct frame *frame,
			 const struct frame *inner, size_t quoted, bool v4, uint8_t *buffer)
{
	uint8_t whole[FRAME_MAX];
	size_t header = icmp_at(v4) - ETH_HLEN;

	memset(buffer, 0, FRAME_MAX);
	frame_build(inner, v4, whole);
	memcpy(buffer + icmp_at(v4) + 8, whole + ETH_HLEN, header + quoted);
	if (error == ERROR_TOO_BIG) {
		buffer[icmp_at(v4)] = v4 ? ICMP_DEST_UNREACH : ICMP6_PACKET_TOO_BIG;
		buffer[icmp_at(v4) + 1] = v4 ? ICMP_FRAG_NEEDED : 0;
		buffer[icmp_at(v4) + 6] = 1400 >> 8;
		buffer[icmp_at(v4) + 7] = 1400 & 0xff;
	} else {
		buffer[icmp_at(v4)] = v4 ? ICMP_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED;
	}
	return finish_icmp(frame, 8 + header + quoted, v4, buffer);
}

size_t frame_build_echo(const struct frame *frame, bool reply, bool v4, uint8_t *buffer)
{
	uint8_t *icmp = buffer + icmp_at(v4);

	memset(buffer, 0, FRAME_MAX);
	if (v4)
		icmp[0] = reply ? ICMP_ECHOREPLY : ICMP_ECHO;
	else
		icmp[0] = reply ? ICMP6_ECHO_REPLY : ICMP6_ECHO_REQUEST;
	for (int i = 4; i < 8 + frame->payload; i++)
		icmp[i] = (uint8_t)(i * 3);
	return finish_icmp(frame, 8u + frame->payload, v4, buffer);
}

static size_t fragment4(const uint8_t *whole, size_t split, bool later, uint32_t id,
			uint8_t *buffer)
{
	struct iphdr *ip = (void *)(buffer + ETH_HLEN);
	size_t at = ETH_HLEN + sizeof(*ip), size;

	memcpy(buffer, whole, at);
	size = later ? ntohs(ip->tot_len) - sizeof(*ip) - split : split;
	memcpy(buffer + at, whole + at + (later ? split : 0), size);
	ip->tot_len = htons((uint16_t)(sizeof(*ip) + size));
	ip->id = htons((uint16_t)id);
	ip->frag_off = htons((uint16_t)(later ? split / 8 : IP_MF));
	ip->check = 0;
	ip->check = sum_finish(sum_words(ip, sizeof(*ip), 0));
	return at + size;
}

static size_t fragment6(const uint8_t *whole, size_t split, bool later, uint32_t id,
			uint8_t *buffer)
{
	struct ip6_hdr *ip = (void *)(buffer + ETH_HLEN);
	struct ip6_frag *header = (void *)(ip + 1);
	size_t at = ETH_HLEN + sizeof(*ip), size;

	memcpy(buffer, whole, at);
	size = later ? ntohs(ip->ip6_plen) - split : split;
	*header = (struct ip6_frag){
		.ip6f_nxt = ip->ip6_nxt,
		.ip6f_offlg = htons((uint16_t)(later ? split : 1)),
		.ip6f_ident = htonl(id),
	};
	memcpy(header + 1, whole + at + (later ? split : 0), size);
	ip->ip6_nxt = IPPROTO_FRAGMENT;
	ip->ip6_plen = htons((uint16_t)(sizeof(*header) + size));
	return at + sizeof(*header) + size;
}

size_t frame_fragment(const uint8_t *whole, size_t split, bool later, uint32_t id, bool v4,
		      uint8_t *buffer)
{
	memset(buffer, 0, FRAME_MAX);
	return v4 ? fragment4(whole, split, later, id, buffer)
		  : fragment6(whole, split, later, id, buffer);
}

uint16_t frame_sport(const uint8_t *buffer, bool v4)
{
	size_t at = ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr));

	return (uint16_t)(buffer[at] << 8 | buffer[at + 1]);
}

static void print_hex(const char *name, const uint8_t *bytes, size_t size)
{
	printf("    %-5s %3zu:", name, size);
	for (size_t i = 0; i < size; i++)
		printf("%s%02x", i % 4 ? "" : " ", bytes[i]);
	printf("\n");
}

bool frame_equal(const char *what, const uint8_t *want, size_t want_size, const uint8_t *got,
		 size_t got_size)
{
	if (want_size == got_size && !memcmp(want, got, want_size))
		return true;
	printf("    %s: the frame differs\n", what);
	print_hex("want", want, want_size);
	print_hex("got", got, got_size);
	return false;
}
