/* SPDX-License-Identifier: Apache-2.0 */
/* The per-CPU counters. */
#ifndef DATAPATH_STATS_H
#define DATAPATH_STATS_H

#include "user/datapath/handle.h"

/*
 * Moves a backend's counters to its service, before the slot gets another owner; service 0
 * drops them. A packet that is counted between reading and writing is lost to the sum, and
 * one of an old connection may be counted for the slot's new owner: the programs take no
 * lock, and counters are worth none.
 */
LB_CHECKED int stats_fold(struct datapath *dp, uint32_t backend, uint32_t service, struct err *err);

/* Counters of new services start at 0: their ids may have been others'. ops set services. */
LB_CHECKED int stats_clear_services(struct datapath *dp, const struct plan_op *ops, size_t n,
				    struct err *err);

#endif
