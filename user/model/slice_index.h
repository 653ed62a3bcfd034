/* SPDX-License-Identifier: Apache-2.0 */
/* The written EndpointSlices by the Service that they are for. */
#ifndef MODEL_SLICE_INDEX_H
#define MODEL_SLICE_INDEX_H

#include "user/model/store.h"

struct slice_index {
	const struct object **items; /* sorted by namespace, service, name */
	size_t n;
};

/* Slices of addresses that carry a service's label. Borrows from the store. */
void slice_index_init(struct slice_index *index, const struct store *store);
void slice_index_done(struct slice_index *index);

/* The slices of one Service, side by side; returns how many. */
size_t slice_index_find(const struct slice_index *index, const struct object *service,
			const struct object *const **ret_slices);

#endif
