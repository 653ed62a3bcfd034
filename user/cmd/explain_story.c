/* SPDX-License-Identifier: Apache-2.0 */
/* The text of `lbctl explain`: what the programs found, in the order in which they looked. */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "user/cmd/explain.h"
#include "user/cmd/show.h"
#include "user/util/cleanup.h"

struct story {
	FILE *out;
	const struct explain *explain;
	const struct explain_question *question;
	const struct explain_answer *answer;
	const struct store *store;
	const struct object *service; /* NULL: not found among the objects */
};

static const char *const reason_texts[] = {
#define REASON_TEXT(name, label, text, hint) [LB_REASON_##name] = text,
	LB_REASONS(REASON_TEXT)
#undef REASON_TEXT
};

static const char *const reason_hints[] = {
#define REASON_HINT(name, label, text, hint) [LB_REASON_##name] = hint,
	LB_REASONS(REASON_HINT)
#undef REASON_HINT
};

/* ------------------------------------------------------- question, frontend -- */

static void tell_question(const struct story *story)
{
	static const char *const origins[] = {
		[EXPLAIN_OUTSIDE] = "a client outside",
		[EXPLAIN_POD] = "a pod",
		[EXPLAIN_NODE] = "a process of this node",
	};
	const struct explain_question *question = story->question;
	const struct explain_answer *answer = story->answer;
	char from[ADDR_PORT_TEXT], to[ADDR_PORT_TEXT];

	fprintf(story->out, "%s from %s (%s) to %s\n", show_protocol(question->proto),
		addr_port_format(&question->from, question->from_port, from),
		origins[question->origin], addr_port_format(&question->to, question->to_port, to));
	fprintf(story->out, "asked:     %s%s%s\n",
		question->origin == EXPLAIN_NODE ? "the socket hooks' choice"
		: !strcmp(answer->hook, "xdp")	 ? "XDP"
						 : "TC ingress",
		answer->device ? " on " : "", answer->device ? answer->device : "");
	if (!explain_is_attached(story->explain))
		fputs("           nothing is attached: this is what the objects would give\n",
		      story->out);
	else if (question->origin == EXPLAIN_NODE && !explain_has_sockets(story->explain))
		fputs("           no socket hooks are attached: the node's own connections go "
		      "out as they are\n",
		      story->out);
}

/* Pods that lie in the cgroup of the socket hooks; where nothing is attached nobody knows. */
static void tell_pod(const struct story *story)
{
	if (story->question->origin != EXPLAIN_POD || !explain_is_attached(story->explain) ||
	    !explain_has_sockets(story->explain))
		return;
	fputs("           a pod inside of the socket hooks' cgroup is given its backend at "
	      "connect, "
	      "and keeps its address\n",
	      story->out);
}

static void tell_flow(const struct story *story)
{
	char text[ADDR_PORT_TEXT];
	struct datapath_flow flow;
	struct err ignored;
	bool found;

	/* Who cannot be told of a flow is told of a new one, as everybody is. */
	if (explain_find_flow(story->explain, story->question, &found, &flow, &ignored) || !found)
		return;
	fprintf(story->out,
		"flow:      known already, and goes on to %s; what follows is for a new "
		"one\n",
		addr_port_format(&flow.backend, flow.backend_port, text));
}

static bool addr_among(const struct lb_addr *list, size_t n, const struct lb_addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (!addr_compare(&list[i], addr))
			return true;
	return false;
}

static const char *kind_text(const struct story *story)
{
	uint32_t flags = story->answer->frontend.flags;
	const struct service *spec;

	if (!(flags & LB_FRONTEND_EXTERNAL))
		return "cluster IP";
	if (flags & LB_FRONTEND_NODE_PORT)
		return "node port";
	if (!story->service)
		return flags & LB_FRONTEND_SOURCE_RANGES ? "load-balancer address"
							 : "external address";
	spec = story->service->service;
	for (size_t i = 0; i < spec->n_ingress; i++)
		if (!addr_compare(&spec->ingress[i].addr, &story->question->to))
			return "load-balancer address";
	return addr_among(spec->external_ips, spec->n_external_ips, &story->question->to)
		       ? "external IP"
		       : "external address";
}

