/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/feed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/util/tree.h"
#include "user/util/vec.h"

void reconcile_feed(struct reconcile *reconcile, unsigned int kinds)
{
	reconcile->feed.kinds = kinds;
	reconcile->feed.listed = 0;
	reconcile->feed.store = store_new();
	store_set_cluster(reconcile->feed.store, kinds);
	reconcile->stale |= RECONCILE_STATE;
}

bool reconcile_is_fed(const struct reconcile *reconcile)
{
	return reconcile->feed.kinds && reconcile->feed.listed == reconcile->feed.kinds;
}

static struct store *fed_store(struct reconcile *reconcile)
{
	return reconcile->feed.store ? reconcile->feed.store : reconcile->store;
}

int feed_read(struct reconcile *reconcile, struct err *err)
{
	unsigned int missing = reconcile->feed.kinds & ~reconcile->feed.listed;
	char names[128] = "";

	for (enum k8s_kind kind = 0; kind < K8S_KINDS; kind++) {
		size_t length = strlen(names);

		if (missing & 1u << kind)
			snprintf(names + length, sizeof(names) - length, "%s%s", length ? ", " : "",
				 k8s_kinds[kind].plural);
	}
	if (missing)
		return err_set(err, -EAGAIN, "not listed yet: %s", names);
	if (reconcile->feed.store) {
		reconcile->store = reconcile->feed.store;
		reconcile->feed.store = NULL;
	}
	return 0;
}

void reconcile_put(struct reconcile *reconcile, struct object *object)
{
	reconcile->feed.services_changed |= object->kind == K8S_SERVICE;
	store_put(fed_store(reconcile), object);
	reconcile->stale |= RECONCILE_STATE;
}

void reconcile_delete(struct reconcile *reconcile, enum k8s_kind kind, const char *ns,
		      const char *name)
{
	if (!store_delete(fed_store(reconcile), kind, ns, name))
		return;
	reconcile->feed.services_changed |= kind == K8S_SERVICE;
	reconcile->stale |= RECONCILE_STATE;
}

void reconcile_listed(struct reconcile *reconcile, enum k8s_kind kind)
{
	reconcile->feed.listed |= 1u << kind;
	reconcile->stale |= RECONCILE_STATE;
}

/* ------------------------------------------------------------ whole lists -- */

static int object_compare(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;
	int order = strcmp((*x)->ns, (*y)->ns);

	return order ? order : strcmp((*x)->name, (*y)->name);
}

static bool same_version(const struct object *a, const struct object *b)
{
	const char *x = tree_text(a->json, "metadata.resourceVersion");
	const char *y = tree_text(b->json, "metadata.resourceVersion");

	return x && y && !strcmp(x, y);
}

/* list is sorted. Backwards, as each deletion moves what is behind it. */
static void delete_others(struct reconcile *reconcile, enum k8s_kind kind,
			  const struct object_list *list)
{
	struct store_view known = store_list(fed_store(reconcile), kind, NULL);

	for (size_t i = known.n; i > 0; i--) {
		const struct object *object = known.items[i - 1];

		if (!list->n ||
		    !bsearch(&object, list->items, list->n, sizeof(*list->items), object_compare))
			reconcile_delete(reconcile, kind, object->ns, object->name);
	}
}

void reconcile_replace(struct reconcile *reconcile, enum k8s_kind kind, struct object_list *list)
{
	if (list->n)
		qsort(list->items, list->n, sizeof(*list->items), object_compare);
	delete_others(reconcile, kind, list);
	for (size_t i = 0; i < list->n; i++) {
		struct object *object = list->items[i];
		const struct object *known =
			store_find(fed_store(reconcile), kind, object->ns, object->name);

		if (known && same_version(known, object))
			object_free(object);
		else
			reconcile_put(reconcile, object);
	}
	vec_free(list);
	reconcile->feed.listed |= 1u << kind;
	reconcile->stale |= RECONCILE_STATE;
}
