/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster's DNS address as one of this node's own, on the loopback device: whoever asks it,
 * from a pod or from the node, is answered here, also while no program translates it.
 */
#ifndef DNS_LOCAL_H
#define DNS_LOCAL_H

#include "user/util/addr.h"
#include "user/util/err.h"

/* The address may be there already: an agent that was killed left it. */
LB_CHECKED int local_add(const struct lb_addr *addr, struct err *err);

/* -errno when the kernel refuses; -EADDRNOTAVAIL: it was not there. */
int local_remove(const struct lb_addr *addr);

#endif
