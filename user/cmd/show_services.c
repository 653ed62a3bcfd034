/* SPDX-License-Identifier: Apache-2.0 */
/* show svc, show endpoints */
#include <string.h>

#include "user/cmd/show.h"

static const char *const type_texts[] = {
	[LB_SERVICE_CLUSTER_IP] = "ClusterIP",
	[LB_SERVICE_NODE_PORT] = "NodePort",
	[LB_SERVICE_LOAD_BALANCER] = "LoadBalancer",
};

/* What rows are made from. */
struct view {
	struct actual actual;
	struct datapath_stats stats;
};

static int view_load(struct show *show, struct view *ret_view, struct err *err)
{
	struct view view;
	int r = datapath_snapshot(show->dp, &view.actual, err);

	if (r)
		return r;
	r = datapath_read_stats(show->dp, &view.actual, &view.stats, err);
	if (r)
		actual_done(&view.actual);
	else
		*ret_view = view;
	return r;
}

static void view_done(struct view *view)
{
	datapath_stats_done(&view->stats);
	actual_done(&view->actual);
}

/* Services of several thousand ports want no search through all backends for each. */
struct group {
	json_t *frontends, *backends;
};

static const char *type_text(uint8_t type)
{
	return type < sizeof(type_texts) / sizeof(*type_texts) ? type_texts[type] : "?";
}

static const char *state_text(const struct lb_backend *backend)
{
	if (backend->flags & LB_BACKEND_GONE)
		return "gone";
	if (backend->flags & LB_BACKEND_DRAINING)
		return "draining";
	return backend->flags & LB_BACKEND_TERMINATING ? "terminating" : "active";
}

static int id_order(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_service *service = item;

	return (*id > service->id) - (*id < service->id);
}

static const struct actual_service *service_find(const struct actual *actual, uint32_t id)
{
	return bsearch(&id, actual->services, actual->n_services, sizeof(*actual->services),
		       id_order);
}

/* Frontends and backends by service, in one pass over each. */
static struct group *groups_make(const struct actual *actual)
{
	struct group *groups = xcalloc(actual->n_services, sizeof(*groups));
	const struct actual_service *service;

	for (size_t i = 0; i < actual->n_services; i++)
		groups[i] = (struct group){ json_array(), json_array() };
	for (size_t i = 0; i < actual->n_frontends; i++) {
		const struct actual_frontend *frontend = &actual->frontends[i];

		service = service_find(actual, frontend->value.service);
		if (service && frontend->key.port) /* port 0 is for ping */
			json_array_append_new(
				groups[service - actual->services].frontends,
				show_addr_port(&frontend->key.addr, frontend->key.port));
	}
	for (size_t i = 0; i < actual->n_backends; i++) {
		const struct lb_backend *backend = &actual->backends[i].value;

		service = service_find(actual, backend->service);
		if (service)
			json_array_append_new(
				groups[service - actual->services].backends,
				json_pack("{s:o, s:s, s:i}", "address",
					  show_addr_port(&backend->addr, backend->port), "state",
					  state_text(backend), "weight", backend->weight));
	}
	return groups;
}

/* The policy of clients outside; of a service without outside, that of the inside. */
static const char *policy_text(const struct lb_name *name)
{
	uint8_t flag = name->type == LB_SERVICE_CLUSTER_IP ? LB_NAME_INTERNAL_LOCAL
							   : LB_NAME_EXTERNAL_LOCAL;

	return name->flags & flag ? "Local" : "Cluster";
}

static json_t *service_row(const struct lb_name *name, const struct group *group,
			   const struct lb_stats *stats)
{
	return json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:I}",
		"namespace", name->namespace, "name", name->name, "port", ntohs(name->port),
		"portName", name->port_name, "protocol", show_protocol(name->proto), "type",
		type_text(name->type), "frontends", group->frontends, "backends", group->backends,
		"affinity", name->affinity ? "ClientIP" : "None", "policy", policy_text(name),
		"packets", (json_int_t)stats->packets, "bytes", (json_int_t)stats->bytes,
		"connections", (json_int_t)stats->connections, "drops", (json_int_t)stats->drops);
}

static int row_order(const void *a, const void *b)
{
	const struct actual_service *const *x = a, *const *y = b;
	int order = strcmp((*x)->name.namespace, (*y)->name.namespace);

	if (!order)
		order = strcmp((*x)->name.name, (*y)->name.name);
	if (!order)
		order = (int)ntohs((*x)->name.port) - (int)ntohs((*y)->name.port);
	if (!order)
		order = (int)(*x)->name.proto - (int)(*y)->name.proto;
	return order ? order : id_order(&(*x)->id, *y);
}

