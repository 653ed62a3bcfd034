/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scatter ADDRESS PORT SIZE: sends one datagram of SIZE bytes to echod in fragments, the last one
 * first and the one with the ports at the very end, and prints the first line of the answer, which
 * must have the same size. The kernel only ever sends fragments in their order, so these are made
 * by hand.
 *
 * scatter serve ADDRESS PORT: answers datagrams in that way, with "scattered" as the first line and
 * after half a second, until it is ended.
 */
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/net/tools/peer.h"
#include "user/util/num.h"

#define PIECE 1208 /* payload of a fragment; a multiple of 8 */

static char datagram[65536], answer[65536];
static uint16_t id; /* not that of a datagram before */

static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t sum(const void *bytes, size_t n, uint32_t total)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		total += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* UDP header and payload, with the checksum over both and the addresses. */
static void datagram_make(const struct peer *from, const struct peer *to, size_t length)
{
	bool v4 = to->sa.sa_family == AF_INET;
	struct udphdr udp = { .len = htons((uint16_t)length) };
	uint32_t total = (uint32_t)length + IPPROTO_UDP;
	uint16_t check;

	udp.source = v4 ? from->sin.sin_port : from->sin6.sin6_port;
	udp.dest = v4 ? to->sin.sin_port : to->sin6.sin6_port;
	if (v4) {
		total = sum(&from->sin.sin_addr, 4, sum(&to->sin.sin_addr, 4, total));
	} else {
		total = sum(&from->sin6.sin6_addr, 16, sum(&to->sin6.sin6_addr, 16, total));
	}
	memcpy(datagram, &udp, sizeof(udp));
	check = (uint16_t)~sum(datagram, length, total);
	udp.check = htons(check ? check : 0xffff);
	memcpy(datagram, &udp, sizeof(udp));
}

/* Returns the bytes in front of the piece. */
static size_t header4(char *frame, const struct peer *from, const struct peer *to, size_t offset,
		      bool more)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .id = id, .ttl = 64 };

	ip.protocol = IPPROTO_UDP;
	ip.frag_off = htons((uint16_t)(offset / 8 | (more ? IP_MF : 0)));
	ip.saddr = from->sin.sin_addr.s_addr;
	ip.daddr = to->sin.sin_addr.s_addr;
	memcpy(frame, &ip, sizeof(ip)); /* the kernel adds length and checksum */
	return sizeof(ip);
}

static size_t header6(char *frame, const struct peer *from, const struct peer *to, size_t offset,
		      size_t n, bool more)
{
	struct ip6_frag fragment = { .ip6f_nxt = IPPROTO_UDP, .ip6f_ident = id };
	struct ip6_hdr ip = { .ip6_flow = htonl(6 << 28) };

	ip.ip6_nxt = IPPROTO_FRAGMENT;
	ip.ip6_hlim = 64;
	ip.ip6_plen = htons((uint16_t)(sizeof(fragment) + n));
	ip.ip6_src = from->sin6.sin6_addr;
	ip.ip6_dst = to->sin6.sin6_addr;
	fragment.ip6f_offlg = htons((uint16_t)(offset | more));
	memcpy(frame, &ip, sizeof(ip));
	memcpy(frame + sizeof(ip), &fragment, sizeof(fragment));
	return sizeof(ip) + sizeof(fragment);
}

static void piece_send(int raw, const struct peer *from, const struct peer *to, size_t offset,
		       size_t length)
{
	bool v4 = to->sa.sa_family == AF_INET, more = length - offset > PIECE;
	size_t n = more ? PIECE : length - offset, header;
	struct peer there = *to;
	char frame[PIECE + 64];

	header = v4 ? header4(frame, from, to, offset, more)
		    : header6(frame, from, to, offset, n, more);
	memcpy(frame + header, datagram + offset, n);
	if (!v4)
		there.sin6.sin6_port = 0;
	if (sendto(raw, frame, header + n, 0, &there.sa, there.size) < 0)
		die("sendto");
}

/* size bytes that begin with a line. */
static void scatter(int raw, const struct peer *from, const struct peer *to, size_t size,
		    const char *line)
{
	size_t length = size + sizeof(struct udphdr);

	memset(datagram + sizeof(struct udphdr), 'x', size);
	memcpy(datagram + sizeof(struct udphdr), line, strlen(line) < size ? strlen(line) : size);
	datagram_make(from, to, length);
	for (size_t i = (length + PIECE - 1) / PIECE; i > 0; i--)
		piece_send(raw, from, to, (i - 1) * PIECE, length);
}

static int sockets_open(const struct peer *peer, int *ret_raw)
{
	int fd = socket(peer->sa.sa_family, SOCK_DGRAM, 0);

	*ret_raw = socket(peer->sa.sa_family, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0 || *ret_raw < 0)
		die("socket");
	return fd;
}

static int ask(const struct peer *to, size_t size)
{
	int raw, fd = sockets_open(to, &raw);
	struct peer from = { .size = sizeof(from.sin6) };
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	ssize_t n;

	/* The kernel chooses address and port, and keeps the port for the answer. */
	if (connect(fd, &to->sa, to->size) || getsockname(fd, &from.sa, &from.size))
		die("connect");
	id = (uint16_t)(getpid() | 1);
	scatter(raw, &from, to, size, "");
	if (poll(&wait, 1, 4000) <= 0) {
		puts("no answer");
		return 1;
	}
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n < 0)
		die("recv");
	answer[strcspn(answer, "\n")] = '\0';
	printf("%s, %zd bytes\n", answer, n);
	return (size_t)n == size ? 0 : 1;
}

static _Noreturn void serve(const struct peer *at)
{
	int raw, fd = sockets_open(at, &raw);

	if (bind(fd, &at->sa, at->size))
		die("bind");
	id = (uint16_t)(getpid() | 1);
	for (;;) {
		struct peer from = { .size = sizeof(from.sin6) };
		ssize_t n = recvfrom(fd, answer, sizeof(answer), 0, &from.sa, &from.size);

		if (n < 0)
			die("recvfrom");
		id += 2;
		usleep(500000);
		scatter(raw, at, &from, (size_t)n, "scattered\n");
	}
}

int main(int argc, char **argv)
{
	bool serves = argc > 1 && !strcmp(argv[1], "serve");
	uint64_t port, size = 0;
	struct peer peer;

	if (argc != 4 || num_parse(argv[2 + serves], 1, 65535, &port) ||
	    (!serves && num_parse(argv[3], 1, 65000, &size)) ||
	    peer_parse(argv[1 + serves], (uint16_t)port, &peer)) {
		fputs("usage: scatter ADDRESS PORT SIZE\n"
		      "       scatter serve ADDRESS PORT\n",
		      stderr);
		return 2;
	}
	if (serves)
		serve(&peer);
	return ask(&peer, size);
}