static void tell_frontend(const struct story *story)
{
	const struct lb_name *name = &story->answer->name;
	bool named = *name->port_name;

	if (!story->answer->matched) {
		fputs("frontend:  none has this address, port and protocol\n", story->out);
		return;
	}
	fprintf(story->out, "frontend:  %s of service %s/%s, port %u%s%s%s\n", kind_text(story),
		name->namespace, name->name, ntohs(name->port), named ? " (" : "",
		named ? name->port_name : "", named ? ")" : "");
}

/* ------------------------------------------------------------------- rules -- */

static void tell_ranges(const struct story *story)
{
	const struct explain_answer *answer = story->answer;

	if (!(answer->frontend.flags & LB_FRONTEND_SOURCE_RANGES))
		return;
	if (answer->note.reason == LB_REASON_SOURCE_RANGE)
		fputs("ranges:    loadBalancerSourceRanges do not let this client in\n",
		      story->out);
	else if (story->question->origin == EXPLAIN_NODE)
		fputs("ranges:    loadBalancerSourceRanges name an address of this node: its "
		      "processes are let in\n",
		      story->out);
	else
		fputs("ranges:    loadBalancerSourceRanges let this client in\n", story->out);
}

static void tell_policy(const struct story *story)
{
	const struct explain_answer *answer = story->answer;
	uint32_t flags = answer->frontend.flags;
	const char *field =
		flags & LB_FRONTEND_EXTERNAL ? "externalTrafficPolicy" : "internalTrafficPolicy";
	const char *policy = flags & LB_FRONTEND_LOCAL ? "Local" : "Cluster";

	if (answer->note.reason == LB_REASON_SOURCE_RANGE)
		return;
	if (answer->note.local)
		fprintf(story->out, "policy:    %s %s: endpoints of this node alone\n", field,
			policy);
	else if (flags & LB_FRONTEND_LOCAL)
		fprintf(story->out,
			"policy:    %s %s limits clients outside: this one has all endpoints\n",
			field, policy);
	else
		fprintf(story->out, "policy:    %s %s: all endpoints\n", field, policy);
}

static void tell_choice(const struct story *story)
{
	const struct lb_explain *note = &story->answer->note;

	if (!note->backend)
		return;
	if (note->bound)
		fputs("choice:    session affinity: this client is bound to its backend\n",
		      story->out);
	else
		fprintf(story->out, "choice:    slot %u of the %u of its Maglev table%s\n",
			note->slot, note->range.len,
			story->question->origin == EXPLAIN_NODE
				? "; at a connect it is drawn by lot"
				: "");
}

static void tell_backends(const struct story *story)
{
	const struct explain_answer *answer = story->answer;
	const struct explain_candidate *chosen = explain_chosen(answer);
	char text[ADDR_PORT_TEXT];

	if (answer->note.reason == LB_REASON_SOURCE_RANGE)
		return;
	fprintf(story->out, "backends:  %zu may be given\n", answer->n_candidates);
	for (size_t i = 0; i < answer->n_candidates; i++) {
		const struct explain_candidate *candidate = &answer->candidates[i];
		uint8_t flags = candidate->value.flags;

		fprintf(story->out, "  %c %s  on %s%s%s\n", candidate == chosen ? '*' : ' ',
			addr_port_format(&candidate->value.addr, candidate->value.port, text),
			flags & LB_BACKEND_LOCAL ? "this node" : "another node",
			flags & LB_BACKEND_TERMINATING ? ", terminating: none is ready" : "",
			candidate->masquerade ? ", masqueraded" : "");
	}
	if (story->service)
		explain_story_others(story->out, answer, story->service, story->store);
}

