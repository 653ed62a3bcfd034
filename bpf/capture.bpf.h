/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets as they come to the programs and as they leave them, for `lbctl monitor --pcap`: XDP
 * handles packets that tcpdump never sees. An entry looks at one word, at an address that is part
 * of the program; when it is set, the entry goes on in its watched copy. Each program behind a tail
 * call ends with capture_finish(). What happened in between is left by event_send() in
 * lb_event_budget, whose limit holds here too.
 *
 * What it does badly: of a packet the first LB_CAPTURE_SNAP bytes are kept, and a change behind
 * the first CAPTURE_COMPARED is not seen.
 */
#ifndef LB_CAPTURE_BPF_H
#define LB_CAPTURE_BPF_H

#include "event.bpf.h"

#define CAPTURE_COMPARED 128 /* bytes: all headers that are rewritten */

/* Offsets in a frame; IPv6 extension headers are not looked behind. */
#define CAPTURE_TYPE 12
#define CAPTURE_L4_V6 (ETH_HLEN + sizeof(struct ipv6hdr))

struct capture_pair {
	__u64 packets;
	__u32 begun; /* `before` is of the packet at hand */
	__u32 zero;
	struct lb_packet before, after;
	struct lb_event to, from; /* here, since the stack is small: as events of them would be */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_pair);
} lb_capture SEC(".maps");

/* Pinned as lb_watch. Not a word of lb_monitor: the look-up alone would take a nanosecond. */
volatile __u32 lb_watch SEC(".data.watch");

static __always_inline bool capture_asked(void)
{
	return !lb_config.dry_run && lb_watch;
}

static __always_inline void capture_copy(struct hook_ctx *ctx, struct lb_packet *ret)
{
	__u32 size = hook_length(ctx);

	ret->ns = bpf_ktime_get_ns();
	ret->ifindex = hook_ifindex(ctx);
	ret->hook = HOOK_XDP ? LB_EVENT_XDP : LB_EVENT_TC;
	ret->length = size;
	ret->captured = 0;
	__builtin_memset(ret->bytes, 0, CAPTURE_COMPARED);
	if (size > LB_CAPTURE_SNAP)
		size = LB_CAPTURE_SNAP;
	size--;
	barrier_var(size); /* Linux 6.1 knows the bounds of the register alone that it checks */
	if (size < LB_CAPTURE_SNAP && !hook_load(ctx, 0, ret->bytes, size + 1))
		ret->captured = size + 1;
}

static __always_inline bool capture_changed(const struct capture_pair *pair)
{
	const __u64 *before = (const __u64 *)pair->before.bytes;
	const __u64 *after = (const __u64 *)pair->after.bytes;
	__u64 difference = pair->before.length ^ pair->after.length;

#pragma unroll
	for (__u32 i = 0; i < CAPTURE_COMPARED / sizeof(*before); i++)
		difference |= before[i] ^ after[i];
	barrier_var(difference); /* else clang 16 and 19 keep the words for later: too much stack */
	return difference;
}

/* ------------------------------------------------------------------ filter -- */

/* Of what is no IP packet the addresses stay zero. */
static __always_inline void capture_ends(const struct lb_packet *packet, struct lb_event *ret)
{
	const __u8 *bytes = packet->bytes;
	__be16 type = *(const __be16 *)(bytes + CAPTURE_TYPE);
	__u32 l4 = CAPTURE_L4_V6;

	__builtin_memset(ret, 0, sizeof(*ret));
	if (type == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = (const void *)(bytes + ETH_HLEN);

		addr_map4(&ret->client, ip->saddr);
		addr_map4(&ret->frontend, ip->daddr);
		ret->proto = ip->protocol;
		l4 = ETH_HLEN + (*(const __u8 *)ip & 15) * 4;
	} else if (type == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = (const void *)(bytes + ETH_HLEN);

		addr_copy6(&ret->client, &ip->saddr);
		addr_copy6(&ret->frontend, &ip->daddr);
		ret->proto = ip->nexthdr;
	}
	ret->client_port = *(const __be16 *)(bytes + l4);
	ret->frontend_port = *(const __be16 *)(bytes + l4 + 2);
}

/* A client's packet is for a frontend before it is rewritten, an answer is from one after that. */
static __always_inline bool capture_wanted(const struct lb_monitor *monitor,
					   struct capture_pair *pair)
{
	struct lb_event *to = &pair->to, *from = &pair->from;

