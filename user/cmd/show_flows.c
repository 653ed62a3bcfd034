/* SPDX-License-Identifier: Apache-2.0 */
/* show flows: streamed from the mapped tables, a piece at a time */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#include "user/cmd/show.h"
#include "user/model/hash.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

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
	size_t printed;	   /* rows, ever */
	size_t look;	   /* rows of the present look */
	bool again;	   /* it is not the first one */
	struct flow_keys { /* with -w: what was there at the last look, sorted, and is now */
		uint64_t *items;
		size_t n, room;
	} known, seen;
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
	size_t rows = json_array_size(stream->rows);

	/* Where nothing changed since the last look, nothing is printed. */
	if (!is_table(stream) && (rows || stream->look || !stream->again))
		show_piece(stream->show, stream->rows, !stream->look, last);
	else if (rows)
		show_table(stream->show, columns, stream->rows, !stream->printed, &stream->table);
	stream->printed += rows;
	stream->look += rows;
	json_array_clear(stream->rows);
}

/* ------------------------------------------------------------------ watching -- */

/* Of what a watch looks at: the connection and its state. Eight bytes a flow are remembered. */
static uint64_t flow_key(const struct datapath_flow *flow)
{
	const uint64_t parts[] = { (uint64_t)flow->proto << 40 | (uint64_t)flow->state << 32 |
					   (uint64_t)flow->client_port << 16 | flow->frontend_port,
				   (uint64_t)flow->backend_id << 32 | flow->generation };
	uint64_t hash = hash_bytes(HASH_START, &flow->client, sizeof(flow->client));

	hash = hash_bytes(hash, &flow->frontend, sizeof(flow->frontend));
	return hash_finish(hash_bytes(hash, parts, sizeof(parts)));
}

static int key_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool stream_knows(struct stream *stream, const struct datapath_flow *flow)
{
	uint64_t key = flow_key(flow);

	vec_push(&stream->seen, key);
	return stream->known.n &&
	       bsearch(&key, stream->known.items, stream->known.n, sizeof(key), key_order);
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
	if (cli_switch(stream->show->cli, "watch") && stream_knows(stream, flow))
		return 0;
	json_array_append_new(stream->rows, flow_row(flow, name));
	if (json_array_size(stream->rows) == PIECE)
		stream_flush(stream, false);
	return ferror(stdout); /* nobody reads any more */
}

/* Names and frontends are read anew each time. */
static int flows_look(struct stream *stream, struct err *err)
{
	int r = datapath_snapshot(stream->show->dp, &stream->actual, err);

	if (r)
		return r;
	stream->look = 0;
	r = datapath_each_flow(stream->show->dp, stream_visit, stream, err);
	if (!r || ferror(stdout)) {
		stream_flush(stream, true);
		r = 0;
	}
	fflush(stdout);
	actual_done(&stream->actual);
	vec_free(&stream->known);
	stream->known = stream->seen;
	stream->seen = (struct flow_keys){ 0 };
	stream->again = true;
	if (stream->known.n)
		qsort(stream->known.items, stream->known.n, sizeof(*stream->known.items),
		      key_order);
	return r;
}

static int flows_run(struct show *show, struct err *err)
{
	static const struct timespec second = { .tv_sec = 1 };
	cleanup_json json_t *rows = json_array();
	struct stream stream = {
		.show = show,
		.backend = cli_option(show->cli, "backend"),
		.client = cli_option(show->cli, "client"),
		.state = cli_option(show->cli, "state"),
		.rows = rows,
		.table = TABLE_GET,
	};
	int r = flows_look(&stream, err);

	if (is_table(&stream) && !stream.printed && !r)
		fputs("No flows.\n", stderr);
	while (!r && cli_switch(show->cli, "watch") && !ferror(stdout)) {
		nanosleep(&second, NULL);
		r = flows_look(&stream, err);
	}
	vec_free(&stream.known);
	return r;
}

const struct show_kind show_flows = {
	.name = "flows",
	.run = flows_run,
};
