/* SPDX-License-Identifier: Apache-2.0 */
#include "user/plan/space.h"

static int range_compare(const void *a, const void *b)
{
	const struct lb_range *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

static struct lb_range *ranges_used(const struct actual *actual, size_t *ret_n)
{
	struct lb_range *used = xcalloc(actual->n_frontends * 2, sizeof(*used));
	size_t n = 0;

	for (size_t i = 0; i < actual->n_frontends; i++) {
		const struct lb_frontend *frontend = &actual->frontends[i].value;

		if (frontend->cluster.len)
			used[n++] = frontend->cluster;
		if (frontend->local.len)
			used[n++] = frontend->local;
	}
	qsort(used, n, sizeof(*used), range_compare);
	*ret_n = n;
	return used;
}

void space_init(struct space *space, const struct actual *actual)
{
	size_t n;
	struct lb_range *used = ranges_used(actual, &n);
	uint64_t end = 0; /* of what is used so far */

	*space = (struct space){ 0 };
	for (size_t i = 0; i <= n; i++) {
		uint64_t base = i < n ? used[i].base : actual->n_slots;

		if (base > actual->n_slots)
			base = actual->n_slots;
		if (base > end)
			vec_push(space, ((struct lb_range){ .base = (uint32_t)end,
							    .len = (uint32_t)(base - end) }));
		if (i < n && (uint64_t)used[i].base + used[i].len > end)
			end = (uint64_t)used[i].base + used[i].len;
	}
	free(used);
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
