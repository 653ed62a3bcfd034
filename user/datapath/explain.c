/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/explain_parts.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>

#include "lb/maps.h"
#include "user/datapath/devices.h"
#include "user/datapath/privilege.h"
#include "user/datapath/settings.h"
#include "user/util/cleanup.h"

#define LOOPBACK_IFINDEX 1 /* of every network namespace; what a test run names by itself */
#define ASSUMED_HZ 1000	   /* own maps hold nothing that has an age */

static const bool explain_objects[OBJECT_COUNT] = {
	[OBJECT_XDP] = true,
	[OBJECT_TC] = true,
	[OBJECT_ASK] = true,
};

/* What a question reads of an instance. All else, it writes. */
static const enum shared_map explain_maps[] = {
	MAP_FRONTEND, MAP_BLOOM,	MAP_MAGLEV, MAP_BACKEND,
	MAP_AFFINITY, MAP_SOURCE_RANGE, MAP_NAME,   MAP_DEVICE,
};

static struct explain *explain_new(void)
{
	struct explain *explain = xcalloc(1, sizeof(*explain));

	programs_init(&explain->load.programs);
	return explain;
}

void explain_close(struct explain *explain)
{
	if (!explain)
		return;
	datapath_close(explain->dp);
	load_done(&explain->load);
	vec_free(&explain->addresses);
	vec_free(&explain->devices);
	vec_free(&explain->filled);
	free(explain);
}

bool explain_is_attached(const struct explain *explain)
{
	return explain->attached;
}

const struct lb_config *explain_config(const struct explain *explain)
{
	return &explain->config;
}

bool explain_has_sockets(const struct explain *explain)
{
	return !explain->attached || datapath_cgroup(explain->dp);
}

/* ------------------------------------------------------------------- open -- */

static void maps_none(struct load_maps *maps)
{
	for (int i = 0; i < MAP_COUNT; i++)
		maps->fd[i] = -EBADF;
}

static int explain_load(struct explain *explain, struct load_maps *maps, struct err *err)
{
	int r;

	explain->config.dry_run = true;
	r = load_private(maps, &explain->config, explain_objects, &explain->load, err);
	if (r)
		return r;
	explain->flow4 = maps->fd[MAP_FLOW4];
	explain->flow6 = maps->fd[MAP_FLOW6];
	return 0;
}

static int attached_view(struct explain *explain, const struct config *config, struct err *err)
{
	struct device_view view;
	int r = datapath_read_devices(explain->dp, &explain->devices, err);

	r = r ?: device_view_load(config, &view, err);
	if (r)
		return r;
	for (size_t i = 0; i < explain->devices.n; i++)
		if (explain->devices.items[i].value.flags & LB_DEVICE_NIC)
			device_view_add_nic(&view, explain->devices.items[i].ifindex);
	device_addresses(&view, &explain->addresses);
	device_view_done(&view);
	return 0;
}

int explain_open(const struct paths *paths, const struct config *config,
		 struct explain **ret_explain, struct err *err)
{
	struct explain *explain = explain_new();
	struct load_maps maps;
	int r = datapath_open(paths, &explain->dp, err);

	explain->attached = true;
	r = r ?: attached_view(explain, config, err);
	if (!r) {
		maps_none(&maps);
		for (size_t i = 0; i < ARRAY_LEN(explain_maps); i++)
			maps.fd[explain_maps[i]] = explain->dp->map[explain_maps[i]];
		explain->config = datapath_meta(explain->dp)->config;
		r = explain_load(explain, &maps, err);
	}
	if (r)
		explain_close(explain);
	else
		*ret_explain = explain;
	return r;
}

int explain_addresses(const struct config *config, struct addr_list *ret_addresses, struct err *err)
{
	struct device_view view;
	int r = device_view_load(config, &view, err);

	if (r)
		return r;
	for (size_t i = 0; i < view.addrs.n; i++)
		device_view_add_nic(&view, view.addrs.items[i].ifindex);
	device_addresses(&view, ret_addresses);
	device_view_done(&view);
	return 0;
}

