/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The contract between the BPF programs and the user side: every type that
 * lies in a map, once. Addresses and ports are in network byte order and say so
 * in their type; everything else is host order.
 *
 * Changing anything here changes LB_ABI.
 */
#ifndef LB_TYPES_H
#define LB_TYPES_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define LB_ABI 2
#define LB_MAGIC 0x6c626374u	     /* "lbct" */
#define LB_HANDOFF_MAGIC 0x6c626864u /* in front of a packet that XDP leaves to TC */

/* An address of either family; IPv4 is mapped: ::ffff:a.b.c.d. */
struct lb_addr {
	__be32 word[4];
};

struct lb_prefix {
	struct lb_addr addr; /* host bits are zero */
	struct lb_addr mask;
};

/* ------------------------------------------------------------ services -- */

struct lb_frontend_key {
	struct lb_addr addr;
	__be16 port;
	__u8 proto; /* IPPROTO_TCP, IPPROTO_UDP */
	__u8 zero;
};

/*
 * Sixteen slots of lb_maglev, each a backend's id: one alone would be given eight bytes by the
 * kernel. Slot n is lb_maglev[n / 16].slot[n % 16]; mapped, it is an array of slots.
 */
#define LB_MAGLEV_LINE 16

struct lb_maglev_line {
	__u32 slot[LB_MAGLEV_LINE];
};

/* A range of slots; len 0: no usable endpoint in this scope. */
struct lb_range {
	__u32 base;
	__u32 len;
};

enum lb_frontend_flag {
	LB_FRONTEND_EXTERNAL = 1 << 0, /* node port, load balancer or external IP */
	LB_FRONTEND_LOCAL = 1 << 1,    /* the traffic policy that governs this address is Local */
	LB_FRONTEND_SOURCE_RANGES = 1 << 2, /* lb_source_range guards it */
	LB_FRONTEND_NODE_PORT = 1 << 3,	    /* a node's address: other ports of it are the host's */
	LB_FRONTEND_NODE_ALLOWED = 1 << 4,  /* the ranges list the node: its processes may */
	LB_FRONTEND_ECHO = 1 << 5,	    /* of port 0, for ICMP: echo is answered */
	LB_FRONTEND_DNS = 1 << 6,	    /* lb_dns answers plain questions */
};

struct lb_frontend {
	__u32 service;
	__u32 flags;		 /* enum lb_frontend_flag */
	struct lb_range cluster; /* all usable endpoints */
	struct lb_range local;	 /* those on this node */
	__u32 affinity;		 /* seconds a client sticks to its backend, 0: none */
	__u32 zero;
};

enum lb_backend_flag {
	LB_BACKEND_LOCAL = 1 << 0,	 /* runs on this node */
	LB_BACKEND_POD = 1 << 1,	 /* the endpoint is a Pod: its end can be known */
	LB_BACKEND_TERMINATING = 1 << 2, /* still serving, on its way out */
	LB_BACKEND_DRAINING = 1 << 3,	 /* left the service: old connections only */
	LB_BACKEND_GONE = 1 << 4,	 /* does not exist any more: connections are reset */
	LB_BACKEND_NODE_ONLY = 1 << 5,	 /* for scope Local alone: hints leave it out of Cluster */
};

/*
 * lb_backend[0] stays unused, so that 0 never names a backend. A new generation
 * voids the UDP and half-open flows of the old one at once; established
 * connections go on unless the backend is gone.
 */
struct lb_backend {
	struct lb_addr addr;
	__be16 port;
	__u8 proto;
	__u8 flags; /* enum lb_backend_flag; a freed slot keeps DRAINING or GONE for old flows */
	__u16 zone;
	__u16 weight;
	__u32 generation;
	__u32 service; /* 0: free */
};

struct lb_affinity_key {
	struct lb_addr client;
	__u32 service;
};

struct lb_affinity {
	__u32 backend;
	__u32 generation;
	__u32 last_used; /* jiffies, low half */
};

struct lb_source_range_key {
	__u32 prefixlen; /* 32 bits of service + the prefix of the mapped address */
	__u32 service;
	struct lb_addr addr;
};

/* What `lbctl show` prints without asking anyone: lb_name[service id]. */
struct lb_name {
	char namespace[64];
	char name[64];
	char port_name[64];
	__be16 port;
	__u8 proto;
	__u8 type;  /* enum lb_service_type */
	__u8 flags; /* enum lb_name_flag */
	__u8 zero[3];
	__u32 affinity; /* seconds, 0: none */
};

enum lb_service_type {
	LB_SERVICE_CLUSTER_IP,
	LB_SERVICE_NODE_PORT,
	LB_SERVICE_LOAD_BALANCER,
};

