/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/addresses.h"

#include <stdlib.h>

static int order(const void *a, const void *b)
{
	return addr_compare(a, b);
}

void addresses_sort(struct addr_list *list)
{
	size_t kept = 0;

	if (!list->n)
		return;
	qsort(list->items, list->n, sizeof(*list->items), order);
	for (size_t i = 0; i < list->n; i++) {
		if (!kept || addr_compare(&list->items[kept - 1], &list->items[i]))
			list->items[kept++] = list->items[i];
	}
	list->n = kept;
}

bool addresses_have(const struct lb_addr *sorted, size_t n, const struct lb_addr *addr)
{
	return n && bsearch(addr, sorted, n, sizeof(*addr), order);
}