/* One device stands for all: the packets of test runs arrive at it. */
static int unattached_view(struct explain *explain, const struct config *config, struct err *err)
{
	struct lb_device device = { .flags = LB_DEVICE_NIC };
	uint32_t ifindex = LOOPBACK_IFINDEX;
	int r = explain_addresses(config, &explain->addresses, err);

	if (r)
		return r;
	for (size_t i = explain->addresses.n; i-- > 0;) {
		const struct lb_addr *addr = &explain->addresses.items[i];

		*(addr_is_v4(addr) ? &device.addr4 : &device.addr6) = *addr;
	}
	r = bpf_map_update_elem(explain->dp->map[MAP_DEVICE], &ifindex, &device, BPF_ANY);
	return r ? err_sys(err, r, "cannot write lb_device") : 0;
}

int explain_open_empty(const struct config *config, uint32_t slots, struct explain **ret_explain,
		       struct err *err)
{
	struct explain *explain = explain_new();
	struct load_maps maps = { .slots = slots ? slots : 1 };
	int r = privilege_check(err);

	maps_none(&maps);
	r = r ?: settings_make(config, ASSUMED_HZ, 0, &explain->config, err);
	r = r ?: explain_load(explain, &maps, err);
	r = r ?: handle_adopt(maps.fd, &explain->dp, err);
	r = r ?: unattached_view(explain, config, err);
	if (r)
		explain_close(explain);
	else
		*ret_explain = explain;
	return r;
}

/* ------------------------------------------------------------------- fill -- */

/* Takes an operation of a plan for empty maps back. Tables stay: no frontend names them. */
static void fill_undo(struct explain *explain, const struct plan_op *op)
{
	static const struct lb_backend unused;

	switch (op->kind) {
	case PLAN_SERVICE_SET:
		bpf_map_delete_elem(explain->dp->map[MAP_NAME], &op->service.id);
		break;
	case PLAN_BACKEND_SET:
		explain->dp->backends[op->backend.id] = unused;
		break;
	case PLAN_RANGE_SET:
		bpf_map_delete_elem(explain->dp->map[MAP_SOURCE_RANGE], &op->range);
		break;
	case PLAN_FRONTEND_SET:
		bpf_map_delete_elem(explain->dp->map[MAP_FRONTEND], &op->frontend.key);
		break;
	default:
		break;
	}
}

int explain_fill(struct explain *explain, const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < explain->filled.n; i++)
		fill_undo(explain, &explain->filled.items[i]);
	explain->filled.n = 0;
	for (size_t i = 0; i < plan->n; i++)
		if (plan->ops[i].kind != PLAN_MAGLEV_SET)
			vec_push(&explain->filled, plan->ops[i]);
	return apply_plan(explain->dp, plan, err);
}

/* ----------------------------------------------------------------- origin -- */

static bool addr_is_loopback(const struct lb_addr *addr)
{
	if (addr_is_v4(addr))
		return ntohl(addr->word[3]) >> 24 == 127;
	return !addr->word[0] && !addr->word[1] && !addr->word[2] && addr->word[3] == htonl(1);
}

/* By the configuration that the programs have, not by the one of the file. */
static bool addr_is_pod(const struct explain *explain, const struct lb_addr *addr)
{
	for (uint32_t i = 0; i < explain->config.pod_cidrs && i < LB_POD_CIDRS; i++) {
		const struct lb_prefix *prefix = &explain->config.pod_cidr[i];
		bool inside = true;

		for (int j = 0; j < 4; j++)
			inside = inside &&
				 (addr->word[j] & prefix->mask.word[j]) == prefix->addr.word[j];
		if (inside)
			return true;
	}
	return false;
}

enum explain_origin explain_origin(const struct explain *explain, const struct lb_addr *from)
{
	if (addr_is_loopback(from))
		return EXPLAIN_NODE;
	for (size_t i = 0; i < explain->addresses.n; i++)
		if (!addr_compare(&explain->addresses.items[i], from))
			return EXPLAIN_NODE;
	return addr_is_pod(explain, from) ? EXPLAIN_POD : EXPLAIN_OUTSIDE;
}

struct lb_addr explain_node_source(const struct explain *explain, const struct lb_addr *to)
{
	struct lb_addr none = { .word = { 0, 0, addr_is_v4(to) ? htonl(0xffff) : 0, 0 } };

	if (addr_is_loopback(to))
		return *to;
	for (size_t i = 0; i < explain->addresses.n; i++)
		if (addr_is_v4(&explain->addresses.items[i]) == addr_is_v4(to))
			return explain->addresses.items[i];
	return none;
}
