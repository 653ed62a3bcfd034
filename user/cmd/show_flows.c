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
	const char *backend, *client, *state; /* filters, or NULL */
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

/* ------------------------------------------------------------------ printing -- */

static const char *flow_state(const struct datapath_flow *flow)
{
	const char *const *states = flow->proto == IPPROTO_UDP ? udp_states : tcp_states;

	return states[flow->state] ? states[flow->state] : "?";
}

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
			 show_protocol(flow->proto), "state", flow_state(flow), "client",
			 show_addr_port(&flow->client, flow->client_port), "frontend",
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

static void stream_flush(struct stream *stream, bool last)
{
	if (!is_table(stream))
		show_piece(stream->show, stream->rows, !stream->printed, last);
	else if (json_array_size(stream->rows))
		show_table(stream->show, columns, stream->rows, !stream->printed, &stream->table);
	stream->printed += json_array_size(stream->rows);
	json_array_clear(stream->rows);
}

static int stream_visit(void *arg, const struct datapath_flow *flow)
{
	struct stream *stream = arg;
	const struct lb_name *name = flow_service(&stream->actual, flow);

	if (!show_wants_service(stream->show, name) ||
	    !show_wants_place(stream->backend, &flow->backend, flow->backend_port) ||
	    !show_wants_place(stream->client, &flow->client, flow->client_port) ||
	    (stream->state && strcmp(stream->state, flow_state(flow)) != 0))
		return 0;
	json_array_append_new(stream->rows, flow_row(flow, name));
	if (json_array_size(stream->rows) == PIECE)
		stream_flush(stream, false);
	return ferror(stdout); /* nobody reads any more */
}

static int flows_run(struct show *show, struct err *err)
{
	cleanup_json json_t *rows = json_array();
	struct stream stream = {
		.show = show,
		.backend = cli_option(show->cli, "backend"),
		.client = cli_option(show->cli, "client"),
		.state = cli_option(show->cli, "state"),
		.rows = rows,
		.table = TABLE_GET,
	};
	int r = datapath_snapshot(show->dp, &stream.actual, err);

	if (r)
		return r;
	r = datapath_each_flow(show->dp, stream_visit, &stream, err);
	if (!r || ferror(stdout)) {
		stream_flush(&stream, true);
		r = 0;
	}
	if (is_table(&stream) && !stream.printed && !r)
		fputs("No flows.\n", stderr);
	actual_done(&stream.actual);
	return r;
}

const struct show_kind show_flows = {
	.name = "flows",
	.run = flows_run,
};
