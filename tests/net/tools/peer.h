/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the tools talk to: an address and a port, as the socket calls want them. */
#ifndef NET_TOOLS_PEER_H
#define NET_TOOLS_PEER_H

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "user/util/addr.h"

struct peer {
	union {
		struct sockaddr sa;
		struct sockaddr_in sin;
		struct sockaddr_in6 sin6;
	};
	socklen_t size;
};

static inline struct peer peer_of(const struct lb_addr *addr, uint16_t port)
{
	struct peer peer = { .size = sizeof(peer.sin) };

	if (addr_is_v4(addr)) {
		peer.sin = (struct sockaddr_in){ .sin_family = AF_INET,
						 .sin_port = htons(port),
						 .sin_addr.s_addr = addr->word[3] };
		return peer;
	}
	peer.size = sizeof(peer.sin6);
	peer.sin6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
	memcpy(&peer.sin6.sin6_addr, addr, sizeof(peer.sin6.sin6_addr));
	return peer;
}

static inline int peer_parse(const char *text, uint16_t port, struct peer *ret)
{
	struct lb_addr addr;

	if (addr_parse(text, &addr))
		return -EINVAL;
	*ret = peer_of(&addr, port);
	return 0;
}

static inline struct lb_addr peer_addr(const struct sockaddr *sa)
{
	return sa->sa_family == AF_INET
		       ? addr_from_v4(((const struct sockaddr_in *)sa)->sin_addr.s_addr)
		       : addr_from_v6(&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

#endif
