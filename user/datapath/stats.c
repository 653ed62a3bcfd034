/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/stats.h"

#include <bpf/bpf.h>
#include <string.h>

#include "user/datapath/bulk.h"
#include "user/util/cleanup.h"

static void stats_add(struct lb_stats *sum, const struct lb_stats *stats)
{
	sum->packets += stats->packets;
	sum->bytes += stats->bytes;
	sum->connections += stats->connections;
	sum->drops += stats->drops;
}

static struct lb_stats *stats_room(const struct datapath *dp)
{
	return xcalloc((size_t)dp->cpus, sizeof(struct lb_stats));
}

static int stats_lookup(const struct datapath *dp, enum shared_map map, uint32_t id,
			void *ret_values, struct err *err)
{
	int r = bpf_map_lookup_elem(dp->map[map], &id, ret_values);

	return r ? err_sys(err, r, "cannot read %s[%u]", shared_map_names[map], id) : 0;
}

static int stats_update(const struct datapath *dp, enum shared_map map, uint32_t id,
			const void *values, struct err *err)
{
	int r = bpf_map_update_elem(dp->map[map], &id, values, BPF_ANY);

	return r ? err_sys(err, r, "cannot write %s[%u]", shared_map_names[map], id) : 0;
}

/* A backend's counters on a CPU; NULL: of programs for test runs, which keep none. */
static struct lb_stats *stats_of(const struct datapath *dp, uint32_t backend, int cpu)
{
	uint32_t backends = dp->max[MAP_BACKEND_STATS] / (uint32_t)dp->cpus;

	return backend < backends ? &dp->counters[(uint32_t)cpu * backends + backend] : NULL;
}

static struct lb_stats stats_sum(const struct datapath *dp, uint32_t backend)
{
	struct lb_stats sum = { 0 };

	for (int cpu = 0; cpu < dp->cpus; cpu++) {
		const struct lb_stats *stats = stats_of(dp, backend, cpu);

		if (stats)
			stats_add(&sum, stats);
	}
	return sum;
}

int stats_fold(struct datapath *dp, uint32_t backend, uint32_t service, struct err *err)
{
	cleanup_free struct lb_stats *to = stats_room(dp);
	struct lb_stats sum = stats_sum(dp, backend);
	int r = 0;

	if (!(sum.packets | sum.connections))
		return 0;
	if (service)
		r = stats_lookup(dp, MAP_SERVICE_STATS, service, to, err);
	for (int cpu = 0; cpu < dp->cpus && !r; cpu++) {
		struct lb_stats *from = stats_of(dp, backend, cpu);

		stats_add(&to[cpu], from);
		*from = (struct lb_stats){ 0 };
	}
	return r || !service ? r : stats_update(dp, MAP_SERVICE_STATS, service, to, err);
}

int stats_clear_services(struct datapath *dp, const struct plan_op *ops, size_t n, struct err *err)
{
	cleanup_free struct lb_stats *zero = stats_room(dp);
	struct bulk bulk = { .key_size = sizeof(uint32_t),
			     .value_size = (size_t)dp->cpus * sizeof(*zero) };
	int r;

	for (size_t i = 0; i < n; i++) {
		if (!ops[i].change && ops[i].service.id < dp->max[MAP_SERVICE_STATS])
			bulk_add(&bulk, &ops[i].service.id, zero);
	}
	r = bulk_write(dp->map[MAP_SERVICE_STATS], &bulk);
	bulk_done(&bulk);
	return r ? err_sys(err, r, "cannot clear counters of services") : 0;
}

/* ------------------------------------------------------------------- show -- */

static int sum_service(const struct datapath *dp, uint32_t id, struct lb_stats *sum,
		       struct err *err)
{
	cleanup_free struct lb_stats *values = stats_room(dp);
	int r = stats_lookup(dp, MAP_SERVICE_STATS, id, values, err);

	for (int cpu = 0; cpu < dp->cpus && !r; cpu++)
		stats_add(sum, &values[cpu]);
	return r;
}

static int sum_reasons(const struct datapath *dp, struct datapath_stats *stats, struct err *err)
{
	cleanup_free struct lb_reason_stats *values =
		xcalloc((size_t)dp->cpus, sizeof(struct lb_reason_stats));
	int r = 0;

	for (uint32_t reason = 0; reason < LB_REASON_COUNT && !r; reason++) {
		r = stats_lookup(dp, MAP_REASON_STATS, reason, values, err);
		for (int cpu = 0; cpu < dp->cpus && !r; cpu++) {
			stats->reasons[reason].packets += values[cpu].packets;
			stats->reasons[reason].bytes += values[cpu].bytes;
		}
	}
	return r;
}

static int sum_evictions(const struct datapath *dp, struct datapath_stats *stats, struct err *err)
{
	cleanup_free uint64_t *values = xcalloc((size_t)dp->cpus, sizeof(*values));
	int r = 0;

	for (uint32_t i = 0; i < LB_EVICTIONS && !r; i++) {
		r = stats_lookup(dp, MAP_EVICTIONS, i, values, err);
		for (int cpu = 0; cpu < dp->cpus && !r; cpu++)
			stats->evictions[i] += values[cpu];
	}
	return r;
}

static int service_id_order(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_service *service = item;

	return (*id > service->id) - (*id < service->id);
}

static void add_to_service(const struct actual *actual, struct datapath_stats *stats,
			   size_t backend)
{
	const struct actual_service *service =
		bsearch(&actual->backends[backend].value.service, actual->services,
			actual->n_services, sizeof(*service), service_id_order);

	if (service)
		stats_add(&stats->services[service - actual->services], &stats->backends[backend]);
}

int datapath_read_stats(struct datapath *dp, const struct actual *actual,
			struct datapath_stats *ret_stats, struct err *err)
{
	struct datapath_stats stats = {
		.services = xcalloc(actual->n_services, sizeof(*stats.services)),
		.backends = xcalloc(actual->n_backends, sizeof(*stats.backends)),
	};
	int r = sum_reasons(dp, &stats, err);

	r = r ?: sum_evictions(dp, &stats, err);
	for (size_t i = 0; i < actual->n_services && !r; i++)
		r = sum_service(dp, actual->services[i].id, &stats.services[i], err);
	for (size_t i = 0; i < actual->n_backends && !r; i++) {
		stats.backends[i] = stats_sum(dp, actual->backends[i].id);
		add_to_service(actual, &stats, i);
	}
	if (r)
		datapath_stats_done(&stats);
	else
		*ret_stats = stats;
	return r;
}

void datapath_stats_done(struct datapath_stats *stats)
{
	free(stats->services);
	free(stats->backends);
	*stats = (struct datapath_stats){ 0 };
}

bool datapath_reason_is_bad(enum lb_reason reason)
{
	return reason != LB_REASON_NOT_OURS && reason != LB_REASON_FORWARDED &&
	       reason != LB_REASON_UNSUPPORTED && reason != LB_REASON_NAME;
}
