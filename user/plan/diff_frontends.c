/* SPDX-License-Identifier: Apache-2.0 */
/* Frontends and source ranges: sorted lists, merged. */
#include <errno.h>

#include "user/plan/diff.h"

struct wanted_frontend {
	struct actual_frontend entry; /* the key is its first member */
	uint32_t backends;
};

static int frontend_key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_frontend_key));
}

static struct wanted_frontend *frontends_wanted(const struct diff *diff, size_t *ret_n)
{
	const struct desired *desired = diff->desired;
	struct wanted_frontend *list;
	size_t n = 0;

	for (size_t i = 0; i < desired->n_services; i++)
		n += desired->services[i].n_frontends;
	list = xcalloc(n, sizeof(*list));
	*ret_n = n;
	n = 0;
	for (size_t i = 0; i < desired->n_services; i++) {
		const struct desired_service *service = &desired->services[i];

		for (size_t j = 0; j < service->n_frontends; j++) {
			struct wanted_frontend *wanted = &list[n++];
			struct lb_frontend *value = &wanted->entry.value;

			wanted->entry.key = service->frontends[j].key;
			wanted->backends = diff->n_cluster[i];
			value->service = diff->service_ids[i];
			value->flags = service->frontends[j].flags;
			value->cluster = diff->cluster[i];
			if (value->flags & LB_FRONTEND_LOCAL)
				value->local = diff->local[i];
			value->affinity = service->name.affinity;
		}
	}
	qsort(list, n, sizeof(*list), frontend_key_compare);
	return list;
}

static void frontend_set(struct diff *diff, const struct wanted_frontend *wanted, bool change)
{
	struct plan_op *op = diff_add(diff, PLAN_FRONTEND_SET);

	op->change = change;
	op->frontend.key = wanted->entry.key;
	op->frontend.value = wanted->entry.value;
	op->frontend.backends = wanted->backends;
}

static void frontend_delete(struct diff *diff, const struct actual_frontend *held)
{
	struct plan_op *op = diff_add(diff, PLAN_FRONTEND_DELETE);

	op->frontend.key = held->key;
	op->frontend.value = held->value;
}

static void frontends_merge(struct diff *diff, const struct wanted_frontend *wanted, size_t n,
			    const struct actual_frontend *held)
{
	size_t n_held = diff->actual->n_frontends, at = 0;

	for (size_t i = 0; i < n; i++) {
		int order = 1;

		while (at < n_held) {
			order = frontend_key_compare(&held[at], &wanted[i]);
			if (order >= 0)
				break;
			frontend_delete(diff, &held[at++]);
		}
		if (at == n_held || order) {
			frontend_set(diff, &wanted[i], false);
			continue;
		}
		if (memcmp(&held[at].value, &wanted[i].entry.value, sizeof(held->value)) != 0)
			frontend_set(diff, &wanted[i], true);
		at++;
	}
	while (at < n_held)
		frontend_delete(diff, &held[at++]);
}

/* A map holds the new entries before the old ones go, and must have room for both. */
static int room_check(struct diff *diff, const char *map, size_t n_held, uint32_t max,
		      enum plan_kind set)
{
	const struct plan *phase = &diff->phases[set];
	size_t needed = n_held;

	for (size_t i = 0; i < phase->n; i++)
		needed += !phase->ops[i].change;
	if (needed <= max)
		return 0;
	return err_set(diff->err, -ENOSPC, "%s: room for %u, %zu are needed", map, max, needed);
}

int diff_frontends(struct diff *diff)
{
	const struct actual *actual = diff->actual;
	struct actual_frontend *held = xcalloc(actual->n_frontends, sizeof(*held));
	struct wanted_frontend *wanted;
	size_t n;

	if (actual->n_frontends)
		memcpy(held, actual->frontends, actual->n_frontends * sizeof(*held));
	qsort(held, actual->n_frontends, sizeof(*held), frontend_key_compare);
	wanted = frontends_wanted(diff, &n);
	frontends_merge(diff, wanted, n, held);
	free(wanted);
	free(held);
	return room_check(diff, "lb_frontend", actual->n_frontends, actual->max_frontends,
			  PLAN_FRONTEND_SET);
}

/* ---------------------------------------------------------- source ranges -- */

struct range_keys {
	struct lb_source_range_key *items;
	size_t n, room;
};

static int range_key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_source_range_key));
}

static bool service_is_guarded(const struct desired_service *service)
{
	for (size_t i = 0; i < service->n_frontends; i++) {
		if (service->frontends[i].flags & LB_FRONTEND_SOURCE_RANGES)
			return true;
	}
	return false;
}

/* The service's id comes first in the key: 32 bits, then the prefix of the mapped address. */
static struct lb_source_range_key range_key(const struct prefix *prefix, uint32_t service)
{
	return (struct lb_source_range_key){
		.prefixlen = 32 + (prefix->v4 ? 96 : 0) + prefix->bits,
		.service = service,
		.addr = prefix->addr,
	};
}

static void ranges_wanted(const struct diff *diff, struct range_keys *keys)
{
	size_t kept = 0;

	for (size_t i = 0; i < diff->desired->n_services; i++) {
		const struct desired_service *service = &diff->desired->services[i];

		if (!service_is_guarded(service))
			continue;
		for (size_t j = 0; j < service->n_source_ranges; j++)
			vec_push(keys, range_key(&service->source_ranges[j], diff->service_ids[i]));
	}
	if (!keys->n)
		return;
	qsort(keys->items, keys->n, sizeof(*keys->items), range_key_compare);
	for (size_t i = 0; i < keys->n; i++) {
		if (!kept || range_key_compare(&keys->items[kept - 1], &keys->items[i]))
			keys->items[kept++] = keys->items[i];
	}
	keys->n = kept;
}

int diff_ranges(struct diff *diff)
{
	const struct actual *actual = diff->actual;
	struct actual_range *held = xcalloc(actual->n_ranges, sizeof(*held));
	struct range_keys wanted = { 0 };
	size_t i = 0, at = 0;

	if (actual->n_ranges)
		memcpy(held, actual->ranges, actual->n_ranges * sizeof(*held));
	qsort(held, actual->n_ranges, sizeof(*held), range_key_compare);
	ranges_wanted(diff, &wanted);
	while (i < wanted.n || at < actual->n_ranges) {
		int order = i == wanted.n ? 1
			    : at == actual->n_ranges
				    ? -1
				    : range_key_compare(&wanted.items[i], &held[at]);

		if (order < 0)
			diff_add(diff, PLAN_RANGE_SET)->range = wanted.items[i];
		else if (order > 0)
			diff_add(diff, PLAN_RANGE_DELETE)->range = held[at].key;
		i += order <= 0;
		at += order >= 0;
	}
	free(held);
	vec_free(&wanted);
	return room_check(diff, "lb_source_range", actual->n_ranges, actual->max_ranges,
			  PLAN_RANGE_SET);
}
