/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a packet leaves, and which address a device masquerades with. */
#ifndef LB_NEXTHOP_BPF_H
#define LB_NEXTHOP_BPF_H

#include "packet.bpf.h"
#include "verdict.bpf.h"

/* Outcome of a route lookup. */
enum nexthop_result {
	NEXTHOP_FOUND,
	NEXTHOP_NO_MAC, /* the device is known, the neighbour not yet */
	NEXTHOP_HOST,	/* the destination is this host */
	NEXTHOP_NONE,	/* no route, or forwarding is off */
};

static __always_inline int nexthop_find(struct hook_ctx *ctx, const struct lb_addr *from,
					const struct lb_addr *to, __u8 proto,
					struct lb_nexthop *ret, const bool v4)
{
	struct bpf_fib_lookup fib = {
		.family = v4 ? AF_INET : AF_INET6,
		.l4_protocol = proto,
		.ifindex = hook_ifindex(ctx),
	};
	long result;

	if (v4) {
		fib.ipv4_src = from->word[3];
		fib.ipv4_dst = to->word[3];
	} else {
		__builtin_memcpy(fib.ipv6_src, from, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, to, sizeof(fib.ipv6_dst));
	}
	result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	ret->ifindex = fib.ifindex;
	__builtin_memcpy(ret->dmac, fib.dmac, sizeof(ret->dmac));
	__builtin_memcpy(ret->smac, fib.smac, sizeof(ret->smac));
	switch (result) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return NEXTHOP_FOUND;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return NEXTHOP_NO_MAC;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return NEXTHOP_HOST;
	default:
		return NEXTHOP_NONE;
	}
}

/* Back to where the packet came from: no lookup, and right wherever paths are symmetric. */
static __always_inline void nexthop_sender(struct hook_ctx *ctx, struct lb_nexthop *ret)
{
	struct ethhdr *eth = hook_data(ctx);

	ret->ifindex = hook_ifindex(ctx);
	if ((void *)(eth + 1) > hook_end(ctx))
		return;
	__builtin_memcpy(ret->dmac, eth->h_source, sizeof(ret->dmac));
	__builtin_memcpy(ret->smac, eth->h_dest, sizeof(ret->smac));
}

static __always_inline const struct lb_device *nexthop_device(__u32 ifindex)
{
	return bpf_map_lookup_elem(&lb_device, &ifindex);
}

/* Whether XDP may send frames out of a device by itself that did not arrive on it. */
static __always_inline bool nexthop_by_xdp(const struct lb_device *device)
{
	return device && device->flags & LB_DEVICE_XDP;
}

#endif
