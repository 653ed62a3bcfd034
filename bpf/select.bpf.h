/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which backend a new flow gets: the one its client is bound to (ClientIP affinity), else
 * the one that the Maglev table names for its hash. The hash has no secret and no local
 * ingredient, so that all nodes choose alike for a client.
 */
#ifndef LB_SELECT_BPF_H
#define LB_SELECT_BPF_H

#include "config.bpf.h"
#include "explain.bpf.h"
#include "flow_entry.bpf.h"
#include "frontend.bpf.h"

#include "lb/event.h"

#define SELECT_SEED 0x6c62637466726f6dull

struct selection {
	struct lb_addr addr;
	__u32 backend;
	__u32 generation;
	__be16 port;
	__u8 flags;    /* enum lb_backend_flag */
	__u8 affinity; /* enum lb_affinity_fate */
};

/* A client's port counts only where there is no affinity: else another node chose otherwise. */
static __always_inline __u32 select_hash(const struct lb_addr *client, __be16 port, __u8 proto,
					 bool affinity)
{
	__u64 hash = flow_mix(SELECT_SEED, (__u64)client->word[1] << 32 | client->word[0]);

	hash = flow_mix(hash, (__u64)client->word[3] << 32 | client->word[2]);
	/* One round more in any case: the last word only reaches the upper half, and folds away. */
	hash = flow_mix(hash, affinity ? 0 : (__u64)proto << 16 | port);
	return hash >> 32 ^ hash;
}

static __always_inline bool select_fill(__u32 id, __u32 service, struct selection *ret)
{
	const struct lb_backend *backend = bpf_map_lookup_elem(&lb_backend, &id);

	/* A slot may be re-used between two plans; the service tells. */
	if (!backend || backend->service != service ||
	    backend->flags & (LB_BACKEND_DRAINING | LB_BACKEND_GONE))
		return false;
	ret->addr = backend->addr;
	ret->backend = id;
	ret->generation = backend->generation;
	ret->port = backend->port;
	ret->flags = backend->flags;
	ret->affinity = LB_AFFINITY_NONE;
	return true;
}

static __always_inline bool select_slot(const struct lb_range *range, __u32 hash, __u32 service,
					struct selection *ret)
{
	__u32 len = range->len; /* read once: the range may be replaced meanwhile */
	const struct lb_maglev_line *line;
	__u32 slot, index;

	if (!len)
		return false;
	slot = range->base + hash % len;
	index = slot / LB_MAGLEV_LINE;
	line = bpf_map_lookup_elem(&lb_maglev, &index);
	return line && select_fill(line->slot[slot % LB_MAGLEV_LINE], service, ret);
}

/*
 * What the client is bound to, if that holds. Never a terminating backend, nor one outside the
 * scope (service.spec.sessionAffinity).
 */
static __always_inline enum lb_affinity_fate select_bound(const struct lb_affinity_key *key,
							  const struct lb_affinity *bound,
							  __u32 timeout, bool local,
							  struct selection *ret)
{
	if (!bound)
		return LB_AFFINITY_NEW;
	if ((__u32)bpf_jiffies64() - bound->last_used > timeout * lb_config.hz)
		return LB_AFFINITY_EXPIRED;
	if (!select_fill(bound->backend, key->service, ret) ||
	    ret->flags & LB_BACKEND_TERMINATING ||
	    (local ? !(ret->flags & LB_BACKEND_LOCAL) : ret->flags & LB_BACKEND_NODE_ONLY))
		return LB_AFFINITY_MOVED;
	return LB_AFFINITY_KEPT;
}

/* A binding that holds is refreshed in its place, which saves a fifth of a new flow. */
static __always_inline void select_bind(const struct lb_affinity_key *key,
					struct lb_affinity *bound, enum lb_affinity_fate affinity,
					const struct selection *chosen)
{
	struct lb_affinity binding = {
		.backend = chosen->backend,
		.generation = chosen->generation,
		.last_used = (__u32)bpf_jiffies64(),
	};

	if (bound && affinity == LB_AFFINITY_KEPT) {
		bound->generation = binding.generation;
		bound->last_used = binding.last_used;
	} else {
		bpf_map_update_elem(&lb_affinity, key, &binding, BPF_ANY);
	}
}

/*
 * Chooses for a client. hash: select_hash, or any number where no port is known yet (socket
 * hooks). False: the range is empty, or changes at this very moment.
 */
static __always_inline bool select_backend(const struct lb_frontend *frontend,
					   const struct lb_range *range,
					   const struct lb_addr *client, __u32 hash,
					   struct selection *ret)
{
	struct lb_affinity_key key = { .client = *client, .service = frontend->service };
	bool local = range == &frontend->local;
	enum lb_affinity_fate affinity = LB_AFFINITY_NONE;
	__u32 timeout = frontend->affinity;
	struct lb_affinity *bound = NULL;

	if (lb_config.dry_run)
		explain_range(range, local, hash);
	if (!range->len)
		return false;
	if (lb_config.dry_run && explain_wanted())
		return select_fill(explain_wanted(), frontend->service, ret);
	if (timeout) {
		bound = bpf_map_lookup_elem(&lb_affinity, &key);
		affinity = select_bound(&key, bound, timeout, local, ret);
	}
	if (affinity == LB_AFFINITY_KEPT) {
		if (lb_config.dry_run)
			explain_bound();
	} else {
		if (!select_slot(range, hash, frontend->service, ret) &&
		    !select_slot(range, flow_mix(hash, hash), frontend->service, ret))
			return false;
	}
	ret->affinity = affinity;
	if (timeout && !lb_config.dry_run)
		select_bind(&key, bound, affinity, ret);
	return true;
}

/*
 * Whether the client's address must give way to the node's. Kept wherever the answer finds
 * its way back: by a local backend, and by the pod network.
 */
static __always_inline bool select_masquerades(const struct lb_frontend *frontend,
					       const struct lb_addr *client,
					       const struct selection *chosen, bool pod)
{
	if (lb_config.masquerade_all || addr_equal(client, &chosen->addr))
		return true;
	if (!(frontend->flags & LB_FRONTEND_EXTERNAL))
		return !pod && lb_config.pod_cidrs;
	if (frontend->flags & LB_FRONTEND_LOCAL && pod)
		return false;
	return !(chosen->flags & LB_BACKEND_LOCAL);
}

#endif
