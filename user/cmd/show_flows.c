/* SPDX-License-Identifier: Apache-2.0 */
/* show flows: streamed from the mapped tables, a piece at a time */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "user/cmd/show.h"
#include "user/util/cleanup.h"

#define PIECE 256 /* rows that are aligned together; columns never get narrower after */

static const char *const tcp_states[LB_FLOW_STATES] = {
	[LB_FLOW_HALF_OPEN] = "half-open",	   [LB_FLOW_REPLIED] = "replied",
	[LB_FLOW_ESTABLISHED] = "established",	   [LB_FLOW_CLIENT_CLOSED] = "client-closed",
	[LB_FLOW_SERVER_CLOSED] = "server-closed", [LB_FLOW_CLOSED] = "closed",
};

static const char *const udp_states[LB_FLOW_STATES] = {
	[LB_FLOW_HALF_OPEN] = "one-way",
	[LB_FLOW_REPLIED] = "replied",
	[LB_FLOW_ESTABLISHED] = "established",
};

struct stream {
	struct show *show;
	struct actual actual;
	const char *service, *backend, *client; /* filters, or NULL */
	json_t *rows;
	struct table table;
	size_t printed;
	struct err *err;
};

static const struct show_column columns[] = {
	{ "PROTOCOL", "protocol", false },
	{ "STATE", "state", false },
	{ "CLIENT", "client", false },
	{ "FRONTEND", "frontend", false },
	{ "BACKEND", "backend", false },
	{ "MASQUERADE", "masquerade", false },
	{ "IDLE", "idle", false },
	{ "SERVICE", "service", false },
	{ "DEVICE", "device", true },
	{ "NEXTHOP", "nexthop", true },
	{ 0 },
};

/* ------------------------------------------------------------------ matching -- */

static int frontend_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_frontend_key));
}

static int id_order(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_service *service = item;

	return (*id > service->id) - (*id < service->id);
}

/* By the frontend: a backend that left its service does not know it any more. */
static const struct lb_name *flow_service(const struct actual *actual,
					  const struct datapath_flow *flow)
{
	const struct lb_frontend_key key = { .addr = flow->frontend,
					     .port = flow->frontend_port,
					     .proto = flow->proto };
	const struct actual_frontend *frontend =
		bsearch(&key, actual->frontends, actual->n_frontends, sizeof(*actual->frontends),
			frontend_order);
	const struct actual_service *service =
		!frontend ? NULL
			  : bsearch(&frontend->value.service, actual->services, actual->n_services,
				    sizeof(*actual->services), id_order);

	return service ? &service->name : NULL;
}

static bool matches_place(const char *filter, const struct lb_addr *addr, __be16 port)
{
	struct lb_addr wanted;
	__be16 wanted_port;

	if (!filter)
		return true;
	if (!addr_parse(filter, &wanted))
		return !addr_compare(&wanted, addr);
	return !addr_port_parse(filter, &wanted, &wanted_port) && wanted_port == port &&
	       !addr_compare(&wanted, addr);
}

static bool matches_service(const char *filter, const struct lb_name *name)
{
	const char *slash = filter ? strchr(filter, '/') : NULL;
	const char *rest = slash ? slash + 1 : filter;
	size_t length;
	char port[8];

	if (!filter)
		return true;
	if (!name || (slash && (strlen(name->namespace) != (size_t)(slash - filter) ||
				strncmp(name->namespace, filter, (size_t)(slash - filter)))))
		return false;
	length = strcspn(rest, ":");
	if (strlen(name->name) != length || strncmp(name->name, rest, length))
		return false;
	snprintf(port, sizeof(port), "%u", ntohs(name->port));
	return !rest[length] || !strcmp(rest + length + 1, port) ||
	       !strcmp(rest + length + 1, name->port_name);
}