enum lb_name_flag {
	LB_NAME_EXTERNAL_LOCAL = 1 << 0, /* externalTrafficPolicy: Local */
	LB_NAME_INTERNAL_LOCAL = 1 << 1, /* internalTrafficPolicy: Local */
	LB_NAME_IPV6 = 1 << 2,		 /* the family that this id serves */
};

/* --------------------------------------------------------------- flows -- */

enum lb_flow_state {
	LB_FLOW_EMPTY = 0,
	LB_FLOW_HALF_OPEN,     /* the client was heard */
	LB_FLOW_REPLIED,       /* … and the backend */
	LB_FLOW_ESTABLISHED,   /* … and the client again */
	LB_FLOW_CLIENT_CLOSED, /* TCP: FIN from the client */
	LB_FLOW_SERVER_CLOSED, /* TCP: FIN from the backend */
	LB_FLOW_CLOSED,	       /* TCP: FIN from both, or RST */
	LB_FLOW_STATES
};

/* What an entry was that made room for a new one, as lb_evictions counts them. */
enum lb_eviction {
	LB_EVICTED_UNCONFIRMED, /* not established yet */
	LB_EVICTED_CLOSED,
	LB_EVICTED_EXPIRED,
	LB_EVICTIONS
};

enum lb_flow_flag {
	LB_FLOW_REPLY = 1 << 0,	  /* backend to client */
	LB_FLOW_EGRESS = 1 << 1,  /* rewritten on the way out of a device, not on the way in */
	LB_FLOW_FORWARD = 1 << 2, /* goes out at once; otherwise the host's stack routes it */
	LB_FLOW_NO_MAC =
		1 << 3,	     /* forwarded, but the neighbour was not known yet: TC resolves it */
	LB_FLOW_TC = 1 << 4, /* a veth is next: XDP leaves the packet to TC */
	LB_FLOW_MASQUERADE = 1 << 5, /* the pair has a source port of the node */
};

/* The next hop of a forwarded flow. */
struct lb_nexthop {
	__u32 ifindex;
	__u8 dmac[6];
	__u8 smac[6];
};

/*
 * The head of a flow entry. `word` of a set's first way also carries the set's
 * lock and its overflow mark; see bpf/flow.bpf.h for the protocol.
 */
struct lb_flow_meta {
	__u8 proto; /* part of the key */
	__u8 state; /* enum lb_flow_state */
	__u8 flags; /* enum lb_flow_flag */
	__u8 zero;
	__u32 word;	 /* bit 0 lock, bit 1 overflow, bits 2… sequence: odd while written */
	__u32 last_seen; /* jiffies, low half */
};

/* One cache line: key, rewrite, next hop, backend. */
struct lb_flow4 {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	struct lb_flow_meta meta;
	__be32 new_saddr;
	__be32 new_daddr;
	__be16 new_sport;
	__be16 new_dport;
	__u16 addr_delta; /* one's-complement sum: new addresses - old */
	__u16 port_delta; /* the same for ports */
	struct lb_nexthop nexthop;
	__u32 backend;
	__u32 generation;
};

/* Two cache lines; a lookup that misses reads the first one only. */
struct lb_flow6 {
	__be32 saddr[4];
	__be32 daddr[4];
	__be16 sport;
	__be16 dport;
	struct lb_flow_meta meta;
	__be16 new_sport;
	__be16 new_dport;
	__u16 addr_delta;
	__u16 port_delta;
	__u32 backend;
	__u32 generation;
	__be32 new_saddr[4];
	__be32 new_daddr[4];
	struct lb_nexthop nexthop;
	__u32 zero[4];
};

#define LB_FLOW_WAYS 4

struct lb_flow4_set {
	struct lb_flow4 way[LB_FLOW_WAYS];
};

struct lb_flow6_set {
	struct lb_flow6 way[LB_FLOW_WAYS];
};

/* ------------------------------------------------------------- sockets -- */

#define LB_SOCKET_PEERS 4

/* What the application asked for, and what it was given instead. */
struct lb_socket_peer {
	struct lb_addr frontend_addr;
	struct lb_addr backend_addr;
	__be16 frontend_port;
	__be16 backend_port;
	__u32 backend;
	__u32 generation;
};

/* Lives in socket storage. A connected socket uses peer[0] alone. */
struct lb_socket {
	struct lb_socket_peer peer[LB_SOCKET_PEERS];
	__u32 next; /* the peer to overwrite */
};

/* ------------------------------------------------------------- devices -- */

