/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of packets off the established path, told to `lbctl monitor`. While nobody looks it
 * costs one word read, off the established path. The filter is applied here, and each CPU has so
 * many events a second: what goes beyond is counted, not sent, so that a flood of drops stays
 * cheap.
 *
 * What it does badly: there is one observer at a time.
 */
#ifndef LB_EVENT_BPF_H
#define LB_EVENT_BPF_H

#include "config.bpf.h"
#include "frontend.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

#include "lb/event.h"

#define EVENT_SECOND 1000000000ull

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_monitor);
} lb_monitor SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LB_EVENTS_BYTES);
} lb_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_event_budget);
} lb_event_budget SEC(".maps");

/* Does somebody want events of this kind? */
static __always_inline bool event_wanted(__u32 kind)
{
	__u32 zero = 0;
	const struct lb_monitor *monitor;

	if (lb_config.dry_run)
		return false;
	monitor = bpf_map_lookup_elem(&lb_monitor, &zero);
	return monitor && monitor->kinds & kind;
}

static __always_inline bool event_of_frontend(const struct lb_monitor *monitor,
					      const struct lb_event *event)
{
	if (!monitor->frontends)
		return true;
	for (__u32 i = 0; i < LB_MONITOR_FRONTENDS; i++) {
		const struct lb_frontend_key *key = &monitor->frontend[i];

		if (i >= monitor->frontends)
			break;
		if (key->port == event->frontend_port && key->proto == event->proto &&
		    addr_equal(&key->addr, &event->frontend))
			return true;
	}
	return false;
}

static __always_inline bool event_affordable(struct lb_event_budget *budget, __u64 now,
					     __u32 per_second)
{
	if (now - budget->since >= EVENT_SECOND) {
		budget->since = now;
		budget->spent = 0;
	}
	return budget->spent++ < per_second;
}

/* Not static: one copy a program, which the verifier looks at by itself. Fills in the time. */
__noinline int event_send(struct lb_event *event)
{
	__u32 zero = 0;
	const struct lb_monitor *monitor = bpf_map_lookup_elem(&lb_monitor, &zero);
	struct lb_event_budget *budget = bpf_map_lookup_elem(&lb_event_budget, &zero);
	__u64 now = bpf_ktime_get_ns();

	if (!event || !monitor || !budget || now > monitor->until)
		return 0;
	budget->kinds = event->kind; /* for capture.bpf.h */
	budget->reason = event->reason;
	if (monitor->kinds & LB_EVENT_PACKETS)
		return 0;
	if (!(monitor->reasons >> (event->reason & 31) & 1) ||
	    !prefix_contains(&monitor->client, &event->client) ||
	    !event_of_frontend(monitor, event))
		return 0;
	event->ns = now;
	if (!event_affordable(budget, now, monitor->per_second) ||
	    bpf_ringbuf_output(&lb_events, event, sizeof(*event), 0))
		budget->lost++;
	return 0;
}

/* One event, put together on the stack of the caller of this. */
static __always_inline void event_packet(const struct packet *pkt, const struct rewrite *rw,
					 __u32 affinity, __u32 kind, __u32 reason, __u32 ifindex,
					 __u32 hook)
{
	struct lb_event event = {
		.client = pkt->tuple.saddr,
		.frontend = pkt->tuple.daddr,
		.client_port = pkt->tuple.sport,
		.frontend_port = pkt->tuple.dport,
		.proto = pkt->tuple.proto,
		.hook = hook,
		.kind = kind,
		.reason = reason,
		.ifindex = ifindex,
		.bytes = pkt->bytes,
	};

	if (kind & LB_EVENT_FLOW) {
		event.affinity = affinity;
		event.backend = rw->daddr;
		event.backend_port = rw->dport;
	}
	event_send(&event);
}

#endif
