/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who on a link has an address: one question by ARP (RFC 826) or neighbour discovery (RFC 4861,
 * 7.2), asked as this node, and all who answer within a moment. A host does not hear itself.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "user/cmd/doctor.h"
#include "user/util/cleanup.h"

#define LISTEN_MS 400
#define HOPS 255 /* RFC 4861, 7.1: anything less came through a router */

struct question {
	int fd;
	unsigned int ifindex;
	uint8_t mac[6]; /* this node's, on the link */
	const struct lb_addr *addr;
	uint8_t (*macs)[6]; /* of those who answered */
	size_t n, room;
};

static void answer_note(struct question *question, const void *mac)
{
	for (size_t i = 0; i < question->n; i++)
		if (!memcmp(question->macs[i], mac, 6))
			return;
	if (question->n < question->room)
		memcpy(question->macs[question->n++], mac, 6);
}

static int link_read(struct question *question, const char *device, struct in_addr *ret_own)
{
	struct ifreq request = { 0 };
	const struct sockaddr_in *own = (const void *)&request.ifr_addr;
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	question->ifindex = if_nametoindex(device);
	strncpy(request.ifr_name, device, IFNAMSIZ - 1);
	if (fd < 0 || !question->ifindex || ioctl(fd, SIOCGIFHWADDR, &request))
		return -errno;
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EOPNOTSUPP;
	memcpy(question->mac, request.ifr_hwaddr.sa_data, sizeof(question->mac));
	/* Without one of its own the question is a probe (RFC 5227), which has none. */
	if (!ioctl(fd, SIOCGIFADDR, &request))
		*ret_own = own->sin_addr;
	return 0;
}

/* Calls hear for each packet until the time is up. */
static int listen_for(struct question *question,
		      void (*hear)(struct question *question, const void *bytes, size_t size))
{
	struct pollfd in = { .fd = question->fd, .events = POLLIN };
	struct timespec begin, now;
	uint8_t bytes[512];
	int left = LISTEN_MS;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (left > 0 && poll(&in, 1, left) > 0) {
		ssize_t size = recv(question->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (size > 0)
			hear(question, bytes, (size_t)size);
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = LISTEN_MS - (int)((now.tv_sec - begin.tv_sec) * 1000 +
					 (now.tv_nsec - begin.tv_nsec) / 1000000);
	}
	return (int)question->n;
}

/* ------------------------------------------------------------------------ ARP -- */

static void arp_hear(struct question *question, const void *bytes, size_t size)
{
	const struct ether_arp *arp = bytes;

	if (size < sizeof(*arp) || arp->arp_op != htons(ARPOP_REPLY) ||
	    memcmp(arp->arp_spa, &question->addr->word[3], 4) != 0)
		return;
	answer_note(question, arp->arp_sha);
}

static int arp_ask(struct question *question, const struct in_addr *own)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETHERTYPE_ARP),
				  .sll_ifindex = (int)question->ifindex,
				  .sll_halen = ETH_ALEN };
	struct ether_arp arp = { .arp_hrd = htons(ARPHRD_ETHER),
				 .arp_pro = htons(ETHERTYPE_IP),
				 .arp_hln = ETH_ALEN,
				 .arp_pln = 4,
				 .arp_op = htons(ARPOP_REQUEST) };

	question->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETHERTYPE_ARP));
	if (question->fd < 0 || bind(question->fd, (struct sockaddr *)&to, sizeof(to)))
		return -errno;
	memset(to.sll_addr, 0xff, ETH_ALEN);
	memcpy(arp.arp_sha, question->mac, ETH_ALEN);
	memcpy(arp.arp_spa, own, 4);
	memcpy(arp.arp_tpa, &question->addr->word[3], 4);
	if (sendto(question->fd, &arp, sizeof(arp), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return listen_for(question, arp_hear);
}

/* ------------------------------------------------------------------------ NDP -- */

struct solicitation {
	struct nd_neighbor_solicit head;
	struct nd_opt_hdr option;
	uint8_t mac[6];
};

static void ndp_hear(struct question *question, const void *bytes, size_t size)
{
	const struct nd_neighbor_advert *advert = bytes;
	const struct nd_opt_hdr *option = (const void *)(advert + 1);

	if (size < sizeof(*advert) + sizeof(*option) + 6 ||
	    advert->nd_na_type != ND_NEIGHBOR_ADVERT ||
	    memcmp(&advert->nd_na_target, question->addr, sizeof(*question->addr)) != 0 ||
	    option->nd_opt_type != ND_OPT_TARGET_LINKADDR)
		return;
	answer_note(question, option + 1);
}

static int ndp_ask(struct question *question, const char *device)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = question->ifindex };
	struct solicitation ask = {
		.head = { .nd_ns_hdr = { .icmp6_type = ND_NEIGHBOR_SOLICIT } },
		.option = { .nd_opt_type = ND_OPT_SOURCE_LINKADDR, .nd_opt_len = 1 },
	};
	struct icmp6_filter filter;
	int hops = HOPS;

	question->fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (question->fd < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
	memcpy(&ask.head.nd_ns_target, question->addr, sizeof(*question->addr));
	memcpy(ask.mac, question->mac, sizeof(ask.mac));
	/* The solicited-node group: ff02::1:ff and the last three bytes. */
	memcpy(&to.sin6_addr, "\xff\x02\0\0\0\0\0\0\0\0\0\1\xff", 13);
	memcpy(&to.sin6_addr.s6_addr[13], (const uint8_t *)question->addr + 13, 3);
	if (setsockopt(question->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) ||
	    setsockopt(question->fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) ||
	    setsockopt(question->fd, SOL_SOCKET, SO_BINDTODEVICE, device,
		       (socklen_t)strlen(device)) ||
	    sendto(question->fd, &ask, sizeof(ask), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return listen_for(question, ndp_hear);
}

int doctor_who_has(void *arg, const char *device, const struct lb_addr *addr, uint8_t macs[][6],
		   size_t room)
{
	struct question question = { .fd = -EBADF, .addr = addr, .macs = macs, .room = room };
	struct in_addr own = { 0 };
	int r = link_read(&question, device, &own);

	(void)arg;
	if (!r)
		r = addr_is_v4(addr) ? arp_ask(&question, &own) : ndp_ask(&question, device);
	if (question.fd >= 0)
		close(question.fd);
	return r;
}
