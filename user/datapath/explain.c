/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/explain.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "lb/maps.h"
#include "user/datapath/devices.h"
#include "user/datapath/explain_frame.h"
#include "user/datapath/handle.h"
#include "user/datapath/load.h"
#include "user/datapath/settings.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define LOOPBACK_IFINDEX 1 /* of every network namespace; what a test run names by itself */
#define ASSUMED_HZ 1000	   /* own maps hold nothing that has an age */

static const bool explain_objects[OBJECT_COUNT] = {
	[OBJECT_XDP] = true,
	[OBJECT_TC] = true,
	[OBJECT_ASK] = true,
};

/* What a question reads of an instance. All else, it writes. */
static const enum shared_map explain_maps[] = {
	MAP_FRONTEND, MAP_MAGLEV, MAP_BACKEND, MAP_AFFINITY, MAP_SOURCE_RANGE, MAP_NAME, MAP_DEVICE,
};

struct explain {
	struct datapath *dp; /* what is attached, or a handle on the own maps */
	struct load load;
	struct lb_config config;
	int flow4, flow6; /* the own flow tables, borrowed from load */
	struct addr_list addresses;
	struct datapath_devices devices; /* none: nothing is attached */
	bool attached;
	VEC(struct plan_op) filled; /* what explain_fill put into the own maps */
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
	int r = load_dry(maps, &explain->config, explain_objects, &explain->load, err);

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
	int r = settings_make(config, ASSUMED_HZ, 0, &explain->config, err);

	maps_none(&maps);
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

/* -------------------------------------------------------------------- ask -- */

/* Where the packet of a question is put in. */
struct entrance {
	enum program program;
	enum program_object object;
	uint32_t ifindex; /* 0: the default of test runs */
	const char *hook, *device;
};

static const struct datapath_device *device_of(const struct explain *explain, uint32_t flag)
{
	for (size_t i = 0; i < explain->devices.n; i++)
		if (explain->devices.items[i].value.flags & flag)
			return &explain->devices.items[i];
	return NULL;
}

static struct entrance entrance_find(const struct explain *explain, enum explain_origin origin)
{
	const struct datapath_device *device = device_of(explain, LB_DEVICE_NIC);
	struct entrance tc = { PROGRAM_TC_INGRESS, OBJECT_TC, 0, "tc", NULL };
	struct entrance xdp = { PROGRAM_XDP, OBJECT_XDP, 0, "xdp", NULL };
	struct entrance *found = &xdp;

	if (origin == EXPLAIN_NODE)
		return (struct entrance){ PROGRAM_ASK, OBJECT_ASK, 0, "socket", NULL };
	if (origin == EXPLAIN_POD) {
		found = &tc;
		device = device_of(explain, LB_DEVICE_POD) ?: device;
	} else if (device && !strcmp(device->mode, "tc")) {
		found = &tc;
	}
	if (device) {
		found->ifindex = device->ifindex;
		found->device = device->name;
	}
	return *found;
}

static int entrance_run(const struct explain *explain, const struct entrance *entrance,
			const struct explain_question *question)
{
	uint8_t frame[EXPLAIN_FRAME], out[2 * EXPLAIN_FRAME];
	size_t size = explain_frame(question, frame);
	struct xdp_md xdp = { .data_end = (uint32_t)size, .ingress_ifindex = entrance->ifindex };
	struct __sk_buff skb = { .ifindex = entrance->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)size,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);

	if (entrance->ifindex && entrance->object == OBJECT_XDP) {
		opts.ctx_in = &xdp;
		opts.ctx_size_in = sizeof(xdp);
	} else if (entrance->ifindex) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	return bpf_prog_test_run_opts(explain->load.programs.fd[entrance->program], &opts);
}

/* The one flow of the question before goes, or this packet would be its second. */
static int flows_clear(const struct explain *explain)
{
	static const struct lb_flow4_set none4;
	static const struct lb_flow6_set none6;
	uint32_t zero = 0;
	int r = bpf_map_update_elem(explain->flow4, &zero, &none4, BPF_ANY);

	return r ?: bpf_map_update_elem(explain->flow6, &zero, &none6, BPF_ANY);
}

/* wanted: the backend to take, 0: whichever it is. */
static int entrance_ask(const struct explain *explain, struct entrance *entrance,
			const struct explain_question *question, uint32_t wanted,
			struct lb_explain *ret_note, struct err *err)
{
	int map = bpf_object__find_map_fd_by_name(explain->load.objects[entrance->object],
						  "lb_explain");
	struct lb_explain note = {
		.socket = { .from = question->from,
			    .to = question->to,
			    .from_port = question->from_port,
			    .to_port = question->to_port,
			    .proto = question->proto },
		.wanted = wanted,
	};
	uint32_t zero = 0;
	int r = flows_clear(explain);

