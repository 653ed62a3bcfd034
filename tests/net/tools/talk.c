/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk tcp|udp|sctp ADDRESS PORT [options]
 * talk ping ADDRESS [options]
 *
 * Sends each line of its input to echod, over one socket, and prints what comes of it, a line each:
 * the first line of the answer, "no answer", or the error with the ICMP message behind it,
 *
 *	kubia-4h2mx 192.0.2.10
 *	Connection refused: ICMP 3/3 from 198.51.100.1
 *
 * ping prints "alive". An answer to a datagram of --size bytes must have its size. TCP and
 * SCTP end with the first error. Exit status 0: the last line was answered.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* wants time.h first */

#include "tests/net/tools/peer.h"
#include "user/util/num.h"

#define PING_ID 0x1bc7

enum kind { TCP, UDP, PING, SCTP };

struct talk {
	enum kind kind;
	struct peer target, source;
	uint64_t size, ttl, timeout_ms;
	bool options, unconnected, reset;
	int fd;
};

static char data[65536];

static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static bool is_stream(const struct talk *talk)
{
	return talk->kind == TCP || talk->kind == SCTP;
}

static bool is_v4(const struct talk *talk)
{
	return talk->target.sa.sa_family == AF_INET;
}

/* --------------------------------------------------------------- socket -- */

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		die("setsockopt");
}

/* Three no-ops and an end; padding for every hop, and for the destination. */
static void set_options(const struct talk *talk)
{
	static const uint8_t v4[] = { 1, 1, 1, 0 }, v6[] = { 0, 0, 1, 4, 0, 0, 0, 0 };

	if (is_v4(talk) ? setsockopt(talk->fd, IPPROTO_IP, IP_OPTIONS, v4, sizeof(v4))
			: setsockopt(talk->fd, IPPROTO_IPV6, IPV6_HOPOPTS, v6, sizeof(v6)) ||
				  setsockopt(talk->fd, IPPROTO_IPV6, IPV6_DSTOPTS, v6, sizeof(v6)))
		die("options");
}

