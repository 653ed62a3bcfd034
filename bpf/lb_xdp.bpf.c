/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The NIC's way in. lb_xdp is what every packet passes: it answers established flows and
 * leaves the rest to lb_xdp_slow4 and lb_xdp_slow6. What XDP cannot send by itself (to a
 * veth, or to a neighbour that the kernel has yet to find) goes on to lb_tc_handoff.
 *
 * A jumbo frame comes in several buffers; all that is read and written lies in the first.
 *
 * What it does badly: a frame with a VLAN tag passes untouched, and is served by TC on the
 * VLAN's own device if that is attached. Of a frame of several buffers the first is counted.
 */
#include "kernel.bpf.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "hook_xdp.bpf.h"

#include "capture.bpf.h"
#include "dns.bpf.h"
#include "established.bpf.h"
#include "slow.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, LB_TAIL_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} lb_xdp_tail SEC(".maps");

SEC("xdp.frags")
int lb_xdp_slow4(struct xdp_md *ctx)
{
	return capture_finish(ctx, slow_ingress(ctx, true));
}

SEC("xdp.frags")
int lb_xdp_slow6(struct xdp_md *ctx)
{
	return capture_finish(ctx, slow_ingress(ctx, false));
}

SEC("xdp.frags")
int lb_xdp_icmp4(struct xdp_md *ctx)
{
	return capture_finish(ctx, slow_icmp(ctx, false, true));
}

SEC("xdp.frags")
int lb_xdp_icmp6(struct xdp_md *ctx)
{
	return capture_finish(ctx, slow_icmp(ctx, false, false));
}

/* What is not answered here takes the usual way. */
SEC("xdp.frags")
int lb_xdp_dns4(struct xdp_md *ctx)
{
	enum verdict verdict = dns_ingress(ctx, true);

	if (verdict != VERDICT_PASS)
		return capture_finish(ctx, hook_finish(ctx, verdict, 0));
	bpf_tail_call_static(ctx, &lb_xdp_tail, LB_TAIL_SLOW4);
	reason_count(LB_REASON_INTERNAL, 0);
	return hook_finish(ctx, VERDICT_PASS, 0);
}

SEC("xdp.frags")
int lb_xdp_dns6(struct xdp_md *ctx)
{
	enum verdict verdict = dns_ingress(ctx, false);

	if (verdict != VERDICT_PASS)
		return capture_finish(ctx, hook_finish(ctx, verdict, 0));
	bpf_tail_call_static(ctx, &lb_xdp_tail, LB_TAIL_SLOW6);
	reason_count(LB_REASON_INTERNAL, 0);
	return hook_finish(ctx, VERDICT_PASS, 0);
}

static __always_inline int xdp_entry(struct xdp_md *ctx, const bool v4)
{
	enum verdict verdict = VERDICT_PASS;
	__u32 ifindex = 0;
	int result;

	result = established(ctx, &verdict, &ifindex, false, v4);
	if (result == ESTABLISHED_DONE)
		return hook_finish(ctx, verdict, ifindex);
	established_leave(ctx, &lb_xdp_tail, result, v4);
	reason_count(LB_REASON_INTERNAL, 0);
	return XDP_PASS;
}

static __always_inline int xdp_any(struct xdp_md *ctx)
{
	struct ethhdr *eth = hook_data(ctx);

	if ((void *)(eth + 1) > hook_end(ctx))
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return xdp_entry(ctx, true);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return xdp_entry(ctx, false);
	return XDP_PASS;
}

/* lb_xdp while somebody looks at packets. */
SEC("xdp.frags")
int lb_xdp_watch(struct xdp_md *ctx)
{
	int action;

	capture_before(ctx);
	action = xdp_any(ctx);
	capture_after(ctx, action, false);
	return action;
}

SEC("xdp.frags")
int lb_xdp(struct xdp_md *ctx)
{
	if (capture_asked())
		bpf_tail_call_static(ctx, &lb_xdp_tail, LB_TAIL_WATCH);
	return xdp_any(ctx);
}

char LICENSE[] SEC("license") = "GPL";
