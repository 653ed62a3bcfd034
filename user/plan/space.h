/* SPDX-License-Identifier: Apache-2.0 */
/* Free space of lb_maglev. Inside of plan. */
#ifndef PLAN_SPACE_H
#define PLAN_SPACE_H

#include "user/plan/index.h"
#include "user/util/vec.h"

struct space {
	struct lb_range *items; /* the gaps, by base */
	size_t n, room;
	struct {
		uint32_t len;
		size_t first; /* gaps before this one are too small for len */
	} cursors[64];	      /* one a table size */
	size_t n_cursors;
};

/* All of n_slots that no frontend names. */
void space_init(struct space *space, const struct plan_index *index, uint32_t n_slots);
void space_done(struct space *space);

/* The first gap that is large enough; false when there is none. */
bool space_take(struct space *space, uint32_t len, uint32_t *ret_base);

#endif
