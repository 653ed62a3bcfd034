/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor --pcap: each packet as it came, and as it left when the programs changed it. An
 * interface of the file is a device and the side of our programs from which it was seen.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>

#include "user/cmd/monitor.h"
#include "user/util/cleanup.h"
#include "user/util/pcapng.h"
#include "user/util/version.h"

void monitor_pcap_begin(struct monitor_pcap *pcap, FILE *out, int64_t wall)
{
	cleanup_free char *application = xasprintf("lbctl %s", version_text());

	*pcap = (struct monitor_pcap){ .out = out, .wall = wall };
	pcapng_begin(out, application);
}

static uint32_t interface_find(struct monitor_pcap *pcap, const struct lb_packet *packet)
{
	const struct monitor_pcap_place place = { .ifindex = packet->ifindex,
						  .hook = packet->hook,
						  .egress = packet->egress,
						  .after = packet->after };
	char name[IF_NAMESIZE], description[64];

	for (size_t i = 0; i < pcap->places.n; i++)
		if (!memcmp(&pcap->places.items[i], &place, sizeof(place)))
			return (uint32_t)i;
	if (!if_indextoname(packet->ifindex, name))
		snprintf(name, sizeof(name), "if%u", packet->ifindex);
	snprintf(description, sizeof(description), "%s, %s lbctl",
		 packet->hook == LB_EVENT_XDP ? "XDP"
		 : packet->egress	      ? "TC egress"
					      : "TC ingress",
		 packet->after ? "after" : "before");
	vec_push(&pcap->places, place);
	pcapng_interface(pcap->out, name, description, LB_CAPTURE_SNAP);
	return (uint32_t)pcap->places.n - 1;
}

/* What the hook was told to do with the packet. */
static const char *action_text(const struct lb_packet *packet)
{
	bool xdp = packet->hook == LB_EVENT_XDP;

	if (packet->action == (xdp ? XDP_DROP : TC_ACT_SHOT))
		return "dropped";
	if (packet->action == XDP_TX && xdp)
		return "sent back out";
	if (packet->action == (xdp ? XDP_REDIRECT : TC_ACT_REDIRECT))
		return "sent to a device";
	return packet->egress ? "on its way out" : "up the stack";
}

/* Whether it leaves the device from where it was seen. */
static bool is_outbound(const struct lb_packet *packet)
{
	int passed = packet->hook == LB_EVENT_XDP ? XDP_PASS : TC_ACT_UNSPEC;

	return packet->egress || (packet->after && packet->action != passed);
}

static bool is_icmp(const struct lb_packet *packet)
{
	const struct ether_header *eth = (const void *)packet->bytes;
	const struct iphdr *ip = (const void *)(eth + 1);
	const struct ip6_hdr *ip6 = (const void *)(eth + 1);

	if (packet->captured < sizeof(*eth) + sizeof(*ip))
		return false;
	return eth->ether_type == htons(ETHERTYPE_IPV6) ? ip6->ip6_nxt == IPPROTO_ICMPV6
							: ip->protocol == IPPROTO_ICMP;
}

void monitor_pcap_packet(void *arg, const struct lb_packet *packet)
{
	struct monitor_pcap *pcap = arg;
	char story[160], comment[256];
	struct pcapng_packet block = {
		.interface = interface_find(pcap, packet),
		.ns = (uint64_t)((int64_t)packet->ns + pcap->wall),
		.bytes = packet->bytes,
		.captured = packet->captured,
		.length = packet->length,
		.comment = comment,
		.outbound = is_outbound(packet),
		.id = packet->packet,
		.hook = packet->hook == LB_EVENT_XDP ? PCAPNG_VERDICT_XDP : PCAPNG_VERDICT_TC,
		.verdict = packet->action,
	};

	if (packet->kinds == LB_EVENT_KNOWN && is_icmp(packet))
		strcpy(story, "ICMP");
	else
		monitor_story(packet->kinds, packet->reason, story, sizeof(story));
	snprintf(comment, sizeof(comment), "%s: %s; %s", packet->after ? "after" : "before", story,
		 action_text(packet));
	pcapng_packet(pcap->out, &block);
	pcap->written++;
}

void monitor_pcap_done(struct monitor_pcap *pcap)
{
	vec_free(&pcap->places);
}
