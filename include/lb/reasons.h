/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Why a packet met the fate it met. One list gives the enum, the text that
 * commands print, the metric's label and the hint that tells what to do next.
 *
 * Numbers are part of the ABI of lb_reason_stats: append, never reorder.
 */
#ifndef LB_REASONS_H
#define LB_REASONS_H

/* X(NAME, label, text, hint) */
#define LB_REASONS(X)                                                                            \
	X(NOT_OURS, "not_ours", "no frontend and no flow for it", "")                            \
	X(FORWARDED, "forwarded", "sent on to a backend or a client", "")                        \
	X(MALFORMED, "malformed", "headers are cut short or contradict themselves",              \
	  "capture on the sender: something builds broken packets")                              \
	X(UNSUPPORTED, "unsupported", "a kind of packet that is left to the kernel", "")         \
	X(NO_BACKEND, "no_backend", "the service has no usable endpoint",                        \
	  "lbctl describe svc: does the selector match a ready pod?")                            \
	X(NO_LOCAL_BACKEND, "no_local_backend",                                                  \
	  "traffic policy Local, and no usable endpoint on this node",                           \
	  "send to a node that runs a pod of the service, or use policy Cluster")                \
	X(SOURCE_RANGE, "source_range", "the client is outside loadBalancerSourceRanges",        \
	  "add the client's network to spec.loadBalancerSourceRanges")                           \
	X(NO_PORT, "no_port", "no free source port towards this backend",                        \
	  "widen snatPorts, add backends, or use externalTrafficPolicy: Local")                  \
	X(NO_ROOM, "no_room", "the flow table has no room for a flow that needs a port",         \
	  "raise flows in the configuration")                                                    \
	X(BUSY, "busy", "another CPU held the flow's set", "")                                   \
	X(TTL, "ttl", "time to live used up", "look for a routing loop with traceroute")         \
	X(NEIGHBOUR, "neighbour", "the next hop's address is not known yet",                     \
	  "ip neigh: does the next hop answer?")                                                 \
	X(NO_ADDRESS, "no_address", "the node has no address to masquerade with",                \
	  "give the device an address of this family, or set nodeAddresses")                     \
	X(BACKEND_GONE, "backend_gone", "the backend of this connection no longer exists", "")   \
	X(INTERNAL, "internal", "a map or a tail call is missing", "attach again: lbctl attach") \
	X(FRAGMENT, "fragment", "a fragment whose first one never came",                         \
	  "find out who loses fragments, or lower the sender's MTU")                             \
	X(NAME, "name", "a question to DNS, answered at once", "")

enum lb_reason {
#define LB_REASON_ENUM(name, label, text, hint) LB_REASON_##name,
	LB_REASONS(LB_REASON_ENUM)
#undef LB_REASON_ENUM
		LB_REASON_COUNT
};

#endif
