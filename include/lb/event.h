/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What `lbctl monitor` and the programs say to each other: lb_monitor[0] is what is asked for,
 * lb_events the ring of answers, lb_event_budget what each CPU has spent and left out.
 */
#ifndef LB_EVENT_H
#define LB_EVENT_H

#include "lb/types.h"

#define LB_EVENTS_BYTES (1u << 18)
#define LB_MONITOR_FRONTENDS 16

enum lb_event_kind {
	LB_EVENT_FLOW = 1 << 0,	  /* a new flow, or a socket that was translated */
	LB_EVENT_DROP = 1 << 1,	  /* lost, without an answer */
	LB_EVENT_REJECT = 1 << 2, /* refused with an answer */
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
	__u8 hook;    /* enum lb_event_hook */
	__u32 kind;   /* enum lb_event_kind */
	__u32 reason; /* enum lb_reason */
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

struct lb_event_budget {
	__u64 since; /* ns */
	__u64 spent; /* since then */
	__u64 lost;  /* ever: by the limit, or because the ring was full */
};

#ifndef __cplusplus
_Static_assert(sizeof(struct lb_event) == 80, "lb_event");
_Static_assert(LB_MONITOR_FRONTENDS * sizeof(struct lb_frontend_key) % 8 == 0, "lb_monitor");
#endif

#endif
