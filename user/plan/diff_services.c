/* SPDX-License-Identifier: Apache-2.0 */
/* Services and their ids. */
#include <errno.h>
#include <string.h>

#include "user/plan/diff.h"

static struct lb_name *name_copy(const struct lb_name *name)
{
	return memcpy(xmalloc(sizeof(*name)), name, sizeof(*name));
}

static void service_set(struct diff *diff, size_t place, bool change)
{
	struct plan_op *op = diff_add(diff, PLAN_SERVICE_SET);

	op->change = change;
	op->service.id = diff->service_ids[place];
	op->service.name = name_copy(&diff_service(diff, place)->name);
}

static void service_delete(struct diff *diff, uint32_t id, const struct lb_name *name)
{
	struct plan_op *op = diff_add(diff, PLAN_SERVICE_DELETE);

	op->service.id = id;
	op->service.name = name_copy(name);
}

static void services_match(struct diff *diff)
{
	for (size_t i = 0; i < diff->n; i++) {
		const struct lb_name *name = &diff_service(diff, i)->name;
		uint32_t id = index_find(diff->index, diff->actual, name);

		if (!id)
			continue;
		diff->service_ids[i] = id;
		diff->service_known[i] = true;
		diff->leaves[id] = false;
		if (memcmp(&actual_service_find(diff->actual, id)->name, name, sizeof(*name)) != 0)
			service_set(diff, i, true);
	}
}

static void services_leave(struct diff *diff)
{
	const struct actual *actual = diff->actual;

	for (size_t i = 0; diff->change && i < diff->change->n_left; i++) {
		const struct lb_name *name = &diff->change->left[i];
		uint32_t id = index_find(diff->index, actual, name);

		if (!id)
			continue;
		diff->leaves[id] = true;
		service_delete(diff, id, name);
	}
	for (size_t i = 0; !diff->change && i < actual->n_services; i++) {
		uint32_t id = actual->services[i].id;

		if (id >= actual->max_services || diff->leaves[id])
			service_delete(diff, id, &actual->services[i].name);
	}
}

/* Not one that anything in the maps carries: a new service must not inherit any of it. */
static int services_number(struct diff *diff)
{
	const struct plan_index *index = diff->index;
	uint32_t next = index->first_service;

	for (size_t i = 0; i < diff->n; i++) {
		if (diff->service_known[i])
			continue;
		while (next < index->max_services && index->services[next].uses)
			next++;
		if (next >= index->max_services)
			return err_set(diff->err, -ENOSPC,
				       "lb_name: room for %u service ports, %zu are needed",
				       diff->actual->max_services, diff->desired->n_services);
		diff->service_ids[i] = next;
		diff->leaves[next++] = false;
		service_set(diff, i, false);
	}
	return 0;
}

int diff_services(struct diff *diff)
{
	services_match(diff);
	services_leave(diff);
	return services_number(diff);
}
