/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The TC hooks.
 *
 *	lb_tc_ingress  a pod's packets as they leave the pod, and the NIC's where XDP is not
 *	               to be had: the whole work.
 *	lb_tc_handoff  the NIC's way in behind XDP: only what XDP handed over.
 *	lb_tc_egress   the way out of NIC and pod devices: answers of backends that kept the
 *	               client's address get the service's address back.
 *
 * Everything here works with packets whose checksum is not finished yet, as pods send them.
 */
#include "kernel.bpf.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "hook_tc.bpf.h"

#include "capture.bpf.h"
#include "dns.bpf.h"
#include "established.bpf.h"
#include "slow.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, LB_TAIL_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} lb_tc_tail SEC(".maps");

SEC("tc")
int lb_tc_slow4(struct __sk_buff *ctx)
{
	return capture_finish(ctx, slow_ingress(ctx, true));
}

SEC("tc")
int lb_tc_slow6(struct __sk_buff *ctx)
{
	return capture_finish(ctx, slow_ingress(ctx, false));
}

SEC("tc")
int lb_tc_icmp4(struct __sk_buff *ctx)
{
	return capture_finish(ctx, slow_icmp(ctx, false, true));
}

SEC("tc")
int lb_tc_icmp6(struct __sk_buff *ctx)
{
	return capture_finish(ctx, slow_icmp(ctx, false, false));
}

/* What is not answered here takes the usual way. */
SEC("tc")
int lb_tc_dns4(struct __sk_buff *ctx)
{
	enum verdict verdict = dns_ingress(ctx, true);

	if (verdict != VERDICT_PASS)
		return capture_finish(ctx, hook_finish(ctx, verdict, 0));
	bpf_tail_call_static(ctx, &lb_tc_tail, LB_TAIL_SLOW4);
	reason_count(LB_REASON_INTERNAL, 0);
	return hook_finish(ctx, VERDICT_PASS, 0);
}

SEC("tc")
int lb_tc_dns6(struct __sk_buff *ctx)
{
	enum verdict verdict = dns_ingress(ctx, false);

	if (verdict != VERDICT_PASS)
		return capture_finish(ctx, hook_finish(ctx, verdict, 0));
	bpf_tail_call_static(ctx, &lb_tc_tail, LB_TAIL_SLOW6);
	reason_count(LB_REASON_INTERNAL, 0);
	return hook_finish(ctx, VERDICT_PASS, 0);
}

/* No more than the headers: a payload of its own page would be copied for nothing. */
static __always_inline void tc_pull(struct __sk_buff *ctx, const bool v4)
{
	hook_pull(ctx, ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
			       sizeof(struct tcphdr));
}

static __always_inline int tc_ingress(struct __sk_buff *ctx, const bool v4)
{
	enum verdict verdict = VERDICT_PASS;
	__u32 ifindex = 0;
	int result;

	tc_pull(ctx, v4);
	result = established(ctx, &verdict, &ifindex, false, v4);
	if (result == ESTABLISHED_DONE)
		return hook_finish(ctx, verdict, ifindex);
	established_leave(ctx, &lb_tc_tail, result, v4);
	reason_count(LB_REASON_INTERNAL, 0);
	return TC_ACT_UNSPEC;
}

static __always_inline int tc_egress(struct __sk_buff *ctx, const bool v4)
{
	enum verdict verdict = VERDICT_PASS;
	__u32 ifindex = 0;

	tc_pull(ctx, v4);
	if (established(ctx, &verdict, &ifindex, true, v4) == ESTABLISHED_DONE)
		return hook_finish(ctx, verdict, ifindex);
	switch (established_tail(ctx, v4)) {
	case LB_TAIL_ICMP4:
	case LB_TAIL_ICMP6:
		return slow_icmp(ctx, true, v4);
	default:
		return slow_egress(ctx, v4);
	}
}

static __always_inline int tc_ingress_any(struct __sk_buff *ctx)
{
	if (hook_tagged(ctx))
		return TC_ACT_UNSPEC;
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		return tc_ingress(ctx, true);
	if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		return tc_ingress(ctx, false);
	return TC_ACT_UNSPEC;
}

/* lb_tc_ingress and lb_tc_handoff while somebody looks at packets. */
SEC("tc")
int lb_tc_watch(struct __sk_buff *ctx)
{
	int action;

	capture_before(ctx);
	action = tc_ingress_any(ctx);
	capture_after(ctx, action, false);
	return action;
}

static __always_inline int tc_ingress_watched(struct __sk_buff *ctx)
{
	if (capture_asked())
		bpf_tail_call_static(ctx, &lb_tc_tail, LB_TAIL_WATCH);
	return tc_ingress_any(ctx);
}

SEC("tc")
int lb_tc_ingress(struct __sk_buff *ctx)
{
	return tc_ingress_watched(ctx);
}

SEC("tc")
int lb_tc_handoff(struct __sk_buff *ctx)
{
	return hook_handed_off(ctx) ? tc_ingress_watched(ctx) : TC_ACT_UNSPEC;
}

static __always_inline int tc_egress_any(struct __sk_buff *ctx)
{
	if (hook_tagged(ctx))
		return TC_ACT_UNSPEC;
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		return tc_egress(ctx, true);
	if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		return tc_egress(ctx, false);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int lb_tc_egress(struct __sk_buff *ctx)
{
	bool watched = capture_asked();
	int action;

	if (watched)
		capture_before(ctx);
	action = tc_egress_any(ctx);
	if (watched)
		capture_after(ctx, action, true);
	return action;
}

char LICENSE[] SEC("license") = "GPL";
