/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/util/num.h"

#define V4_MAPPED_BITS 96

struct lb_addr addr_from_v4(__be32 v4)
{
	return (struct lb_addr){ .word = { 0, 0, htonl(0xffff), v4 } };
}

struct lb_addr addr_from_v6(const struct in6_addr *v6)
{
	struct lb_addr addr;

	memcpy(&addr, v6, sizeof(addr));
	return addr;
}

int addr_parse(const char *text, struct lb_addr *ret_addr)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		*ret_addr = addr_from_v4(v4.s_addr);
	else if (inet_pton(AF_INET6, text, &v6) == 1)
		*ret_addr = addr_from_v6(&v6);
	else
		return -EINVAL;
	return 0;
}

bool addr_is_v4(const struct lb_addr *addr)
{
	return !addr->word[0] && !addr->word[1] && addr->word[2] == htonl(0xffff);
}

bool addr_is_zero(const struct lb_addr *addr)
{
	return !(addr->word[0] | addr->word[1] | addr->word[2] | addr->word[3]);
}

int addr_compare(const struct lb_addr *a, const struct lb_addr *b)
{
	return memcmp(a, b, sizeof(*a));
}

const char *addr_format(const struct lb_addr *addr, char *text)
{
	if (addr_is_v4(addr))
		return inet_ntop(AF_INET, &addr->word[3], text, ADDR_TEXT);
	return inet_ntop(AF_INET6, addr, text, ADDR_TEXT);
}

const char *addr_port_format(const struct lb_addr *addr, __be16 port, char *text)
{
	char ip[ADDR_TEXT];
	bool v4 = addr_is_v4(addr);

	snprintf(text, ADDR_PORT_TEXT, v4 ? "%s:%u" : "[%s]:%u", addr_format(addr, ip),
		 ntohs(port));
	return text;
}

int addr_port_parse(const char *text, struct lb_addr *ret_addr, __be16 *ret_port)
{
	const char *colon = strrchr(text, ':');
	char ip[ADDR_TEXT + 2];
	struct lb_addr addr;
	uint64_t port;
	size_t length;

	if (!colon || num_parse(colon + 1, 1, 65535, &port))
		return -EINVAL;
	length = (size_t)(colon - text);
	if (length >= sizeof(ip))
		return -EINVAL;
	memcpy(ip, text, length);
	ip[length] = '\0';
	if (ip[0] == '[' && ip[length - 1] == ']') {
		ip[length - 1] = '\0';
		if (addr_parse(ip + 1, &addr) || addr_is_v4(&addr))
			return -EINVAL;
	} else if (addr_parse(ip, &addr) || !addr_is_v4(&addr)) {
		return -EINVAL; /* a bare IPv6 address and port would be ambiguous */
	}
	*ret_addr = addr;
	*ret_port = htons((uint16_t)port);
	return 0;
}

static struct lb_addr mask_of(unsigned int bits)
{
	struct lb_addr mask = { 0 };

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int here = bits > 32 * i ? bits - 32 * i : 0;

		mask.word[i] = here >= 32 ? 0xffffffff : htonl(here ? ~0u << (32 - here) : 0);
	}
	return mask;
}

static unsigned int mapped_bits(const struct prefix *prefix)
{
	return prefix->bits + (prefix->v4 ? V4_MAPPED_BITS : 0);
}

int prefix_parse(const char *text, struct prefix *ret_prefix)
{
	const char *slash = strchr(text, '/');
	struct prefix prefix = { 0 };
	struct lb_addr mask;
	char ip[ADDR_TEXT];
	uint64_t bits;

	if (!slash || (size_t)(slash - text) >= sizeof(ip))
		return -EINVAL;
	memcpy(ip, text, (size_t)(slash - text));
	ip[slash - text] = '\0';
	if (addr_parse(ip, &prefix.addr))
		return -EINVAL;
	prefix.v4 = addr_is_v4(&prefix.addr) && strchr(ip, '.') && !strchr(ip, ':');
	if (num_parse(slash + 1, 0, prefix.v4 ? 32 : 128, &bits))
		return -EINVAL;
	prefix.bits = (uint8_t)bits;
	mask = mask_of(mapped_bits(&prefix));
	for (int i = 0; i < 4; i++)
		prefix.addr.word[i] &= mask.word[i];
	*ret_prefix = prefix;
	return 0;
}

const char *prefix_format(const struct prefix *prefix, char *text)
{
	char ip[ADDR_TEXT];

	snprintf(text, PREFIX_TEXT, "%s/%u", addr_format(&prefix->addr, ip), prefix->bits);
	return text;
}

bool prefix_contains(const struct prefix *prefix, const struct lb_addr *addr)
{
	struct lb_addr mask = mask_of(mapped_bits(prefix));

	/* The mapped form of an IPv4 address lies in ::/0, the address does not. */
	if (prefix->v4 != addr_is_v4(addr))
		return false;
	for (int i = 0; i < 4; i++)
		if ((addr->word[i] & mask.word[i]) != prefix->addr.word[i])
			return false;
	return true;
}

struct lb_addr prefix_nth(const struct prefix *prefix, uint64_t n)
{
	struct lb_addr addr = prefix->addr;
	uint64_t low = (uint64_t)ntohl(addr.word[2]) << 32 | ntohl(addr.word[3]);

	low += n;
	addr.word[3] = htonl((uint32_t)low);
	if (!prefix->v4)
		addr.word[2] = htonl((uint32_t)(low >> 32));
	return addr;
}

uint64_t prefix_size(const struct prefix *prefix)
{
	unsigned int host_bits = (prefix->v4 ? 32u : 128u) - prefix->bits;

	return 1ull << (host_bits > 63 ? 63 : host_bits);
}

struct lb_prefix prefix_to_lb(const struct prefix *prefix)
{
	return (struct lb_prefix){ .addr = prefix->addr, .mask = mask_of(mapped_bits(prefix)) };
}
