/* SPDX-License-Identifier: Apache-2.0 */
/* What is attached, read once for all checks. */
#include <errno.h>
#include <string.h>

#include "user/cmd/doctor.h"
#include "user/datapath/netlink.h"

/* Each flow is looked up by its backend, of which there may be a hundred thousand. */
struct census {
	struct doctor_datapath *dp;
	uint32_t *services;    /* index of the backend's service, by backend id */
	uint32_t *masqueraded; /* connections, by backend id */
	uint32_t room;
};

static int id_order(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_service *service = item;

	return (*id > service->id) - (*id < service->id);
}

static int count_flow(void *arg, const struct datapath_flow *flow)
{
	struct census *census = arg;
	struct doctor_datapath *dp = census->dp;
	uint32_t service;

	if (addr_is_v4(&flow->client))
		dp->n_flows4++;
	else
		dp->n_flows6++;
	if (flow->backend_id >= census->room)
		return 0;
	service = census->services[flow->backend_id];
	if (service < dp->flows.n) {
		if (flow->state == LB_FLOW_HALF_OPEN)
			dp->flows.items[service].unanswered++;
		else
			dp->flows.items[service].answered++;
	}
	if (flow->flags & LB_FLOW_MASQUERADE &&
	    ++census->masqueraded[flow->backend_id] > dp->most_masqueraded)
		dp->most_masqueraded = census->masqueraded[flow->backend_id];
	return 0;
}

static int count_flows(struct datapath *handle, struct doctor_datapath *dp, struct err *err)
{
	const struct actual *actual = &dp->actual;
	struct census census = { .dp = dp, .room = actual->max_backends };
	int r;

	census.services = xcalloc(census.room, sizeof(*census.services));
	census.masqueraded = xcalloc(census.room, sizeof(*census.masqueraded));
	memset(census.services, 0xff, census.room * sizeof(*census.services));
	for (size_t i = 0; i < actual->n_services; i++)
		vec_push(&dp->flows, ((struct doctor_flows){ .service = actual->services[i].id }));
	for (size_t i = 0; i < actual->n_backends; i++) {
		const struct actual_service *service =
			bsearch(&actual->backends[i].value.service, actual->services,
				actual->n_services, sizeof(*service), id_order);

		if (service && actual->backends[i].id < census.room)
			census.services[actual->backends[i].id] =
				(uint32_t)(service - actual->services);
	}
	r = datapath_each_flow(handle, count_flow, &census, err);
	free(census.services);
	free(census.masqueraded);
	return r;
}

static int counters_load(struct datapath *handle, struct doctor_datapath *dp, struct err *err)
{
	struct datapath_stats stats;
	int r = datapath_read_stats(handle, &dp->actual, &stats, err);

	if (r)
		return r;
	memcpy(dp->reasons, stats.reasons, sizeof(dp->reasons));
	datapath_stats_done(&stats);
	return 0;
}

static void mtus_load(struct doctor_datapath *dp)
{
	char driver[32];

	for (size_t i = 0; i < dp->devices.n; i++)
		netlink_driver(dp->devices.items[i].name, driver, sizeof(driver),
			       vec_add(&dp->mtus));
}

int doctor_datapath_load(const struct cli *cli, bool ask, struct doctor_datapath *ret_dp,
			 struct err *err)
{
	struct doctor_datapath dp = { 0 };
	struct datapath *handle;
	struct err unasked;
	int r = datapath_open(&cli->paths, &handle, err);

	if (r)
		return r;
	dp.max_flows = ((size_t)datapath_meta(handle)->config.flow4_mask + 1) * LB_FLOW_WAYS;
	dp.snat_ports = datapath_meta(handle)->config.snat_count;
	r = datapath_snapshot(handle, &dp.actual, err);
	r = r ?: counters_load(handle, &dp, err);
	r = r ?: datapath_read_devices(handle, &dp.devices, err);
	if (!r)
		mtus_load(&dp);
	r = r ?: attached_read(&cli->paths, &dp.links, err);
	r = r ?: count_flows(handle, &dp, err);
	datapath_close(handle);
	if (!r && ask && explain_open(&cli->paths, &cli->config, &dp.explain, &unasked))
		dp.explain = NULL;
	if (r)
		doctor_datapath_done(&dp);
	else
		*ret_dp = dp;
	return r;
}

void doctor_datapath_done(struct doctor_datapath *dp)
{
	explain_close(dp->explain);
	vec_free(&dp->flows);
	vec_free(&dp->links);
	vec_free(&dp->mtus);
	vec_free(&dp->devices);
	actual_done(&dp->actual);
	*dp = (struct doctor_datapath){ 0 };
}