enum lb_device_flag {
	LB_DEVICE_NIC = 1 << 0,
	LB_DEVICE_POD = 1 << 1, /* leads to pods of this node */
	LB_DEVICE_XDP = 1 << 2, /* takes frames from XDP_REDIRECT */
};

/* lb_device[ifindex] */
struct lb_device {
	struct lb_addr addr4; /* masquerade address, mapped; all zero: none */
	struct lb_addr addr6;
	__u32 flags; /* enum lb_device_flag */
};

/* --------------------------------------------------------------- stats -- */

/*
 * Of a service by lb_service_stats. Those of backend n on a CPU are lb_backend_stats[CPU *
 * lb_config.backends + n]: of a per-CPU array the kernel keeps a table of pointers, and each packet
 * would wait for a line of that first.
 */
struct lb_stats {
	__u64 packets;
	__u64 bytes;
	__u64 connections;
	__u64 drops; /* of a service: packets and sockets that were dropped or refused */
};

struct lb_reason_stats {
	__u64 packets;
	__u64 bytes;
};

/* ------------------------------------------------------- configuration -- */

#define LB_POD_CIDRS 8

/* Times are in jiffies, since the programs read no other clock. */
struct lb_config {
	__u64 seed; /* of the flow hash, the same as long as the maps live */
	__u32 hz;
	__u32 flow4_mask; /* number of sets - 1 */
	__u32 flow6_mask;
	__u32 refresh; /* how often an active flow writes to its entry */
	__u32 tcp_timeout[LB_FLOW_STATES];
	__u32 udp_timeout[LB_FLOW_STATES];
	__u16 snat_first; /* host order */
	__u16 snat_count;
	__u8 masquerade_all;
	__u8 dry_run; /* answers in lb_explain; written are private maps alone */
	__u8 pods;    /* TC sits where pods' packets come in */
	__u8 zero;
	__u32 pod_cidrs;
	struct lb_prefix pod_cidr[LB_POD_CIDRS];
	__u32 backends; /* slots of lb_backend */
	__u64 netns;	/* cookie of the node's own network namespace */
};

struct lb_meta {
	__u32 magic;
	__u32 abi;
	char build[56];
	struct lb_config config;
};

/* ------------------------------------------------------------- explain -- */

enum lb_explain_verdict {
	LB_EXPLAIN_NONE, /* the program never came to a verdict */
	LB_EXPLAIN_PASS, /* not ours */
	LB_EXPLAIN_FORWARD,
	LB_EXPLAIN_REJECT, /* answered: reset, port unreachable, connection refused */
	LB_EXPLAIN_DROP,
};

/* What a process of the node asks for; packets are questions by themselves. */
struct lb_explain_socket {
	struct lb_addr from, to;
	__be16 from_port, to_port;
	__u8 proto;
	__u8 zero[3];
};

/* lb_explain[0] of a program with dry_run: a question, and its answer. */
struct lb_explain {
	struct lb_explain_socket socket;
	__u32 wanted; /* the backend to take instead of choosing one; 0: choose */

	__u32 verdict; /* enum lb_explain_verdict */
	__u32 reason;  /* enum lb_reason */
	__u32 backend; /* 0: none was chosen; what follows means nothing then */
	struct lb_range range;
	__u32 slot;	 /* of the range; meaningless when bound */
	__u8 local;	 /* the range is the one of this node */
	__u8 bound;	 /* by affinity */
	__u8 masquerade; /* by the rules; flow_flags tell what the route made of it */
	__u8 flow_flags; /* enum lb_flow_flag */
	struct lb_addr new_saddr, new_daddr;
	__be16 new_sport, new_dport;
	struct lb_nexthop nexthop;
};

#ifndef __cplusplus
_Static_assert(sizeof(struct lb_frontend_key) == 20, "lb_frontend_key");
_Static_assert(sizeof(struct lb_frontend) == 32, "lb_frontend");
_Static_assert(sizeof(struct lb_backend) == 32, "lb_backend");
_Static_assert(sizeof(struct lb_affinity_key) == 20, "lb_affinity_key");
_Static_assert(sizeof(struct lb_affinity) == 12, "lb_affinity");
_Static_assert(sizeof(struct lb_source_range_key) == 24, "lb_source_range_key");
_Static_assert(sizeof(struct lb_name) == 204, "lb_name");
_Static_assert(sizeof(struct lb_flow4) == 64, "a flow4 is one cache line");
_Static_assert(sizeof(struct lb_flow6) == 128, "a flow6 is two cache lines");
_Static_assert(sizeof(struct lb_stats) == 32, "lb_stats");
_Static_assert(sizeof(struct lb_device) == 36, "lb_device");
#endif

#endif
