/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of addresses, as sorted lists. */
#ifndef MODEL_ADDRESSES_H
#define MODEL_ADDRESSES_H

#include "user/k8s/config.h"

/* Sorts, and leaves each address once. */
void addresses_sort(struct addr_list *list);

/* Whether a sorted list has the address. */
bool addresses_have(const struct lb_addr *sorted, size_t n, const struct lb_addr *addr);

#endif
