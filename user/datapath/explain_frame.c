/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/explain_parts.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#define HOP_LIMIT 64
#define SCTP_INIT 1
#define SCTP_INIT_BYTES 20

struct sctp_init {
	__be16 source, dest;
	__be32 tag, checksum;
	uint8_t type, flags;
	__be16 length;
	uint8_t value[SCTP_INIT_BYTES - 4];
};

static size_t write_l4(const struct explain_question *question, uint8_t *l4)
{
	struct tcphdr tcp = { .source = question->from_port,
			      .dest = question->to_port,
			      .doff = sizeof(tcp) / 4,
			      .syn = 1,
			      .window = htons(64240) };
	struct udphdr udp = { .source = question->from_port,
			      .dest = question->to_port,
			      .len = htons(sizeof(udp)) };
	struct sctp_init sctp = { .source = question->from_port,
				  .dest = question->to_port,
				  .type = SCTP_INIT,
				  .length = htons(SCTP_INIT_BYTES) };

	switch (question->proto) {
	case IPPROTO_UDP:
		memcpy(l4, &udp, sizeof(udp));
		return sizeof(udp);
	case IPPROTO_SCTP:
		memcpy(l4, &sctp, sizeof(sctp));
		return sizeof(sctp);
	default:
		memcpy(l4, &tcp, sizeof(tcp));
		return sizeof(tcp);
	}
}

static size_t write_ip4(const struct explain_question *question, uint8_t *at)
{
	struct iphdr ip = { .version = 4,
			    .ihl = sizeof(ip) / 4,
			    .ttl = HOP_LIMIT,
			    .protocol = question->proto,
			    .saddr = question->from.word[3],
			    .daddr = question->to.word[3] };
	size_t size = sizeof(ip) + write_l4(question, at + sizeof(ip));

	ip.tot_len = htons((uint16_t)size);
	memcpy(at, &ip, sizeof(ip));
	return size;
}

static size_t write_ip6(const struct explain_question *question, uint8_t *at)
{
	struct ip6_hdr ip = { 0 };
	size_t size = write_l4(question, at + sizeof(ip));

	ip.ip6_vfc = 6 << 4;
	ip.ip6_plen = htons((uint16_t)size);
	ip.ip6_nxt = question->proto;
	ip.ip6_hops = HOP_LIMIT;
	memcpy(&ip.ip6_src, &question->from, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, &question->to, sizeof(ip.ip6_dst));
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip) + size;
}

size_t explain_frame(const struct explain_question *question, uint8_t frame[EXPLAIN_FRAME])
{
	bool v4 = addr_is_v4(&question->to);
	struct ethhdr eth = { .h_proto = htons(v4 ? ETH_P_IP : ETH_P_IPV6) };

	memset(frame, 0, EXPLAIN_FRAME);
	memcpy(frame, &eth, sizeof(eth));
	return sizeof(eth) + (v4 ? write_ip4 : write_ip6)(question, frame + sizeof(eth));
}