	capture_ends(&pair->before, to);
	if (prefix_contains(&monitor->client, &to->client) && event_of_frontend(monitor, to))
		return true;
	capture_ends(&pair->after, from);
	to->client = from->frontend;
	to->frontend = from->client;
	to->frontend_port = from->client_port;
	return prefix_contains(&monitor->client, &to->client) && event_of_frontend(monitor, to);
}

/* ------------------------------------------------------------------- hooks -- */

/* Not static: one copy a program, which the verifier looks at by itself. */
__noinline int capture_before(struct hook_ctx *ctx)
{
	__u32 zero = 0;
	const struct lb_monitor *monitor = bpf_map_lookup_elem(&lb_monitor, &zero);
	struct lb_event_budget *budget = bpf_map_lookup_elem(&lb_event_budget, &zero);
	struct capture_pair *pair = bpf_map_lookup_elem(&lb_capture, &zero);
	__u64 now = bpf_ktime_get_ns();

	if (!monitor || !budget || !pair)
		return 0;
	if (now > monitor->until) { /* the observer was killed */
		lb_watch = 0;
		return 0;
	}
	pair->begun = true;
	pair->before.captured = 0;
	budget->kinds = 0;
	/* In a flood nothing is copied any more. */
	if (now - budget->since >= EVENT_SECOND || budget->spent < monitor->per_second)
		capture_copy(ctx, &pair->before);
	return 0;
}

static __always_inline bool capture_send(struct lb_packet *packet)
{
	__u32 size = packet->captured;

	if (size > LB_CAPTURE_SNAP)
		size = LB_CAPTURE_SNAP;
	return !bpf_ringbuf_output(&lb_events, packet,
				   __builtin_offsetof(struct lb_packet, bytes) + size, 0);
}

/* One packet of the budget, two messages; what a program left as it was is told once. */
static __always_inline void capture_tell(struct capture_pair *pair, struct lb_event_budget *budget,
					 __u32 per_second)
{
	struct lb_packet *before = &pair->before, *after = &pair->after;

	before->packet = (__u64)bpf_get_smp_processor_id() << 48 | (__u64)before->hook << 40 |
			 pair->packets++;
	before->after = false;
	after->packet = before->packet;
	after->kinds = before->kinds;
	after->reason = before->reason;
	after->action = before->action;
	after->egress = before->egress;
	after->after = true;
	if (!event_affordable(budget, after->ns, per_second) || !capture_send(before) ||
	    (before->changed && !capture_send(after)))
		budget->lost++;
}

__noinline int capture_after(struct hook_ctx *ctx, int action, __u32 egress)
{
	__u32 zero = 0;
	const struct lb_monitor *monitor = bpf_map_lookup_elem(&lb_monitor, &zero);
	struct lb_event_budget *budget = bpf_map_lookup_elem(&lb_event_budget, &zero);
	struct capture_pair *pair = bpf_map_lookup_elem(&lb_capture, &zero);
	bool passed = action == hook_finish(ctx, VERDICT_PASS, 0);
	struct lb_packet *before;

	if (!monitor || !budget || !pair || !pair->begun)
		return 0;
	pair->begun = false;
	before = &pair->before;
	if (!before->captured) {
		/* Which service it was of was not looked at; whether it was ours, it shows. */
		if (!passed || budget->kinds)
			budget->lost++;
		return 0;
	}
	capture_copy(ctx, &pair->after);
	before->changed = capture_changed(pair);
	if (passed && !before->changed && !budget->kinds)
		return 0; /* not ours, or left to the program behind this one */
	before->kinds = budget->kinds ?: LB_EVENT_KNOWN;
	before->reason = budget->kinds ? budget->reason : LB_REASON_FORWARDED;
	before->action = action;
	before->egress = egress;
	if (monitor->kinds & before->kinds && monitor->reasons >> (before->reason & 31) & 1 &&
	    capture_wanted(monitor, pair))
		capture_tell(pair, budget, monitor->per_second);
	return 0;
}

/* The end of a program behind a tail call, on the way in. */
static __always_inline int capture_finish(struct hook_ctx *ctx, int action)
{
	if (capture_asked())
		capture_after(ctx, action, false);
	return action;
}

#endif
