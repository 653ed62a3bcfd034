/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sorted vector a kind. A single put moves pointers of what sorts behind it, which is
 * cheap next to the decoding that came before; a bulk load appends and sorts once.
 */
#include "user/model/store.h"

#include <string.h>

struct shelf {
	struct object **items; /* sorted by namespace, name; unique */
	size_t n, room;
};

struct store {
	struct shelf shelves[K8S_KINDS];
	struct pod_index *pods; /* NULL: nobody asked yet, or a pod has changed since */
	struct shelf slices;	/* those of a Service, by namespace, service, name; borrowed */
	unsigned int cluster;	/* kinds that a cluster has; 0: everything is known */
};

struct store *store_new(void)
{
	return xcalloc(1, sizeof(struct store));
}

void store_free(struct store *store)
{
	if (!store)
		return;
	for (size_t kind = 0; kind < K8S_KINDS; kind++) {
		struct shelf *shelf = &store->shelves[kind];

		for (size_t i = 0; i < shelf->n; i++)
			object_free(shelf->items[i]);
		vec_free(shelf);
	}
	vec_free(&store->slices);
	pod_index_free(store->pods);
	free(store);
}

void store_set_cluster(struct store *store, unsigned int kinds)
{
	store->cluster = kinds;
}

bool store_is_cluster(const struct store *store)
{
	return store->cluster;
}

bool store_knows(const struct store *store, enum k8s_kind kind)
{
	return !store->cluster || store->cluster & 1u << kind;
}

static int key_compare(const struct object *object, const char *ns, const char *name)
{
	int order = strcmp(object->ns, ns);

	return order ? order : strcmp(object->name, name);
}

