/* SPDX-License-Identifier: Apache-2.0 */
/* One question: a test run for the answer, and one for each that could have been chosen. */
#include "user/datapath/explain_parts.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "user/util/cleanup.h"

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

/* ------------------------------------------------------------------- flows -- */

struct flow_search {
	const struct explain_question *question;
	struct datapath_flow flow;
	bool found;
};

static int flow_match(void *arg, const struct datapath_flow *flow)
{
	struct flow_search *search = arg;
	const struct explain_question *question = search->question;

	if (flow->proto != question->proto || flow->client_port != question->from_port ||
	    flow->frontend_port != question->to_port ||
	    addr_compare(&flow->client, &question->from) ||
	    addr_compare(&flow->frontend, &question->to))
		return 0;
	search->flow = *flow;
	search->found = true;
	return 1;
}

int explain_find_flow(const struct explain *explain, const struct explain_question *question,
		      bool *ret_found, struct datapath_flow *ret_flow, struct err *err)
{
	struct flow_search search = { .question = question };
	int r = 0;

	if (explain->attached && question->origin != EXPLAIN_NODE)
		r = datapath_each_flow(explain->dp, flow_match, &search, err);
	if (r < 0)
		return r;
	*ret_found = search.found;
	*ret_flow = search.flow;
	return 0;
}
