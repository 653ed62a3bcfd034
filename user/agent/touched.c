/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/touched.h"

#include <string.h>

#include "user/util/vec.h"

static struct touched_service *service_add(struct touched *touched, const char *ns,
					   const char *name)
{
	touched->services =
		vec_grow(touched->services, touched->n, &touched->room, sizeof(*touched->services));
	touched->services[touched->n] =
		(struct touched_service){ .ns = xstrdup(ns), .name = xstrdup(name) };
	return &touched->services[touched->n++];
}

void touched_endpoints(struct touched *touched, const char *ns, const char *service)
{
	(void)service_add(touched, ns, service);
}

void touched_service(struct touched *touched, const char *ns, const char *name, struct object *old)
{
	struct touched_service *service = service_add(touched, ns, name);

	service->changed = true;
	service->old = old;
	if (old)
		vec_push(&touched->old, old);
}

bool touched_any(const struct touched *touched)
{
	return touched->n || touched->came.n || touched->went.n;
}

static void service_free(struct touched_service *service)
{
	free((char *)service->ns);
	free((char *)service->name);
}

/* Where a service was in the order of events: the sort must not lose who came first. */
struct arrival {
	struct touched_service service;
	size_t order;
};

static int arrival_compare(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;
	int order = strcmp(x->service.ns, y->service.ns);

	if (!order)
		order = strcmp(x->service.name, y->service.name);
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static bool same_service(const struct touched_service *a, const struct touched_service *b)
{
	return !strcmp(a->ns, b->ns) && !strcmp(a->name, b->name);
}

/* Of several changes the first one has the object that is known; the others were between. */
void touched_sort(struct touched *touched)
{
	struct arrival *arrivals = xcalloc(touched->n, sizeof(*arrivals));
	size_t kept = 0;

	for (size_t i = 0; i < touched->n; i++)
		arrivals[i] = (struct arrival){ touched->services[i], i };
	qsort(arrivals, touched->n, sizeof(*arrivals), arrival_compare);
	for (size_t i = 0; i < touched->n; i++) {
		struct touched_service *next = &arrivals[i].service;
		struct touched_service *last = kept ? &touched->services[kept - 1] : NULL;

		if (!last || !same_service(last, next)) {
			touched->services[kept++] = *next;
			continue;
		}
		if (next->changed && !last->changed) {
			last->changed = true;
			last->old = next->old;
		}
		service_free(next);
	}
	touched->n = kept;
	free(arrivals);
}

void touched_clear(struct touched *touched)
{
	for (size_t i = 0; i < touched->n; i++)
		service_free(&touched->services[i]);
	for (size_t i = 0; i < touched->old.n; i++)
		object_free(touched->old.items[i]);
	free(touched->services);
	vec_free(&touched->came);
	vec_free(&touched->went);
	vec_free(&touched->old);
	*touched = (struct touched){ 0 };
}