/* ----------------------------------------------------------------- rewrite -- */

static const char *masquerade_why(const struct story *story)
{
	const struct explain_candidate *chosen = explain_chosen(story->answer);

	if (addr_is_v4(&story->question->from) &&
	    ntohl(story->question->from.word[3]) >> 24 == IN_LOOPBACKNET)
		return "a loopback address leaves no node";
	if (explain_config(story->explain)->masquerade_all)
		return "masqueradeAll";
	if (chosen && !addr_compare(&chosen->value.addr, &story->question->from))
		return "the client is given itself";
	if (!(story->answer->frontend.flags & LB_FRONTEND_EXTERNAL))
		return "the client is outside podCIDRs";
	return chosen && chosen->value.flags & LB_BACKEND_LOCAL
		       ? "a loopback address leaves no node"
		       : "the backend is on another node, and must answer by way of this one";
}

static void tell_rewrite(const struct story *story)
{
	const struct lb_explain *note = &story->answer->note;
	bool socket = story->question->origin == EXPLAIN_NODE;
	char to[ADDR_PORT_TEXT], from[ADDR_PORT_TEXT];

	fprintf(story->out, "rewrite:   destination to %s%s\n",
		addr_port_format(&note->new_daddr, note->new_dport, to),
		socket ? ", when the socket connects" : "");
	if (!note->masquerade)
		fputs("           the client's address is kept\n", story->out);
	else if (socket)
		fprintf(story->out, "           source: an address of this node, since %s\n",
			masquerade_why(story));
	else if (note->flow_flags & LB_FLOW_MASQUERADE)
		fprintf(story->out, "           source to %s, since %s\n",
			addr_port_format(&note->new_saddr, note->new_sport, from),
			masquerade_why(story));
	else
		fprintf(story->out, "           source to an address of this node, since %s\n",
			masquerade_why(story));
}

static void tell_way(const struct story *story)
{
	const struct lb_explain *note = &story->answer->note;
	char name[IF_NAMESIZE] = "?", addr[ADDR_TEXT];

	if (!strcmp(story->answer->hook, "socket") || !(note->flow_flags & LB_FLOW_FORWARD) ||
	    !explain_is_attached(story->explain)) {
		fprintf(story->out, "leaves:    the way that this node routes %s\n",
			addr_format(&note->new_daddr, addr));
		return;
	}
	if_indextoname(note->nexthop.ifindex, name);
	fprintf(story->out, "leaves:    by %s at once%s\n", name,
		note->flow_flags & LB_FLOW_NO_MAC ? ", when its neighbour's link address is known"
		: note->flow_flags & LB_FLOW_TC	  ? ", sent by TC"
						  : "");
}

static void tell_verdict(const struct story *story)
{
	const struct lb_explain *note = &story->answer->note;
	uint32_t reason = note->reason < LB_REASON_COUNT ? note->reason : LB_REASON_INTERNAL;

	fprintf(story->out, "verdict:   %s: %s\n", explain_verdict_text(note->verdict),
		reason_texts[reason]);
	if (*reason_hints[reason])
		fprintf(story->out, "hint:      %s\n", reason_hints[reason]);
}

void explain_story(FILE *out, const struct explain *explain,
		   const struct explain_question *question, const struct explain_answer *answer,
		   const struct store *store)
{
	struct story story = { out, explain, question, answer, store, NULL };

	if (answer->matched && store)
		story.service =
			store_find(store, K8S_SERVICE, answer->name.namespace, answer->name.name);
	tell_question(&story);
	tell_pod(&story);
	tell_flow(&story);
	tell_frontend(&story);
	if (answer->matched) {
		tell_ranges(&story);
		tell_policy(&story);
		tell_backends(&story);
		tell_choice(&story);
	}
	if (answer->note.verdict == LB_EXPLAIN_FORWARD) {
		tell_rewrite(&story);
		tell_way(&story);
	}
	tell_verdict(&story);
}
