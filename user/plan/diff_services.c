/* SPDX-License-Identifier: Apache-2.0 */
/* Services and their ids. */
#include <arpa/inet.h>
#include <errno.h>

#include "user/plan/diff.h"

static int key_compare(const struct lb_name *x, const struct lb_name *y)
{
	int order = strncmp(x->namespace, y->namespace, sizeof(x->namespace));

	if (!order)
		order = strncmp(x->name, y->name, sizeof(x->name));
	if (!order)
		order = (int)ntohs(x->port) - (int)ntohs(y->port);
	if (!order)
		order = (int)x->proto - (int)y->proto;
	return order ? order : (x->flags & LB_NAME_IPV6) - (y->flags & LB_NAME_IPV6);
}

static int service_compare(const void *a, const void *b)
{
	const struct actual_service *const *x = a, *const *y = b;
	int order = key_compare(&(*x)->name, &(*y)->name);

	return order ? order : ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static void id_use(const struct diff *diff, bool *used, uint32_t id)
{
	if (id < diff->actual->max_services)
		used[id] = true;
}

/* Every id that anything in the maps carries: a new service must not inherit any of it. */
static bool *ids_used(const struct diff *diff)
{
	const struct actual *actual = diff->actual;
	bool *used = xcalloc(actual->max_services, sizeof(*used));

	id_use(diff, used, 0);
	for (size_t i = 0; i < actual->n_services; i++)
		id_use(diff, used, actual->services[i].id);
	for (size_t i = 0; i < actual->n_frontends; i++)
		id_use(diff, used, actual->frontends[i].value.service);
	for (size_t i = 0; i < actual->n_backends; i++)
		id_use(diff, used, actual->backends[i].value.service);
	for (size_t i = 0; i < actual->n_ranges; i++)
		id_use(diff, used, actual->ranges[i].key.service);
	return used;
}

static void service_set(struct diff *diff, size_t index, bool change)
{
	struct plan_op *op = diff_add(diff, PLAN_SERVICE_SET);

	op->change = change;
	op->service.id = diff->service_ids[index];
	op->service.name = diff->desired->services[index].name;
}

static void service_delete(struct diff *diff, const struct actual_service *service)
{
	struct plan_op *op = diff_add(diff, PLAN_SERVICE_DELETE);

	op->service.id = service->id;
	op->service.name = service->name;
}

static void services_match(struct diff *diff, const struct actual_service **held)
{
	const struct desired *desired = diff->desired;
	size_t n_held = diff->actual->n_services, at = 0;

	for (size_t i = 0; i < desired->n_services; i++) {
		const struct lb_name *name = &desired->services[i].name;

		while (at < n_held && key_compare(&held[at]->name, name) < 0)
			service_delete(diff, held[at++]);
		if (at == n_held || key_compare(&held[at]->name, name))
			continue;
		diff->service_ids[i] = held[at]->id;
		diff->service_known[i] = true;
		diff->service_stays[held[at]->id] = true;
		if (memcmp(&held[at]->name, name, sizeof(*name)) != 0)
			service_set(diff, i, true);
		at++;
	}
	while (at < n_held)
		service_delete(diff, held[at++]);
}

static int services_number(struct diff *diff)
{
	bool *used = ids_used(diff);
	uint32_t next = 1;
	int rc = 0;

	for (size_t i = 0; i < diff->desired->n_services && !rc; i++) {
		if (diff->service_known[i])
			continue;
		while (next < diff->actual->max_services && used[next])
			next++;
		if (next >= diff->actual->max_services) {
			rc = err_set(diff->err, -ENOSPC,
				     "lb_name: room for %u service ports, %zu are needed",
				     diff->actual->max_services, diff->desired->n_services);
			break;
		}
		diff->service_ids[i] = next;
		diff->service_stays[next++] = true;
		service_set(diff, i, false);
	}
	free(used);
	return rc;
}

int diff_services(struct diff *diff)
{
	const struct actual *actual = diff->actual;
	const struct actual_service **held = xcalloc(actual->n_services, sizeof(*held));

	for (size_t i = 0; i < actual->n_services; i++)
		held[i] = &actual->services[i];
	qsort(held, actual->n_services, sizeof(*held), service_compare);
	services_match(diff, held);
	free(held);
	return services_number(diff);
}