static void talk_open(struct talk *talk)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM };
	int family = talk->target.sa.sa_family, level = is_v4(talk) ? IPPROTO_IP : IPPROTO_IPV6;
	int proto = talk->kind == PING	 ? (is_v4(talk) ? IPPROTO_ICMP : IPPROTO_ICMPV6)
		    : talk->kind == SCTP ? IPPROTO_SCTP
					 : 0;
	struct linger linger = { .l_onoff = 1 };

	talk->fd = socket(family, types[talk->kind] | SOCK_CLOEXEC, proto);
	if (talk->fd < 0)
		die("socket");
	set(talk->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!is_stream(talk))
		set(talk->fd, level, is_v4(talk) ? IP_RECVERR : IPV6_RECVERR, 1);
	if (talk->ttl)
		set(talk->fd, level, is_v4(talk) ? IP_TTL : IPV6_UNICAST_HOPS, (int)talk->ttl);
	if (talk->options)
		set_options(talk);
	if (talk->reset && setsockopt(talk->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		die("SO_LINGER");
	if (talk->source.size && bind(talk->fd, &talk->source.sa, talk->source.size))
		die("bind");
	if (!talk->unconnected && connect(talk->fd, &talk->target.sa, talk->target.size))
		die("connect");
}

/* ---------------------------------------------------------- one exchange -- */

/* What the error queue knows of the last error: the ICMP message and who sent it. */
static void print_error(const struct talk *talk, int error)
{
	char control[512], text[ADDR_TEXT];
	struct msghdr message = { .msg_control = control, .msg_controllen = sizeof(control) };
	const struct sock_extended_err *cause = NULL;
	struct lb_addr from;

	printf("%s", strerror(error));
	if (!is_stream(talk) && recvmsg(talk->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
			if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
			    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
				cause = (const void *)CMSG_DATA(c);
	}
	if (cause && cause->ee_origin != SO_EE_ORIGIN_LOCAL) {
		from = peer_addr(SO_EE_OFFENDER(cause));
		printf(": ICMP %u/%u from %s", cause->ee_type, cause->ee_code,
		       addr_format(&from, text));
	}
	putchar('\n');
}

static bool fail(const struct talk *talk)
{
	print_error(talk, errno);
	return false;
}

/* Waits for something to read; an error shows in the read. */
static bool await(const struct talk *talk)
{
	struct pollfd wait = { .fd = talk->fd, .events = POLLIN };

	if (poll(&wait, 1, (int)talk->timeout_ms) > 0)
		return true;
	puts("no answer");
	return false;
}

/* What follows the line does not matter; ICMP over IPv4 wants its own checksum. */
static size_t fill(const struct talk *talk, const char *line)
{
	size_t used = strlen(line);
	uint32_t sum = 0;

	memset(data, '.', sizeof(data));
	memcpy(data, line, used);
	if (talk->kind == PING) {
		const uint8_t header[] = { is_v4(talk) ? 8 : 128, 0, 0, 0, PING_ID >> 8,
					   PING_ID & 0xff,	  0, 1 };
		uint16_t words[4];

		memcpy(words, header, sizeof(words));
		for (int i = 0; i < 4; i++)
			sum += words[i];
		words[1] = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
		memcpy(data, words, sizeof(words));
		return sizeof(words);
	}
	return talk->size > used ? talk->size : used;
}

static bool is_reply(const struct talk *talk, ssize_t n)
{
	const uint8_t *icmp = (uint8_t *)data + (is_v4(talk) ? (data[0] & 0xf) * 4 : 0);

	return icmp + 8 <= (uint8_t *)data + n && icmp[0] == (is_v4(talk) ? 0 : 129) &&
	       icmp[4] == PING_ID >> 8 && icmp[5] == (PING_ID & 0xff);
}

static bool print_answer(const struct talk *talk, ssize_t n)
{
	data[n] = '\0';
	if (n == 0) {
		puts("closed");
		return false;
	}
	if (talk->kind == UDP && talk->size && (uint64_t)n != talk->size) {
		printf("an answer of %zd bytes\n", n);
		return false;
	}
	data[strcspn(data, "\n")] = '\0';
	puts(talk->kind == PING ? "alive" : data);
	return true;
}

static bool talk_ask(const struct talk *talk, const char *line)
{
	const struct sockaddr *to = talk->unconnected ? &talk->target.sa : NULL;
	size_t size = fill(talk, line);
	ssize_t n;

	if (sendto(talk->fd, data, size, MSG_NOSIGNAL, to, to ? talk->target.size : 0) < 0)
		return fail(talk);
	do {
		if (!await(talk))
			return false;
		n = recv(talk->fd, data, sizeof(data) - 1, 0);
		if (n < 0)
			return fail(talk);
	} while (talk->kind == PING && !is_reply(talk, n));
	return print_answer(talk, n);
}

/* ------------------------------------------------------------ arguments -- */

static int usage(void)
{
	fputs("usage: talk tcp|udp|sctp ADDRESS PORT [--from PORT] [--size BYTES] [--ttl N] "
	      "[--options]\n"
	      "            [--timeout MS] [--unconnected] [--reset]\n"
	      "       talk ping ADDRESS [--ttl N] [--timeout MS]\n",
	      stderr);
	return 2;
}

/* --reset: closing sends a reset. --options: with IPv4 options or IPv6 extension headers. */
static int parse_options(int argc, char **argv, struct talk *talk, uint64_t *from)
{
	static const struct option options[] = {
		{ "from", 1, NULL, 'f' },	 { "size", 1, NULL, 's' },
		{ "ttl", 1, NULL, 't' },	 { "timeout", 1, NULL, 'w' },
		{ "options", 0, NULL, 'o' },	 { "reset", 0, NULL, 'r' },
		{ "unconnected", 0, NULL, 'u' }, { 0 }
	};
	uint64_t *const numbers[] = {
		['f'] = from, ['s'] = &talk->size, ['t'] = &talk->ttl, ['w'] = &talk->timeout_ms
	};
	bool *const flags[] = {
		['o'] = &talk->options, ['r'] = &talk->reset, ['u'] = &talk->unconnected
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == '?')
			return -EINVAL;
		if (!optarg)
			*flags[letter] = true;
		else if (num_parse(optarg, 1, 65000, numbers[letter]))
			return -EINVAL;
	}
	return 0;
}

static int parse(int argc, char **argv, struct talk *talk)
{
	static const char *const kinds[] = { "tcp", "udp", "ping", "sctp" };
	const struct lb_addr any4 = addr_from_v4(0), any6 = { 0 };
	uint64_t port = 0, from = 0;
	int kind = 0;

	*talk = (struct talk){ .timeout_ms = 2000 };
	if (parse_options(argc, argv, talk, &from) || argc - optind < 2)
		return -EINVAL;
	while (kind <= SCTP && strcmp(argv[optind], kinds[kind]) != 0)
		kind++;
	if (kind > SCTP || argc - optind != (kind == PING ? 2 : 3))
		return -EINVAL;
	talk->kind = (enum kind)kind;
	if (kind != PING && num_parse(argv[optind + 2], 1, 65535, &port))
		return -EINVAL;
	if (peer_parse(argv[optind + 1], (uint16_t)port, &talk->target))
		return -EINVAL;
	if (from)
		talk->source = peer_of(is_v4(talk) ? &any4 : &any6, (uint16_t)from);
	return 0;
}

int main(int argc, char **argv)
{
	char line[256];
	bool answered = false;
	struct talk talk;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse(argc, argv, &talk))
		return usage();
	talk_open(&talk);
	while (fgets(line, sizeof(line), stdin)) {
		answered = talk_ask(&talk, line);
		if (!answered && is_stream(&talk))
			break;
	}
	close(talk.fd);
	return answered ? 0 : 1;
}