/* A typing error in a filter must not look like "no such flow". */
static int check_place(const char *option, const char *filter, struct err *err)
{
	struct lb_addr addr;
	__be16 port;

	if (!filter || !addr_parse(filter, &addr) || !addr_port_parse(filter, &addr, &port))
		return 0;
	return err_set(err, -EINVAL, "--%s: \"%s\" is neither an address nor ADDRESS:PORT", option,
		       filter);
}

/* ------------------------------------------------------------------ printing -- */

static json_t *flow_row(const struct datapath_flow *flow, const struct lb_name *name)
{
	const uint8_t *mac = flow->nexthop.dmac;
	char device[IF_NAMESIZE] = "", hop[24] = "", service[160] = "";
	bool masquerade = addr_compare(&flow->masquerade, &flow->client) ||
			  flow->masquerade_port != flow->client_port;

	if (flow->flags & LB_FLOW_FORWARD) {
		if (!if_indextoname(flow->nexthop.ifindex, device))
			snprintf(device, sizeof(device), "%u", flow->nexthop.ifindex);
		snprintf(hop, sizeof(hop), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
			 mac[3], mac[4], mac[5]);
	}
	if (name)
		snprintf(service, sizeof(service), "%s/%s:%u", name->namespace, name->name,
			 ntohs(name->port));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:s?, s:s?, s:s?}", "protocol",
			 show_protocol(flow->proto), "state",
			 (flow->proto == IPPROTO_UDP ? udp_states : tcp_states)[flow->state],
			 "client", show_addr_port(&flow->client, flow->client_port), "frontend",
			 show_addr_port(&flow->frontend, flow->frontend_port), "backend",
			 show_addr_port(&flow->backend, flow->backend_port), "masquerade",
			 masquerade ? show_addr_port(&flow->masquerade, flow->masquerade_port)
				    : json_null(),
			 "idle", (int)flow->idle, "service", *service ? service : NULL, "device",
			 *device ? device : NULL, "nexthop", *hop ? hop : NULL);
}

static bool is_table(const struct stream *stream)
{
	return stream->show->output == OUTPUT_PLAIN || stream->show->output == OUTPUT_WIDE;
}

static void stream_flush(struct stream *stream)
{
	show_table(stream->show, columns, stream->rows, !stream->printed, &stream->table);
	stream->printed += json_array_size(stream->rows);
	json_array_clear(stream->rows);
}

static int stream_visit(void *arg, const struct datapath_flow *flow)
{
	struct stream *stream = arg;
	const struct lb_name *name = flow_service(&stream->actual, flow);

	if (!matches_service(stream->service, name) ||
	    !matches_place(stream->backend, &flow->backend, flow->backend_port) ||
	    !matches_place(stream->client, &flow->client, flow->client_port) ||
	    (name && show_skips(stream->show, name->namespace)))
		return 0;
	json_array_append_new(stream->rows, flow_row(flow, name));
	if (is_table(stream) && json_array_size(stream->rows) == PIECE)
		stream_flush(stream);
	return 0;
}

static int flows_run(struct show *show, struct err *err)
{
	cleanup_json json_t *rows = json_array();
	struct stream stream = {
		.show = show,
		.service = cli_option(show->cli, "service"),
		.backend = cli_option(show->cli, "backend"),
		.client = cli_option(show->cli, "client"),
		.rows = rows,
		.table = TABLE_GET,
	};
	int r = check_place("backend", stream.backend, err);

	r = r ?: check_place("client", stream.client, err);
	r = r ?: datapath_snapshot(show->dp, &stream.actual, err);
	r = r ?: datapath_each_flow(show->dp, stream_visit, &stream, err);
	if (!r && !is_table(&stream))
		output_json(stdout, show->output, rows);
	else if (!r && json_array_size(rows))
		stream_flush(&stream);
	if (!r && is_table(&stream) && !stream.printed)
		fputs("No flows.\n", stderr);
	actual_done(&stream.actual);
	return r;
}

const struct show_kind show_flows = {
	.name = "flows",
	.run = flows_run,
};
