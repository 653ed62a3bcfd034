/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process is given for a destination: the socket hooks' choice, without the socket. */
#ifndef LB_SOCKET_BPF_H
#define LB_SOCKET_BPF_H

#include "select.bpf.h"

enum socket_choice {
	SOCKET_PASS,   /* the packets will be looked at */
	SOCKET_CHOOSE, /* a backend may be chosen */
	SOCKET_REFUSE,
};

/* Who is bound by affinity: no address is known yet, but the network namespace is. */
static __always_inline void socket_client(__u64 netns, struct lb_addr *ret)
{
	ret->word[0] = ret->word[1] = 0xffffffff; /* no client's address */
	ret->word[2] = netns >> 32;
	ret->word[3] = (__u32)netns;
}

/* Whether TC looks at the packets of this network namespace: it is a pod's. */
static __always_inline bool socket_seen_by_tc(__u64 netns)
{
	return lb_config.pods && netns != lb_config.netns;
}

/*
 * A socket has no source to replace: where a remote backend must not see a pod's address, TC does
 * the work. The node's own packets have the node's address by themselves.
 */
static __always_inline bool socket_masquerades(const struct lb_frontend *frontend)
{
	return lb_config.masquerade_all ||
	       (frontend->flags & (LB_FRONTEND_EXTERNAL | LB_FRONTEND_LOCAL)) ==
		       LB_FRONTEND_EXTERNAL;
}

/*
 * A source range needs a source, which a pod's packet has: TC looks at it. The node's own
 * packets meet no hook of ours, so the ranges are held against the node as a whole.
 */
static __always_inline enum socket_choice socket_admit(const struct lb_frontend *frontend,
						       __u64 netns, enum lb_reason *reason)
{
	if (socket_seen_by_tc(netns) && socket_masquerades(frontend))
		return SOCKET_PASS;
	if (!(frontend->flags & LB_FRONTEND_SOURCE_RANGES))
		return SOCKET_CHOOSE;
	if (netns != lb_config.netns)
		return SOCKET_PASS;
	if (frontend->flags & LB_FRONTEND_NODE_ALLOWED)
		return SOCKET_CHOOSE;
	*reason = LB_REASON_SOURCE_RANGE;
	return SOCKET_REFUSE;
}

/* False: no endpoint, *reason says which are missing. */
static __always_inline bool socket_select(const struct lb_frontend *frontend, __u64 netns,
					  __u32 hash, struct selection *ret, enum lb_reason *reason)
{
	const struct lb_range *range = frontend_range(frontend, false);
	struct lb_addr client;

	socket_client(netns, &client);
	if (select_backend(frontend, range, &client, hash, ret))
		return true;
	*reason = frontend->cluster.len ? LB_REASON_NO_LOCAL_BACKEND : LB_REASON_NO_BACKEND;
	return false;
}

#endif
