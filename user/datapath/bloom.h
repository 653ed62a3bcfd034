/* SPDX-License-Identifier: Apache-2.0 */
/* lb_bloom, which must know of every frontend that lb_frontend has (see lb/bloom.h). */
#ifndef DATAPATH_BLOOM_H
#define DATAPATH_BLOOM_H

#include "user/datapath/bulk.h"
#include "user/util/err.h"

/* To be called before the frontends, the keys of bulk, are written. words: the mapped map. */
void bloom_add(uint64_t *words, const struct bulk *frontends);

/* Anew from the keys that are there: forgets those that were deleted. */
LB_CHECKED int bloom_rebuild(uint64_t *words, int frontend_fd, struct err *err);

/* The same for a map that is not mapped. */
LB_CHECKED int bloom_fill(int bloom_fd, int frontend_fd, struct err *err);

#endif
