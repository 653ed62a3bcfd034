/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what the maps hold, for diff and for show. */
#include <string.h>

#include "user/datapath/bulk.h"
#include "user/datapath/handle.h"

static int id_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int frontend_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_frontend_key));
}

static int range_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_source_range_key));
}

static int read_map(const struct datapath *dp, enum shared_map map, size_t key_size,
		    size_t value_size, struct bulk *ret_bulk, struct err *err)
{
	int r = bulk_read(dp->map[map], key_size, value_size, ret_bulk);

	return r ? err_sys(err, r, "cannot read %s", shared_map_names[map]) : 0;
}

static int read_services(const struct datapath *dp, struct actual *actual, struct err *err)
{
	struct bulk bulk;
	int r = read_map(dp, MAP_NAME, sizeof(uint32_t), sizeof(struct lb_name), &bulk, err);

	if (r)
		return r;
	actual->services = xcalloc(bulk.n, sizeof(*actual->services));
	actual->n_services = bulk.n;
	for (size_t i = 0; i < bulk.n; i++) {
		memcpy(&actual->services[i].id, bulk_key(&bulk, i), sizeof(uint32_t));
		memcpy(&actual->services[i].name, bulk_value(&bulk, i), sizeof(struct lb_name));
	}
	qsort(actual->services, bulk.n, sizeof(*actual->services), id_order);
	bulk_done(&bulk);
	return 0;
}

static int read_frontends(const struct datapath *dp, struct actual *actual, struct err *err)
{
	struct actual_frontend *item;
	struct bulk bulk;
	int r = read_map(dp, MAP_FRONTEND, sizeof(item->key), sizeof(item->value), &bulk, err);

	if (r)
		return r;
	actual->frontends = xcalloc(bulk.n, sizeof(*item));
	actual->n_frontends = bulk.n;
	for (size_t i = 0; i < bulk.n; i++) {
		item = &actual->frontends[i];
		memcpy(&item->key, bulk_key(&bulk, i), sizeof(item->key));
		memcpy(&item->value, bulk_value(&bulk, i), sizeof(item->value));
	}
	qsort(actual->frontends, bulk.n, sizeof(*item), frontend_order);
	bulk_done(&bulk);
	return 0;
}

static int read_ranges(const struct datapath *dp, struct actual *actual, struct err *err)
{
	struct bulk bulk;
	int r = read_map(dp, MAP_SOURCE_RANGE, sizeof(struct lb_source_range_key), sizeof(uint8_t),
			 &bulk, err);

	if (r)
		return r;
	actual->ranges = xcalloc(bulk.n, sizeof(*actual->ranges));
	actual->n_ranges = bulk.n;
	for (size_t i = 0; i < bulk.n; i++)
		memcpy(&actual->ranges[i].key, bulk_key(&bulk, i), sizeof(actual->ranges[i].key));
	qsort(actual->ranges, bulk.n, sizeof(*actual->ranges), range_order);
	bulk_done(&bulk);
	return 0;
}

/* All slots that ever held a backend: a retired one keeps its generation, even without service. */
static void read_backends(const struct datapath *dp, struct actual *actual)
{
	static const struct lb_backend unused;
	VEC(struct actual_backend) found = { 0 };

	for (uint32_t id = 1; id < dp->max[MAP_BACKEND]; id++) {
		if (!memcmp(&dp->backends[id], &unused, sizeof(unused)))
			continue;
		struct actual_backend *backend = vec_add(&found);

		backend->id = id;
		backend->value = dp->backends[id];
	}
	actual->backends = found.items;
	actual->n_backends = found.n;
}

int datapath_snapshot(struct datapath *dp, struct actual *ret_actual, struct err *err)
{
	struct actual actual = {
		.max_services = dp->max[MAP_SERVICE_STATS],
		.max_frontends = dp->max[MAP_FRONTEND],
		.max_backends = dp->max[MAP_BACKEND],
		.max_ranges = dp->max[MAP_SOURCE_RANGE],
		/* No copy: it would be as large as the map, and show less. */
		.slots = dp->slots,
		.n_slots = dp->n_slots,
		.slots_mapped = true,
	};
	int r = read_services(dp, &actual, err);

	r = r ?: read_frontends(dp, &actual, err);
	r = r ?: read_ranges(dp, &actual, err);
	if (r) {
		actual_done(&actual);
		return r;
	}
	read_backends(dp, &actual);
	*ret_actual = actual;
	return 0;
}
