/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses and prefixes of both families, in the form the maps use. */
#ifndef UTIL_ADDR_H
#define UTIL_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "lb/types.h"

#define ADDR_TEXT 46	  /* INET6_ADDRSTRLEN */
#define ADDR_PORT_TEXT 56 /* "[address]:65535" */
#define PREFIX_TEXT 50

/* Plain notation of inet_pton; IPv4 octets with leading zeros are refused. 0 or -EINVAL. */
int addr_parse(const char *text, struct lb_addr *ret_addr);

/* "10.0.0.1", "fd00::1". text holds ADDR_TEXT bytes; returns text. */
const char *addr_format(const struct lb_addr *addr, char *text);

/* "10.0.0.1:80", "[fd00::1]:80". port in network order; text holds ADDR_PORT_TEXT bytes. */
const char *addr_port_format(const struct lb_addr *addr, __be16 port, char *text);

/* Parses what addr_port_format prints. */
int addr_port_parse(const char *text, struct lb_addr *ret_addr, __be16 *ret_port);

bool addr_is_v4(const struct lb_addr *addr);
bool addr_is_zero(const struct lb_addr *addr);

/* Numeric order of the bytes: IPv4 (mapped) sorts by value. As qsort wants it. */
int addr_compare(const struct lb_addr *a, const struct lb_addr *b);

struct lb_addr addr_from_v4(__be32 v4);
struct lb_addr addr_from_v6(const struct in6_addr *v6);

/* A network. bits counts from the start of the family's own address (IPv4: 0…32). */
struct prefix {
	struct lb_addr addr; /* host bits cleared */
	uint8_t bits;
	bool v4;
};

/* "10.96.0.0/12"; host bits may be set and are cleared. 0 or -EINVAL. */
int prefix_parse(const char *text, struct prefix *ret_prefix);
const char *prefix_format(const struct prefix *prefix, char *text); /* PREFIX_TEXT bytes */
bool prefix_contains(const struct prefix *prefix, const struct lb_addr *addr);

/* Address + n within the prefix's family; the caller keeps n inside the prefix. */
struct lb_addr prefix_nth(const struct prefix *prefix, uint64_t n);

/* Number of addresses, at most 2^63. */
uint64_t prefix_size(const struct prefix *prefix);

/* The form of the maps: mapped address and mask. */
struct lb_prefix prefix_to_lb(const struct prefix *prefix);

#endif
