/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration in the form the programs read. */
#ifndef DATAPATH_SETTINGS_H
#define DATAPATH_SETTINGS_H

#include "lb/types.h"
#include "user/k8s/config.h"

/* Number of flow sets of each family for a table of that many entries: a power of two. */
uint32_t settings_flow_sets(uint32_t flows);

/* -E2BIG: more pod CIDRs than the programs have room for. */
LB_CHECKED int settings_make(const struct config *config, uint32_t hz, uint64_t seed,
			     struct lb_config *ret_config, struct err *err);

/* Cookie of this process's network namespace; 0: the kernel does not tell (before 5.14). */
uint64_t settings_netns(void);

#endif
