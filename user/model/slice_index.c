/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/slice_index.h"

#include <string.h>

#include "user/util/vec.h"

static int slice_compare(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;
	int order = strcmp((*x)->ns, (*y)->ns);

	if (!order)
		order = strcmp((*x)->slice->service, (*y)->slice->service);
	return order ? order : strcmp((*x)->name, (*y)->name);
}

void slice_index_init(struct slice_index *index, const struct store *store)
{
	struct store_view view = store_list(store, K8S_ENDPOINT_SLICE, NULL);

	*index = (struct slice_index){ .items = xcalloc(view.n, sizeof(*index->items)) };
	for (size_t i = 0; i < view.n; i++) {
		if (view.items[i]->slice->service && !view.items[i]->slice->fqdn)
			index->items[index->n++] = view.items[i];
	}
	qsort(index->items, index->n, sizeof(*index->items), slice_compare);
}

void slice_index_done(struct slice_index *index)
{
	free(index->items);
	*index = (struct slice_index){ 0 };
}

/* < 0: the slice sorts before those of the service. */
static int slice_place(const struct object *slice, const struct object *service)
{
	int order = strcmp(slice->ns, service->ns);

	return order ? order : strcmp(slice->slice->service, service->name);
}

size_t slice_index_find(const struct slice_index *index, const struct object *service,
			const struct object *const **ret_slices)
{
	size_t first = 0, last = index->n;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (slice_place(index->items[middle], service) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	for (last = first; last < index->n; last++) {
		if (slice_place(index->items[last], service))
			break;
	}
	*ret_slices = index->items + first;
	return last - first;
}
