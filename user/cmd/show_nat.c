/* SPDX-License-Identifier: Apache-2.0 */
/* show nat: masqueraded connections by backend; show dns: the names that programs answer */
#include <string.h>

#include "user/cmd/show.h"
#include "user/datapath/names.h"
#include "user/dns/name.h"
#include "user/util/vec.h"

/* The address that connections to a backend have, and how many have it. */
struct nat {
	struct lb_addr addr;
	uint32_t ports;
};

struct nat_census {
	struct nat *by_backend;
	uint32_t room;
};

static int nat_count(void *arg, const struct datapath_flow *flow)
{
	struct nat_census *census = arg;

	if (!(flow->flags & LB_FLOW_MASQUERADE) || flow->backend_id >= census->room)
		return 0;
	census->by_backend[flow->backend_id].addr = flow->masquerade;
	census->by_backend[flow->backend_id].ports++;
	return 0;
}

static json_t *nat_row(const struct show *show, const struct actual *actual, uint32_t id,
		       const struct nat *nat)
{
	const struct lb_backend *backend = show_backend_find(actual, id);
	const struct lb_name *name = backend ? show_name_find(actual, backend->service) : NULL;

	return json_pack("{s:s?, s:s?, s:o, s:o, s:o, s:I, s:I}", "namespace",
			 name ? name->namespace : NULL, "name", name ? name->name : NULL, "port",
			 name ? json_integer(ntohs(name->port)) : json_null(), "backend",
			 backend ? show_addr_port(&backend->addr, backend->port) : json_null(),
			 "masquerade", show_addr(&nat->addr), "ports", (json_int_t)nat->ports, "of",
			 (json_int_t)datapath_meta(show->dp)->config.snat_count);
}

static int nat_rows(struct show *show, json_t *rows, struct err *err)
{
	struct nat_census census;
	struct actual actual;
	int r = datapath_snapshot(show->dp, &actual, err);

	if (r)
		return r;
	census.room = actual.max_backends;
	census.by_backend = xcalloc(census.room, sizeof(*census.by_backend));
	r = datapath_each_flow(show->dp, nat_count, &census, err);
	for (uint32_t id = 0; id < census.room && !r; id++)
		if (census.by_backend[id].ports)
			json_array_append_new(rows,
					      nat_row(show, &actual, id, &census.by_backend[id]));
	free(census.by_backend);
	actual_done(&actual);
	return r;
}

static const struct show_column nat_columns[] = {
	{ "NAMESPACE", "namespace", false },
	{ "NAME", "name", false },
	{ "PORT", "port", false },
	{ "BACKEND", "backend", false },
	{ "MASQUERADE", "masquerade", false },
	{ "PORTS", "ports", false },
	{ "OF", "of", false },
	{ 0 },
};

const struct show_kind show_nat = {
	.name = "nat",
	.columns = nat_columns,
	.nothing = "No connection is masqueraded.",
	.rows = nat_rows,
};

/* ---------------------------------------------------------------------- DNS -- */

static int name_add(void *arg, const struct lb_dns_key *key, const struct lb_dns *value)
{
	json_t *addresses = json_array(), *rows = arg;
	uint8_t wire[LB_DNS_NAME + 1] = { 0 };
	char text[NAME_TEXT];

	for (int i = 0; i < value->n_a && i < LB_DNS_A; i++) {
		struct lb_addr addr = addr_from_v4(value->a[i]);

		json_array_append_new(addresses, show_addr(&addr));
	}
	for (int i = 0; i < value->n_aaaa && i < LB_DNS_AAAA; i++) {
		struct lb_addr addr;

		memcpy(&addr, value->aaaa[i], sizeof(addr));
		json_array_append_new(addresses, show_addr(&addr));
	}
	memcpy(wire, key->name, sizeof(key->name));
	json_array_append_new(rows,
			      json_pack("{s:s, s:o, s:s}", "record", name_format(wire, text),
					"addresses", addresses, "answers",
					value->flags & LB_DNS_USER || value->n_a == LB_DNS_MANY ||
							value->n_aaaa == LB_DNS_MANY
						? "server"
						: "kernel"));
	return 0;
}

static int record_order(const void *a, const void *b)
{
	return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "record")),
		      json_string_value(json_object_get(*(json_t *const *)b, "record")));
}

static int dns_rows(struct show *show, json_t *rows, struct err *err)
{
	json_t *found = json_array(), **sorted;
	size_t n;
	int r = datapath_each_name(show->dp, name_add, found, err);

	n = json_array_size(found);
	sorted = xcalloc(n + 1, sizeof(json_t *));
	for (size_t i = 0; i < n; i++)
		sorted[i] = json_array_get(found, i);
	qsort(sorted, n, sizeof(json_t *), record_order);
	for (size_t i = 0; i < n; i++)
		json_array_append(rows, sorted[i]);
	free(sorted);
	json_decref(found);
	return r;
}

static const struct show_column dns_columns[] = {
	{ "NAME", "record", false },
	{ "ADDRESSES", "addresses", false },
	{ "ANSWERS", "answers", false },
	{ 0 },
};

const struct show_kind show_dns = {
	.name = "dns",
	.columns = dns_columns,
	.nothing = "The programs know no names.",
	.rows = dns_rows,
};
