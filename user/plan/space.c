/* SPDX-License-Identifier: Apache-2.0 */
#include "user/plan/space.h"

void space_init(struct space *space, const struct plan_index *index, uint32_t n_slots)
{
	uint64_t end = 0; /* of what is used so far */

	*space = (struct space){ 0 };
	for (size_t i = 0; i <= index->n_tables; i++) {
		const struct lb_range *used = i < index->n_tables ? &index->tables[i].range : NULL;
		uint64_t base = used && used->base < n_slots ? used->base : n_slots;

		if (base > end)
			vec_push(space, ((struct lb_range){ .base = (uint32_t)end,
							    .len = (uint32_t)(base - end) }));
		if (used && (uint64_t)used->base + used->len > end)
			end = (uint64_t)used->base + used->len;
	}
}

void space_done(struct space *space)
{
	vec_free(space);
}

/* Gaps only shrink, so what was too small for a length once never fits it again. */
static size_t *space_cursor(struct space *space, uint32_t len)
{
	for (size_t i = 0; i < space->n_cursors; i++) {
		if (space->cursors[i].len == len)
			return &space->cursors[i].first;
	}
	if (space->n_cursors == sizeof(space->cursors) / sizeof(*space->cursors))
		return NULL;
	space->cursors[space->n_cursors].len = len;
	space->cursors[space->n_cursors].first = 0;
	return &space->cursors[space->n_cursors++].first;
}

bool space_take(struct space *space, uint32_t len, uint32_t *ret_base)
{
	size_t *cursor = space_cursor(space, len);
	size_t i = cursor ? *cursor : 0;

	while (i < space->n && space->items[i].len < len)
		i++;
	if (cursor)
		*cursor = i;
	if (i == space->n)
		return false;
	*ret_base = space->items[i].base;
	space->items[i].base += len;
	space->items[i].len -= len;
	return true;
}