	r = r ?: bpf_map_update_elem(map, &zero, &note, BPF_ANY);
	r = r ?: entrance_run(explain, entrance, question);
	if (r && entrance->ifindex && entrance->object == OBJECT_XDP) {
		/* A device in generic mode is none that a test run can name. */
		entrance->ifindex = 0;
		r = entrance_run(explain, entrance, question);
	}
	r = r ?: bpf_map_lookup_elem(map, &zero, &note);
	if (r)
		return err_sys(err, r, "cannot run the %s program", entrance->hook);
	if (note.verdict == LB_EXPLAIN_NONE)
		note.verdict = LB_EXPLAIN_PASS;
	/* A route can make the rule void, but only where something is attached does it count. */
	if (explain->attached && entrance->object != OBJECT_ASK &&
	    note.verdict == LB_EXPLAIN_FORWARD)
		note.masquerade = !!(note.flow_flags & LB_FLOW_MASQUERADE);
	*ret_note = note;
	return 0;
}

static void answer_match(const struct explain *explain, const struct explain_question *question,
			 struct explain_answer *answer)
{
	const struct lb_frontend_key key = { .addr = question->to,
					     .port = question->to_port,
					     .proto = question->proto };

	answer->matched =
		!bpf_map_lookup_elem(explain->dp->map[MAP_FRONTEND], &key, &answer->frontend);
	/* An id without a name: the service is being deleted at this moment. */
	if (answer->matched && bpf_map_lookup_elem(explain->dp->map[MAP_NAME],
						   &answer->frontend.service, &answer->name))
		answer->matched = false;
}

static int candidate_order(const void *a, const void *b)
{
	const struct explain_candidate *x = a, *y = b;
	int order = addr_compare(&x->value.addr, &y->value.addr);

	return order ? order : (int)ntohs(x->value.port) - (int)ntohs(y->value.port);
}

/* Each backend of the range once. */
static void candidates_read(const struct explain *explain, struct explain_answer *answer)
{
	const struct datapath *dp = explain->dp;
	cleanup_free bool *seen = xcalloc(dp->max[MAP_BACKEND], sizeof(*seen));
	const struct lb_range *range = &answer->note.range;
	VEC(struct explain_candidate) found = { 0 };

	if (range->base > dp->n_slots || range->len > dp->n_slots - range->base)
		return;
	for (uint32_t i = 0; i < range->len; i++) {
		uint32_t id = dp->slots[range->base + i];

		if (!id || id >= dp->max[MAP_BACKEND] || seen[id])
			continue;
		seen[id] = true;
		vec_push(&found,
			 ((struct explain_candidate){ .id = id, .value = dp->backends[id] }));
	}
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), candidate_order);
	answer->candidates = found.items;
	answer->n_candidates = found.n;
}

static int candidates_ask(const struct explain *explain, struct entrance *entrance,
			  const struct explain_question *question, struct explain_answer *answer,
			  struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < answer->n_candidates; i++) {
		struct explain_candidate candidate = answer->candidates[i];
		struct lb_explain note;
		int r = entrance_ask(explain, entrance, question, candidate.id, &note, err);

		if (r)
			return r;
		if (note.backend != candidate.id) /* left the service meanwhile */
			continue;
		candidate.masquerade = note.masquerade;
		answer->candidates[n++] = candidate;
	}
	answer->n_candidates = n;
	return 0;
}

int explain_ask(struct explain *explain, const struct explain_question *question,
		struct explain_answer *ret_answer, struct err *err)
{
	struct entrance entrance = entrance_find(explain, question->origin);
	struct explain_answer answer = { .hook = entrance.hook, .device = entrance.device };
	int r = entrance_ask(explain, &entrance, question, 0, &answer.note, err);

	if (r)
		return r;
	answer_match(explain, question, &answer);
	candidates_read(explain, &answer);
	r = candidates_ask(explain, &entrance, question, &answer, err);
	if (r)
		explain_answer_done(&answer);
	else
		*ret_answer = answer;
	return r;
}

void explain_answer_done(struct explain_answer *answer)
{
	free(answer->candidates);
	*answer = (struct explain_answer){ 0 };
}

const struct explain_candidate *explain_chosen(const struct explain_answer *answer)
{
	for (size_t i = 0; i < answer->n_candidates; i++)
		if (answer->candidates[i].id == answer->note.backend)
			return &answer->candidates[i];
	return NULL;
}
