/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/selectors.h"

#include "user/model/members.h"
#include "user/util/vec.h"

struct selector {
	const char *ns;
	struct label label; /* its first one */
	const struct object *service;
};

struct selectors {
	struct selector *items; /* sorted */
	size_t n, room;
};

static int selector_compare(const void *a, const void *b)
{
	const struct selector *x = a, *y = b;
	int order = strcmp(x->ns, y->ns);

	if (!order)
		order = strcmp(x->label.key, y->label.key);
	return order ? order : strcmp(x->label.value, y->label.value);
}

struct selectors *selectors_new(const struct store *store)
{
	struct store_view services = store_list(store, K8S_SERVICE, NULL);
	struct selectors *selectors = xcalloc(1, sizeof(*selectors));

	for (size_t i = 0; i < services.n; i++) {
		const struct object *service = services.items[i];

		if (service->service->n_selector)
			vec_push(selectors,
				 ((struct selector){ service->ns, service->service->selector[0],
						     service }));
	}
	if (selectors->n)
		qsort(selectors->items, selectors->n, sizeof(*selectors->items), selector_compare);
	return selectors;
}

void selectors_free(struct selectors *selectors)
{
	if (!selectors)
		return;
	vec_free(selectors);
	free(selectors);
}

static size_t selectors_search(const struct selectors *selectors, const struct selector *key)
{
	size_t first = 0, last = selectors->n;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (selector_compare(&selectors->items[middle], key) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

void selectors_each(const struct selectors *selectors, const struct object *pod,
		    void (*visit)(void *arg, const struct object *service), void *arg)
{
	for (size_t i = 0; i < pod->pod->n_labels; i++) {
		const struct selector wanted = { pod->ns, pod->pod->labels[i], NULL };

		for (size_t j = selectors_search(selectors, &wanted);
		     j < selectors->n && !selector_compare(&selectors->items[j], &wanted); j++) {
			if (members_chosen(selectors->items[j].service, pod))
				visit(arg, selectors->items[j].service);
		}
	}
}
