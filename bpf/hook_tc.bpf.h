/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet's surroundings at TC, in the words of hook_xdp.bpf.h. What differs: a packet
 * may still wait for its checksum, which only the kernel's helpers know how to treat, and
 * the kernel can be asked to find a neighbour.
 */
#ifndef LB_HOOK_BPF_H
#define LB_HOOK_BPF_H

#include "context.bpf.h"
#include "rewrite.bpf.h"
#include "verdict.bpf.h"

#define hook_ctx __sk_buff
#define HOOK_XDP false

#define HOOK_MARK 0x6c620000u /* of a packet that goes round, with the rounds in the lower half */
#define TC_ACT_UNSPEC (-1)    /* go on with the next program: tcx and clsact read it alike */
#define TC_ACT_SHOT 2

static __always_inline void *hook_data(struct __sk_buff *ctx)
{
	return context_field(void *, ctx, data);
}

static __always_inline void *hook_end(struct __sk_buff *ctx)
{
	return context_field(void *, ctx, data_end);
}

static __always_inline __u32 hook_ifindex(struct __sk_buff *ctx)
{
	return (__u32)context_field(__u64, ctx, ifindex);
}

/* Brings the first bytes into the linear part; pointers are to be read again. */
static __always_inline void hook_pull(struct __sk_buff *ctx, __u32 bytes)
{
	if (hook_data(ctx) + bytes > hook_end(ctx) && hook_data(ctx) + ctx->len > hook_end(ctx))
		bpf_skb_pull_data(ctx, ctx->len < bytes ? ctx->len : bytes);
}

static __always_inline bool hook_tagged(struct __sk_buff *ctx)
{
	return ctx->vlan_present;
}

/* How often the packet went through the device's backlog; its mark tells. */
static __always_inline __u32 hook_rounds(struct __sk_buff *ctx)
{
	__u32 mark = ctx->mark;

	return (mark & 0xffff0000) == HOOK_MARK ? mark & 0xffff : 0;
}

static __always_inline void hook_rounds_set(struct __sk_buff *ctx, __u32 rounds)
{
	ctx->mark = rounds ? HOOK_MARK | rounds : 0;
}

/* Whether XDP in front of this hook left the packet to TC, or TC itself sent it round. */
static __always_inline bool hook_handed_off(struct __sk_buff *ctx)
{
	__u32 *mark = context_field(void *, ctx, data_meta);

	return hook_rounds(ctx) ||
	       ((void *)(mark + 1) <= hook_data(ctx) && *mark == LB_HANDOFF_MAGIC);
}

static __always_inline __u32 hook_length(struct __sk_buff *ctx)
{
	return ctx->len;
}

/* Makes the frame exactly `bytes` long. */
static __always_inline bool hook_resize(struct __sk_buff *ctx, __u32 bytes)
{
	return !bpf_skb_change_tail(ctx, bytes, 0);
}

/* Room for `bytes` in front of the network header; where the link header lies is undefined. */
static __always_inline bool hook_grow(struct __sk_buff *ctx, __u32 bytes)
{
	return !bpf_skb_adjust_room(ctx, (int)bytes, BPF_ADJ_ROOM_MAC, 0);
}

/* Copies out of the frame, and into it; 0 when all was there. */
static __always_inline long hook_load(struct __sk_buff *ctx, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes(ctx, offset, to, size);
}

static __always_inline long hook_store(struct __sk_buff *ctx, __u32 offset, void *from, __u32 size)
{
	return bpf_skb_store_bytes(ctx, offset, from, size, 0);
}

/* A datagram whose payload and length changed. Of an unfinished checksum only the latter counts. */
static __always_inline void hook_checksum_udp(struct __sk_buff *ctx, __u32 l4, __u32 delta,
					      __be16 old, __be16 new)
{
	__u32 check = l4 + UDP_CHECK;

	bpf_l4_csum_replace(ctx, check, 0, delta, BPF_F_MARK_MANGLED_0);
	bpf_l4_csum_replace(ctx, check, old, new, sizeof(new) | BPF_F_MARK_MANGLED_0);
	bpf_l4_csum_replace(ctx, check, old, new,
			    sizeof(new) | BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0);
}

/*
 * Ports by hand, the checksum by the helper, which tells finished from unfinished ones; for
 * the latter ports do not count. A changed port and its mark in the checksum cancel out in
 * skb->csum, addresses in IPv4 cancel out with the header's own checksum. Packet pointers are
 * void afterwards.
 */
static __always_inline void hook_rewrite_l4(struct __sk_buff *ctx, void *l4, void *end,
					    __u32 offset, const struct rewrite *rw, __u8 proto)
{
	__u32 check = offset + (proto == IPPROTO_TCP ? TCP_CHECK : UDP_CHECK);
	__u64 mangled = proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;

	(void)end;
	rewrite_ports(l4, rw);
	if (proto == IPPROTO_UDP && !*(__u16 *)(l4 + UDP_CHECK))
		return;
	bpf_l4_csum_replace(ctx, check, 0, rw->addr_delta, BPF_F_PSEUDO_HDR | mangled);
	bpf_l4_csum_replace(ctx, check, 0, rw->port_delta, mangled);
}

static __always_inline int hook_finish(struct __sk_buff *ctx, enum verdict verdict, __u32 ifindex)
{
	switch (verdict) {
	case VERDICT_PASS:
	case VERDICT_STACK:
	case VERDICT_HANDOFF:
		return TC_ACT_UNSPEC;
	case VERDICT_TRANSMIT:
		return bpf_redirect(ifindex, 0);
	case VERDICT_AGAIN:
		return bpf_redirect(hook_ifindex(ctx), BPF_F_INGRESS);
	case VERDICT_REPLY:
		return bpf_redirect(hook_ifindex(ctx), 0);
	case VERDICT_RESOLVE:
		return bpf_redirect_neigh(ifindex, NULL, 0, 0);
	case VERDICT_DROP:
		break;
	}
	return TC_ACT_SHOT;
}

#endif
