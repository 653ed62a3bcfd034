/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What `lbctl monitor` and the programs say to each other: lb_monitor[0] is what is asked for,
 * lb_events the ring of answers, lb_event_budget what each CPU has spent and left out. Packets
 * themselves come by the same ring, in place of events, when LB_EVENT_PACKETS is in the filter.
 */
#ifndef LB_EVENT_H
#define LB_EVENT_H

#include "lb/types.h"

#define LB_EVENTS_BYTES (1u << 18)
#define LB_MONITOR_FRONTENDS 16

#define LB_CAPTURE_SNAP 512u /* bytes of a packet that are kept */

/* What may happen to one packet; more than one of them at a time. */
enum lb_event_kind {
	LB_EVENT_FLOW = 1 << 0,	     /* a new flow, or a socket that was translated */
	LB_EVENT_DROP = 1 << 1,	     /* lost, without an answer */
	LB_EVENT_REJECT = 1 << 2,    /* refused with an answer */
	LB_EVENT_AFFINITY = 1 << 3,  /* the flow's backend was a matter of affinity */
	LB_EVENT_NEIGHBOUR = 1 << 4, /* the flow's next hop is still unknown: the kernel asks */
	LB_EVENT_NAME = 1 << 5,	     /* a question to DNS, answered by the programs */
	LB_EVENT_KNOWN = 1 << 6,     /* nothing of these: a packet of a known flow, ICMP */
	LB_EVENT_PACKETS = 1 << 7,   /* in a filter: packets are sent, not events */
};

/* What became of a client's binding to a backend (sessionAffinity: ClientIP). */
enum lb_affinity_fate {
	LB_AFFINITY_NONE,    /* the service has no affinity */
	LB_AFFINITY_KEPT,    /* the client gets its backend again */
	LB_AFFINITY_NEW,     /* it had none */
	LB_AFFINITY_EXPIRED, /* it had one, too long ago */
	LB_AFFINITY_MOVED,   /* its backend takes no new connections any more */
	LB_AFFINITY_FATES
};

enum lb_event_hook { LB_EVENT_XDP, LB_EVENT_TC, LB_EVENT_SOCKET };

struct lb_event {
	__u64 ns;	       /* CLOCK_MONOTONIC */
	struct lb_addr client; /* zero: not known yet, at a socket */
	struct lb_addr frontend;
	struct lb_addr backend; /* of a flow */
	__be16 client_port;
	__be16 frontend_port;
	__be16 backend_port;
	__u8 proto;
	__u8 hook;	/* enum lb_event_hook */
	__u16 kind;	/* enum lb_event_kind, or-ed */
	__u16 affinity; /* enum lb_affinity_fate */
	__u32 reason;	/* enum lb_reason */
	__u32 ifindex;
	__u32 bytes;
};

/*
 * kinds is what the programs read first: 0 ends it there. `until` lets an observer that was
 * killed be forgotten.
 */
struct lb_monitor {
	__u32 kinds;		 /* enum lb_event_kind, or-ed; 0: nobody looks */
	__u32 reasons;		 /* bits by enum lb_reason */
	__u64 until;		 /* CLOCK_MONOTONIC, ns */
	__u32 per_second;	 /* events of one CPU */
	__u32 frontends;	 /* how many are asked for; 0: all */
	struct lb_prefix client; /* mask zero: all */
	struct lb_frontend_key frontend[LB_MONITOR_FRONTENDS];
};

/* Of one CPU, where no packet interrupts another: kinds and reason are the packet's at hand. */
struct lb_event_budget {
	__u64 since;  /* ns */
	__u32 spent;  /* since then */
	__u16 kinds;  /* enum lb_event_kind, or-ed */
	__u16 reason; /* enum lb_reason */
	__u64 lost;   /* ever: by the limit, or because the ring was full */
};

/* A packet before or after a program; of `bytes` only the captured ones are sent. */
struct lb_packet {
	__u64 ns;     /* CLOCK_MONOTONIC */
	__u64 packet; /* the same before and after */
	__u32 ifindex;
	__u32 length;	/* of the frame */
	__u32 captured; /* of these, bytes that follow */
	__s32 action;	/* XDP_*, TC_ACT_* */
	__u16 kinds;	/* enum lb_event_kind, or-ed */
	__u16 reason;	/* enum lb_reason */
	__u8 hook;	/* enum lb_event_hook */
	__u8 egress;	/* on the way out of the device */
	__u8 after;
	__u8 changed; /* there is one after */
	__u8 bytes[LB_CAPTURE_SNAP];
};

#ifndef __cplusplus
_Static_assert(sizeof(struct lb_event) == 80, "lb_event");
_Static_assert(sizeof(struct lb_event_budget) == 24, "lb_event_budget");
_Static_assert(sizeof(struct lb_packet) == 40 + LB_CAPTURE_SNAP, "lb_packet");
_Static_assert(LB_MONITOR_FRONTENDS * sizeof(struct lb_frontend_key) % 8 == 0, "lb_monitor");
#endif

#endif
