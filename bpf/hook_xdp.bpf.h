/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet's surroundings at XDP, in the words that the shared code uses; hook_tc.bpf.h
 * has the same words for TC. Exactly one of them is included, before everything else.
 */
#ifndef LB_HOOK_BPF_H
#define LB_HOOK_BPF_H

#include "context.bpf.h"
#include "rewrite.bpf.h"
#include "verdict.bpf.h"

#define hook_ctx xdp_md
#define HOOK_XDP true

static __always_inline void *hook_data(struct xdp_md *ctx)
{
	return context_field(void *, ctx, data);
}

static __always_inline void *hook_end(struct xdp_md *ctx)
{
	return context_field(void *, ctx, data_end);
}

static __always_inline __u32 hook_ifindex(struct xdp_md *ctx)
{
	return (__u32)context_field(__u64, ctx, ingress_ifindex);
}

/* XDP sees the whole of a frame's first buffer; headers lie in it. */
static __always_inline void hook_pull(struct xdp_md *ctx, __u32 bytes)
{
	(void)ctx;
	(void)bytes;
}

/* A tag that the NIC took off is out of sight here. */
static __always_inline bool hook_tagged(struct xdp_md *ctx)
{
	(void)ctx;
	return false;
}

static __always_inline __u32 hook_length(struct xdp_md *ctx)
{
	return (__u32)bpf_xdp_get_buff_len(ctx);
}

/* Makes the frame exactly `bytes` long. */
static __always_inline bool hook_resize(struct xdp_md *ctx, __u32 bytes)
{
	return !bpf_xdp_adjust_tail(ctx, (int)(bytes - bpf_xdp_get_buff_len(ctx)));
}

/* Room for `bytes` in front of the network header; where the link header lies is undefined. */
static __always_inline bool hook_grow(struct xdp_md *ctx, __u32 bytes)
{
	return !bpf_xdp_adjust_head(ctx, -(int)bytes);
}

/* Copies out of the frame, and into it; 0 when all was there. */
static __always_inline long hook_load(struct xdp_md *ctx, __u32 offset, void *to, __u32 size)
{
	return bpf_xdp_load_bytes(ctx, offset, to, size);
}

static __always_inline long hook_store(struct xdp_md *ctx, __u32 offset, void *from, __u32 size)
{
	return bpf_xdp_store_bytes(ctx, offset, from, size);
}

/* A datagram whose payload and length changed. */
static __always_inline void hook_checksum_udp(struct xdp_md *ctx, __u32 l4, __u32 delta, __be16 old,
					      __be16 new)
{
	void *data = hook_data(ctx);
	__u16 *check = data + l4 + UDP_CHECK;
	__u32 sum = csum_fold(delta);

	if ((void *)(check + 1) > hook_end(ctx))
		return;
	/* The length counts twice: in the header and in the pseudo header. */
	sum = csum_replace16(csum_replace16(sum, old, new), old, new);
	*check = csum_update_udp(*check, sum);
}

/* Rewrites the transport header at l4. At XDP checksums are always finished. */
static __always_inline void hook_rewrite_l4(struct xdp_md *ctx, void *l4, void *end, __u32 offset,
					    const struct rewrite *rw, __u8 proto)
{
	(void)ctx;
	(void)offset;
	rewrite_ports(l4, rw);
	rewrite_l4_checksum(l4, end, rw, proto);
}

/* How often the packet went round already: never, at XDP. */
static __always_inline __u32 hook_rounds(struct xdp_md *ctx)
{
	(void)ctx;
	return 0;
}

static __always_inline void hook_rounds_set(struct xdp_md *ctx, __u32 rounds)
{
	(void)ctx;
	(void)rounds;
}

/* TC sees the mark if the driver has room for metadata; if not the packet is lost. */
static __always_inline int hook_handoff(struct xdp_md *ctx)
{
	__u32 *mark;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*mark)))
		return XDP_DROP;
	mark = context_field(void *, ctx, data_meta);
	if ((void *)(mark + 1) > hook_data(ctx))
		return XDP_DROP;
	*mark = LB_HANDOFF_MAGIC;
	return XDP_PASS;
}

static __always_inline int hook_finish(struct xdp_md *ctx, enum verdict verdict, __u32 ifindex)
{
	switch (verdict) {
	case VERDICT_PASS:
	case VERDICT_STACK:
		return XDP_PASS;
	case VERDICT_TRANSMIT:
		return ifindex == hook_ifindex(ctx) ? XDP_TX : (int)bpf_redirect(ifindex, 0);
	case VERDICT_REPLY:
		return XDP_TX;
	case VERDICT_HANDOFF:
	case VERDICT_AGAIN: /* TC has the backlog */
		return hook_handoff(ctx);
	case VERDICT_RESOLVE: /* TC's alone */
	case VERDICT_DROP:
		break;
	}
	return XDP_DROP;
}

#endif