/* Where the key is, or where it belongs. name "" gives the start of a namespace. */
static size_t shelf_search(const struct shelf *shelf, const char *ns, const char *name,
			   bool *ret_found)
{
	size_t first = 0, last = shelf->n;

	*ret_found = false;
	while (first < last) {
		size_t middle = first + (last - first) / 2;
		int order = key_compare(shelf->items[middle], ns, name);

		if (!order) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

/* ------------------------------------------------ slices of a Service -- */

static bool is_service_slice(const struct object *object)
{
	return object->kind == K8S_ENDPOINT_SLICE && object->slice->service;
}

/* name "" gives the start of a Service's slices. */
static int slice_place(const struct object *slice, const char *ns, const char *service,
		       const char *name)
{
	int order = strcmp(slice->ns, ns);

	if (!order)
		order = strcmp(slice->slice->service, service);
	return order ? order : strcmp(slice->name, name);
}

static size_t slices_search(const struct shelf *shelf, const char *ns, const char *service,
			    const char *name)
{
	size_t first = 0, last = shelf->n;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (slice_place(shelf->items[middle], ns, service, name) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

static void shelf_insert(struct shelf *shelf, size_t at, struct object *object)
{
	(void)vec_add(shelf);
	memmove(&shelf->items[at + 1], &shelf->items[at],
		(shelf->n - 1 - at) * sizeof(*shelf->items));
	shelf->items[at] = object;
}

static void shelf_remove(struct shelf *shelf, size_t at)
{
	shelf->n--;
	memmove(&shelf->items[at], &shelf->items[at + 1], (shelf->n - at) * sizeof(*shelf->items));
}

static void slices_add(struct store *store, struct object *object)
{
	if (is_service_slice(object))
		shelf_insert(&store->slices,
			     slices_search(&store->slices, object->ns, object->slice->service,
					   object->name),
			     object);
}

static void slices_drop(struct store *store, const struct object *object)
{
	if (is_service_slice(object))
		shelf_remove(&store->slices, slices_search(&store->slices, object->ns,
							   object->slice->service, object->name));
}

static int slice_compare(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;

	return slice_place(*x, (*y)->ns, (*y)->slice->service, (*y)->name);
}

static void slices_collect(struct store *store)
{
	const struct shelf *all = &store->shelves[K8S_ENDPOINT_SLICE];
	struct shelf *slices = &store->slices;

	slices->n = 0;
	for (size_t i = 0; i < all->n; i++) {
		if (is_service_slice(all->items[i]))
			vec_push(slices, all->items[i]);
	}
	if (slices->n)
		qsort(slices->items, slices->n, sizeof(*slices->items), slice_compare);
}

struct store_view store_slices(const struct store *store, const char *ns, const char *service)
{
	const struct shelf *shelf = &store->slices;
	size_t first = slices_search(shelf, ns, service, ""), last = first;

	while (last < shelf->n && !strcmp(shelf->items[last]->ns, ns) &&
	       !strcmp(shelf->items[last]->slice->service, service))
		last++;
	return (struct store_view){ .items = shelf->n ? shelf->items + first : NULL,
				    .n = last - first };
}

/* ------------------------------------------------------------------- pods -- */

/* What it finds out is no part of what the store says, so that it may do so for any reader. */
const struct pod_index *store_pods(const struct store *store)
{
	const struct shelf *pods = &store->shelves[K8S_POD];

	if (!store->pods)
		((struct store *)store)->pods = pod_index_new(pods->items, pods->n);
	return store->pods;
}

static void pods_changed(struct store *store)
{
	pod_index_free(store->pods);
	store->pods = NULL;
}

/* ---------------------------------------------------------------- changes -- */

struct object *store_swap(struct store *store, struct object *object)
{
	struct shelf *shelf = &store->shelves[object->kind];
	struct object *old = NULL;
	bool found;
	size_t at = shelf_search(shelf, object->ns, object->name, &found);

	if (found) {
		old = shelf->items[at];
		slices_drop(store, old);
		shelf->items[at] = object;
	} else {
		shelf_insert(shelf, at, object);
	}
	slices_add(store, object);
	if (object->kind == K8S_POD)
		pods_changed(store);
	return old;
}

struct object *store_take(struct store *store, enum k8s_kind kind, const char *ns, const char *name)
{
	struct shelf *shelf = &store->shelves[kind];
	struct object *old;
	bool found;
	size_t at = shelf_search(shelf, ns, name, &found);

	if (!found)
		return NULL;
	old = shelf->items[at];
	slices_drop(store, old);
	shelf_remove(shelf, at);
	if (kind == K8S_POD)
		pods_changed(store);
	return old;
}

void store_put(struct store *store, struct object *object)
{
	struct object *old = store_swap(store, object);

	if (old != object)
		object_free(old);
}

bool store_delete(struct store *store, enum k8s_kind kind, const char *ns, const char *name)
{
	struct object *old = store_take(store, kind, ns, name);

	object_free(old);
	return old;
}

const struct object *store_find(const struct store *store, enum k8s_kind kind, const char *ns,
				const char *name)
{
	const struct shelf *shelf = &store->shelves[kind];
	bool found;
	size_t at = shelf_search(shelf, ns, name, &found);

	return found ? shelf->items[at] : NULL;
}

struct store_view store_list(const struct store *store, enum k8s_kind kind, const char *ns)
{
	const struct shelf *shelf = &store->shelves[kind];
	size_t first, last = shelf->n;
	bool found;

	if (!ns)
		return (struct store_view){ .items = shelf->items, .n = shelf->n };
	first = shelf_search(shelf, ns, "", &found);
	for (size_t low = first; low < last;) {
		size_t middle = low + (last - low) / 2;

		if (strcmp(shelf->items[middle]->ns, ns) > 0)
			last = middle;
		else
			low = middle + 1;
	}
	return (struct store_view){ .items = shelf->n ? shelf->items + first : NULL,
				    .n = last - first };
}

/* Where an object was in a bulk load: of two with one name the later one stays. */
struct arrival {
	struct object *object;
	size_t order;
};

static int arrival_compare(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;
	int order = key_compare(x->object, y->object->ns, y->object->name);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void shelf_sort(struct shelf *shelf)
{
	struct arrival *arrivals = xcalloc(shelf->n, sizeof(*arrivals));
	size_t kept = 0;

	for (size_t i = 0; i < shelf->n; i++)
		arrivals[i] = (struct arrival){ .object = shelf->items[i], .order = i };
	qsort(arrivals, shelf->n, sizeof(*arrivals), arrival_compare);
	for (size_t i = 0; i < shelf->n; i++) {
		struct object *object = arrivals[i].object;

		if (kept && !key_compare(shelf->items[kept - 1], object->ns, object->name))
			object_free(shelf->items[--kept]);
		shelf->items[kept++] = object;
	}
	shelf->n = kept;
	free(arrivals);
}

void store_load(struct store *store, struct object_list *list)
{
	bool changed[K8S_KINDS] = { false };

	for (size_t i = 0; i < list->n; i++) {
		struct object *object = list->items[i];

		vec_push(&store->shelves[object->kind], object);
		changed[object->kind] = true;
	}
	for (size_t kind = 0; kind < K8S_KINDS; kind++) {
		if (changed[kind])
			shelf_sort(&store->shelves[kind]);
	}
	if (changed[K8S_ENDPOINT_SLICE])
		slices_collect(store);
	if (changed[K8S_POD])
		pods_changed(store);
	vec_free(list);
}
