/* SPDX-License-Identifier: Apache-2.0 */
/* Which client is bound to which backend (ClientIP affinity). */
#ifndef DATAPATH_AFFINITY_H
#define DATAPATH_AFFINITY_H

#include "user/datapath/datapath.h"

struct datapath_affinity {
	struct lb_affinity_key key;
	struct lb_affinity value;
	uint32_t idle; /* seconds since the client was last seen */
};

/* Calls visit for each binding, expired ones too, until it returns non-zero. */
LB_CHECKED int datapath_each_affinity(struct datapath *dp,
				      int (*visit)(void *arg,
						   const struct datapath_affinity *affinity),
				      void *arg, struct err *err);

#endif