static const struct actual_service **services_sorted(const struct actual *actual)
{
	const struct actual_service **sorted = xcalloc(actual->n_services + 1, sizeof(*sorted));

	for (size_t i = 0; i < actual->n_services; i++)
		sorted[i] = &actual->services[i];
	qsort(sorted, actual->n_services, sizeof(*sorted), row_order);
	return sorted;
}

static int svc_rows(struct show *show, json_t *rows, struct err *err)
{
	const struct actual_service **sorted;
	struct group *groups;
	struct view view;
	int r = view_load(show, &view, err);

	if (r)
		return r;
	groups = groups_make(&view.actual);
	sorted = services_sorted(&view.actual);
	for (size_t i = 0; i < view.actual.n_services; i++) {
		size_t at = (size_t)(sorted[i] - view.actual.services);
		json_t *row = service_row(&sorted[i]->name, &groups[at], &view.stats.services[at]);

		if (show_skips(show, sorted[i]->name.namespace))
			json_decref(row);
		else
			json_array_append_new(rows, row);
	}
	free(sorted);
	free(groups);
	view_done(&view);
	return 0;
}

static const struct show_column svc_columns[] = {
	{ "NAMESPACE", "namespace", false }, { "NAME", "name", false },
	{ "PORT", "port", false },	     { "PROTOCOL", "protocol", false },
	{ "TYPE", "type", false },	     { "FRONTENDS", "frontends", false },
	{ "BACKENDS", "backends", false },   { "AFFINITY", "affinity", true },
	{ "POLICY", "policy", true },	     { "CONNECTIONS", "connections", false },
	{ "PACKETS", "packets", false },     { "BYTES", "bytes", false },
	{ "DROPS", "drops", false },	     { 0 },
};

#define RATES                                               \
	{ "CONNECTIONS/S", "connectionsPerSecond", false }, \
		{ "PACKETS/S", "packetsPerSecond", false }, \
	{                                                   \
		"BYTES/S", "bytesPerSecond", false          \
	}

static const struct show_column rate_columns[] = { RATES, { 0 } };

static const struct show_column svc_rate_columns[] = {
	RATES,
	{ "DROPS/S", "dropsPerSecond", false },
	{ 0 },
};

const struct show_kind show_svc = {
	.name = "svc",
	.alias = "services",
	.columns = svc_columns,
	.rates = svc_rate_columns,
	.nothing = "No services in the datapath.",
	.rate_field = "drops",
	.rows = svc_rows,
};

/* ---------------------------------------------------------------- endpoints -- */

static json_t *endpoint_row(const struct actual_backend *backend, const struct lb_name *name,
			    const struct lb_stats *stats)
{
	const struct lb_backend *value = &backend->value;

	return json_pack(
		"{s:s?, s:s?, s:o, s:s, s:o, s:s, s:b, s:i, s:i, s:i, s:I, s:I, s:I, s:I}",
		"namespace", name ? name->namespace : NULL, "name", name ? name->name : NULL,
		"port", name ? json_integer(ntohs(name->port)) : json_null(), "protocol",
		show_protocol(value->proto), "address", show_addr_port(&value->addr, value->port),
		"state", state_text(value), "local", !!(value->flags & LB_BACKEND_LOCAL), "weight",
		value->weight, "zone", value->zone, "id", (int)backend->id, "generation",
		(json_int_t)value->generation, "connections", (json_int_t)stats->connections,
		"packets", (json_int_t)stats->packets, "bytes", (json_int_t)stats->bytes);
}

static int endpoint_rows(struct show *show, json_t *rows, struct err *err)
{
	struct view view;
	int r = view_load(show, &view, err);

	if (r)
		return r;
	for (size_t i = 0; i < view.actual.n_backends; i++) {
		const struct actual_backend *backend = &view.actual.backends[i];
		const struct actual_service *service =
			service_find(&view.actual, backend->value.service);

		if (show_skips(show, service ? service->name.namespace : ""))
			continue;
		json_array_append_new(rows, endpoint_row(backend, service ? &service->name : NULL,
							 &view.stats.backends[i]));
	}
	view_done(&view);
	return 0;
}

static const struct show_column endpoint_columns[] = {
	{ "NAMESPACE", "namespace", false },
	{ "NAME", "name", false },
	{ "PORT", "port", false },
	{ "PROTOCOL", "protocol", false },
	{ "ADDRESS", "address", false },
	{ "STATE", "state", false },
	{ "LOCAL", "local", false },
	{ "WEIGHT", "weight", false },
	{ "ID", "id", true },
	{ "GENERATION", "generation", true },
	{ "CONNECTIONS", "connections", false },
	{ "PACKETS", "packets", false },
	{ "BYTES", "bytes", false },
	{ 0 },
};

const struct show_kind show_endpoints = {
	.name = "endpoints",
	.alias = "ep",
	.columns = endpoint_columns,
	.rates = rate_columns,
	.nothing = "No endpoints in the datapath.",
	.rows = endpoint_rows,
};
