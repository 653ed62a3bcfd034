/* SPDX-License-Identifier: Apache-2.0 */
/* Maglev tables (Eisenbud et al., NSDI 2016, section 3.4), with weights. */
#ifndef PLAN_MAGLEV_H
#define PLAN_MAGLEV_H

#include <stddef.h>
#include <stdint.h>

#include "lb/types.h"

struct maglev_member {
	struct lb_addr addr; /* the stable name: tables are equal on all nodes */
	__be16 port;
	uint8_t proto;
	uint16_t weight;
	uint32_t id; /* what the slots hold */
};

#define MAGLEV_MAX 65537 /* slots of the largest table */

/* Slots for n members: 0 for none, 1 for one, else a prime of at least 100 × n, at most 65537. */
uint32_t maglev_size(size_t n);

/* Fills slots[size]; members in any order give the same table. */
void maglev_fill(const struct maglev_member *members, size_t n, uint32_t *slots, uint32_t size);

#endif
