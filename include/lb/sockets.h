/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What lb_iter writes for each socket whose backend is not there any more. */
#ifndef LB_SOCKETS_H
#define LB_SOCKETS_H

#include "lb/types.h"

struct lb_void_socket {
	__u64 cookie;
	__u32 netns;   /* inode of its network namespace */
	__u32 ifindex; /* of the device it is bound to, 0: none */
	struct lb_addr saddr, daddr;
	__be16 sport, dport;
	__u8 proto;
	__u8 zero[3];
};

_Static_assert(sizeof(struct lb_void_socket) == 56, "lb_void_socket");

#endif
