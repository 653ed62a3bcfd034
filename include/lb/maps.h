/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Sizes of the maps. Names are those of the BPF objects, at most 15 characters. */
#ifndef LB_MAPS_H
#define LB_MAPS_H

#define LB_MAX_FRONTENDS (1u << 17)
#define LB_MAX_BACKENDS (1u << 17)
#define LB_MAX_SERVICES (1u << 16)
#define LB_MAX_MAGLEV (1u << 24) /* 10,000 services of 10 endpoints take 10.1 million */
#define LB_MAX_AFFINITY (1u << 17)
#define LB_MAX_SOURCE_RANGES (1u << 16)
#define LB_MAX_DEVICES 4096u

/* Flow entries of each family when the configuration does not say. */
#define LB_DEFAULT_FLOWS (1u << 18)

/* Tail calls of the packet programs: one array a program type. */
enum lb_tail {
	LB_TAIL_SLOW4, /* IPv4 packet that the flow table alone cannot answer */
	LB_TAIL_SLOW6,
	LB_TAIL_ICMP4, /* ICMP: errors about our packets, echo to our addresses */
	LB_TAIL_ICMP6,
	LB_TAIL_DNS4, /* UDP to port 53: perhaps a question that is answered at once */
	LB_TAIL_DNS6,
	LB_TAIL_WATCH, /* the entry once more, while somebody looks at packets */
	LB_TAIL_COUNT
};

#endif
