/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is to become of a packet. Library functions return a verdict and never an
 * XDP_* or TC_ACT_*; the hook's finish() turns one into the other and counts it.
 */
#ifndef LB_VERDICT_BPF_H
#define LB_VERDICT_BPF_H

#include "config.bpf.h"
#include "maps.bpf.h"

enum verdict {
	VERDICT_PASS,	  /* not ours, untouched */
	VERDICT_STACK,	  /* rewritten; the host routes it */
	VERDICT_TRANSMIT, /* rewritten, link addresses set: out of pkt->ifindex */
	VERDICT_RESOLVE,  /* rewritten; the kernel finds the neighbour on pkt->ifindex */
	VERDICT_HANDOFF,  /* untouched: TC behind this hook does the work */
	VERDICT_AGAIN,	  /* untouched: once more, behind what has arrived meanwhile */
	VERDICT_REPLY,	  /* turned into an answer: back to where it came from */
	VERDICT_DROP,
};

static __always_inline void reason_count(enum lb_reason reason, __u32 bytes)
{
	__u32 key = reason;
	struct lb_reason_stats *stats = bpf_map_lookup_elem(&lb_reason_stats, &key);

	if (stats) {
		stats->packets++;
		stats->bytes += bytes;
	}
}

static __always_inline void service_count_drop(__u32 service)
{
	struct lb_stats *stats = bpf_map_lookup_elem(&lb_service_stats, &service);

	if (stats)
		stats->drops++;
}

static __always_inline struct lb_stats *backend_stats(__u32 backend)
{
	__u32 index = bpf_get_smp_processor_id() * lb_config.backends + backend;

	return bpf_map_lookup_elem(&lb_backend_stats, &index);
}

static __always_inline void backend_count(__u32 backend, __u32 bytes)
{
	struct lb_stats *stats = backend_stats(backend);

	if (stats) {
		stats->packets++;
		stats->bytes += bytes;
	}
}

static __always_inline void backend_count_connection(__u32 backend)
{
	struct lb_stats *stats = backend_stats(backend);

	if (stats)
		stats->connections++;
}

#endif
