/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of ingress.addresses that no device of this node has: they go to the loopback device,
 * so that HAProxy can listen there and the kernel takes what is sent to them. Who added an address
 * is kept in the status, so that an agent that was killed leaves none behind for good, and one that
 * somebody else added stays.
 */
#ifndef AGENT_INGRESS_ADDRESSES_H
#define AGENT_INGRESS_ADDRESSES_H

#include "user/k8s/config.h"
#include "user/util/err.h"

/* Has some device of this node the address? */
bool ingress_address_is_local(const struct lb_addr *addr);

/* Adds those of wanted that are not there, removes those of added that are not wanted. */
LB_CHECKED int ingress_addresses_update(struct addr_list *added, const struct addr_list *wanted,
					struct err *err);

/* Removes all that were added. */
void ingress_addresses_remove(struct addr_list *added);

#endif
