/* SPDX-License-Identifier: GPL-2.0-only */
/* Which service a destination belongs to, and which of its rules hold for a source. */
#ifndef LB_FRONTEND_BPF_H
#define LB_FRONTEND_BPF_H

#include "config.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

static __always_inline struct lb_frontend *frontend_find(const struct lb_addr *addr, __be16 port,
							 __u8 proto)
{
	struct lb_frontend_key key = { .addr = *addr, .port = port, .proto = proto };

	return bpf_map_lookup_elem(&lb_frontend, &key);
}

static __always_inline bool prefix_contains(const volatile struct lb_prefix *prefix,
					    const struct lb_addr *addr)
{
	return (addr->word[0] & prefix->mask.word[0]) == prefix->addr.word[0] &&
	       (addr->word[1] & prefix->mask.word[1]) == prefix->addr.word[1] &&
	       (addr->word[2] & prefix->mask.word[2]) == prefix->addr.word[2] &&
	       (addr->word[3] & prefix->mask.word[3]) == prefix->addr.word[3];
}

/* Whether an address lies in one of the podCIDRs. */
static __always_inline bool frontend_source_is_pod(const struct lb_addr *addr)
{
	for (__u32 i = 0; i < LB_POD_CIDRS; i++) {
		if (i >= lb_config.pod_cidrs)
			break;
		if (prefix_contains(&lb_config.pod_cidr[i], addr))
			return true;
	}
	return false;
}

/* service.spec.loadBalancerSourceRanges */
static __always_inline bool frontend_source_allowed(const struct lb_frontend *frontend,
						    const struct lb_addr *source)
{
	struct lb_source_range_key key = {
		.prefixlen = 8 * (sizeof(key.service) + sizeof(key.addr)),
		.service = frontend->service,
		.addr = *source,
	};

	return !(frontend->flags & LB_FRONTEND_SOURCE_RANGES) ||
	       bpf_map_lookup_elem(&lb_source_range, &key);
}

/*
 * The range of endpoints that a client may be given. Policy Local of an external address
 * limits clients outside only; that of a cluster IP limits everybody
 * (service.spec.externalTrafficPolicy, internalTrafficPolicy).
 */
static __always_inline const struct lb_range *frontend_range(const struct lb_frontend *frontend,
							     bool outside)
{
	if (!(frontend->flags & LB_FRONTEND_LOCAL))
		return &frontend->cluster;
	if ((frontend->flags & LB_FRONTEND_EXTERNAL) && !outside)
		return &frontend->cluster;
	return &frontend->local;
}

#endif
