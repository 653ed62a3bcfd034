/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/explain.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lb/maps.h"
#include "user/agent/desired.h"
#include "user/cmd/explain_url.h"
#include "user/cmd/output.h"
#include "user/cmd/resource.h"
#include "user/cmd/show.h"
#include "user/util/cleanup.h"

#define OUTPUTS "json|yaml"
#define DEFAULT_PORT 49152 /* of a client: the first of the ephemeral ones (RFC 6335) */

static const struct option explain_options[] = {
	{ "from", 0, "ADDRESS[:PORT]", "the client (default: a process of this node)" },
	{ "output", 'o', OUTPUTS, "the answer as data" },
	{ 0 },
};

/* --------------------------------------------------------------- question -- */

static int protocol_parse(const char *text, uint8_t *ret_proto, struct err *err)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} rows[] = { { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "sctp", IPPROTO_SCTP } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!strcasecmp(rows[i].name, text)) {
			*ret_proto = rows[i].proto;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "\"%s\" is no protocol: tcp, udp or sctp", text);
}

static int from_parse(const char *text, struct explain_question *question, struct err *err)
{
	if (!addr_parse(text, &question->from) ||
	    !addr_port_parse(text, &question->from, &question->from_port))
		return 0;
	return err_set(err, -EINVAL, "--from: \"%s\" is no ADDRESS or ADDRESS:PORT", text);
}

int explain_parse(const struct explain *explain, const char *protocol, const char *to,
		  const char *from, struct explain_question *ret_question, struct err *err)
{
	struct explain_question question = { .origin = EXPLAIN_NODE,
					     .from_port = htons(DEFAULT_PORT) };
	int r = protocol_parse(protocol, &question.proto, err);

	if (r)
		return r;
	if (addr_port_parse(to, &question.to, &question.to_port))
		return err_set(err, -EINVAL, "\"%s\" is no ADDRESS:PORT", to);
	if (!from) {
		question.from = explain_node_source(explain, &question.to);
	} else {
		r = from_parse(from, &question, err);
		if (r)
			return r;
		question.origin = explain_origin(explain, &question.from);
	}
	if (addr_is_v4(&question.from) != addr_is_v4(&question.to))
		return err_set(err, -EINVAL, "--from: %s is not of the family of %s", from, to);
	*ret_question = question;
	return 0;
}

/* ---------------------------------------------------------------- programs -- */

/* The plan that fills empty maps of the usual sizes. */
static int plan_all(const struct desired *desired, struct plan *ret_plan, struct err *err)
{
	const struct actual empty = { .n_slots = LB_MAX_MAGLEV,
				      .max_services = LB_MAX_SERVICES,
				      .max_frontends = LB_MAX_FRONTENDS,
				      .max_backends = LB_MAX_BACKENDS,
				      .max_ranges = LB_MAX_SOURCE_RANGES };

	return plan_diff(desired, &empty, ret_plan, err);
}

static uint32_t plan_slots(const struct plan *plan)
{
	uint32_t end = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_op *op = &plan->ops[i];

		if (op->kind == PLAN_MAGLEV_SET && op->maglev.base + op->maglev.len > end)
			end = op->maglev.base + op->maglev.len;
	}
	return end;
}

static int prepare_unattached(const struct config *config, const struct store *store,
			      struct explain **ret_explain, struct err *err)
{
	struct addr_list addresses = { 0 };
	struct explain *explain = NULL;
	struct desired desired;
	struct plan plan;
	int r = explain_addresses(config, &addresses, err);

	if (r)
		return r;
	desired_resolve(store, config, &addresses, &desired);
	r = plan_all(&desired, &plan, err);
	if (!r) {
		r = explain_open_empty(config, plan_slots(&plan), &explain, err);
		r = r ?: explain_fill(explain, &plan, err);
		plan_done(&plan);
	}
	desired_done(&desired);
	vec_free(&addresses);
	if (r)
		explain_close(explain);
	else
		*ret_explain = explain;
	return r;
}

int explain_prepare(const struct cli *cli, const struct store *store, struct explain **ret_explain,
		    struct err *err)
{
	int r = explain_open(&cli->paths, &cli->config, ret_explain, err);

	if (r != -ENOENT || !store)
		return r;
	return prepare_unattached(&cli->config, store, ret_explain, err);
}

/* ------------------------------------------------------------------ answer -- */

static const char *const reason_labels[] = {
#define REASON_LABEL(name, label, text, hint) [LB_REASON_##name] = label,
	LB_REASONS(REASON_LABEL)
#undef REASON_LABEL
};

const char *explain_verdict_text(uint32_t verdict)
{
	switch (verdict) {
	case LB_EXPLAIN_FORWARD:
		return "forward";
	case LB_EXPLAIN_REJECT:
		return "reject";
	case LB_EXPLAIN_DROP:
		return "drop";
	default:
		return "pass";
	}
}

static json_t *candidates_json(const struct explain_answer *answer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < answer->n_candidates; i++) {
		const struct explain_candidate *candidate = &answer->candidates[i];
		json_t *item = json_object();

		json_object_set_new(item, "address",
				    show_addr_port(&candidate->value.addr, candidate->value.port));
		json_object_set_new(item, "local",
				    json_boolean(candidate->value.flags & LB_BACKEND_LOCAL));
		json_object_set_new(item, "masquerade", json_boolean(candidate->masquerade));
		json_array_append_new(list, item);
	}
	return list;
}

json_t *explain_json(const struct explain_answer *answer)
{
	const struct lb_explain *note = &answer->note;
	bool forward = note->verdict == LB_EXPLAIN_FORWARD;
	uint32_t reason = note->reason < LB_REASON_COUNT ? note->reason : LB_REASON_INTERNAL;
	json_t *json = json_object();

	json_object_set_new(json, "verdict", json_string(explain_verdict_text(note->verdict)));
	json_object_set_new(json, "reason", json_string(reason_labels[reason]));
	json_object_set_new(
		json, "service",
		answer->matched ? json_sprintf("%s/%s", answer->name.namespace, answer->name.name)
				: json_null());
	json_object_set_new(json, "port",
			    answer->matched ? json_integer(ntohs(answer->name.port)) : json_null());
	json_object_set_new(json, "hook", json_string(answer->hook));
	json_object_set_new(json, "backend",
			    forward ? show_addr_port(&note->new_daddr, note->new_dport)
				    : json_null());
	json_object_set_new(json, "masquerade", json_boolean(forward && note->masquerade));
	json_object_set_new(json, "candidates", candidates_json(answer));
	return json;
}

/* ----------------------------------------------------------------- command -- */

static void answer_print(const struct explain *explain, const struct explain_question *question,
			 const struct explain_answer *answer, const struct store *store,
			 enum output output)
{
	if (output == OUTPUT_PLAIN) {
		explain_story(stdout, explain, question, answer, store);
	} else {
		cleanup_json json_t *json = explain_json(answer);

		output_json(stdout, output, json);
	}
}

static int explain_one(struct cli *cli, struct explain *explain, const struct store *store,
		       enum output output)
{
	struct explain_question question;
	struct explain_answer answer;
	struct err err;

	if (explain_parse(explain, cli->args[0], cli->args[1], cli_option(cli, "from"), &question,
			  &err))
		return cli_usage(cli, "%s", err.text);
	if (explain_ask(explain, &question, &answer, &err))
		return cli_fail(&err);
	answer_print(explain, &question, &answer, store, output);
	explain_answer_done(&answer);
	return CLI_OK;
}

static int explain_run(struct cli *cli)
{
	struct explain *explain;
	struct store *store = NULL;
	struct err err, unread;
	enum output output;
	int code, r;

	if (explain_url_asked(cli))
		return explain_url(cli);
	if (cli->n_args != 2)
		return cli_usage(cli, "needs PROTOCOL ADDRESS:PORT, or a URL");
	if (output_parse(cli, OUTPUTS, &output, &err))
		return cli_usage(cli, "%s", err.text);
	/* Where something is attached the maps alone have the answer; the objects tell more. */
	r = resource_store_load(cli, &store, &unread);
	code = explain_prepare(cli, r ? NULL : store, &explain, &err);
	if (code) {
		code = cli_fail(r && code == -ENOENT ? &unread : &err);
	} else {
		code = explain_one(cli, explain, r ? NULL : store, output);
		explain_close(explain);
	}
	if (!r)
		store_free(store);
	return code;
}

const struct command cmd_explain = {
	.name = "explain",
	.args = "PROTOCOL ADDRESS:PORT | URL",
	.summary = "Tell what would become of a packet, and why",
	.details =
		"Runs the packet through the real programs, without a trace: no flow is made and\n"
		"nothing is counted. Where nothing is attached, programs are loaded for the\n"
		"question alone, and filled from the objects.\n"
		"\n"
		"A client inside podCIDRs is a pod, one of the node's addresses is a process of\n"
		"the node, any other is outside.\n"
		"\n"
		"Of a URL it tells which Ingress has it: rule, certificate, Service, endpoints.\n"
		"\n"
		"Examples:\n"
		"  lbctl explain tcp 10.96.0.5:80\n"
		"  lbctl explain --from 192.0.2.9 tcp 198.51.100.1:80\n"
		"  lbctl explain --from [fd00:17::2]:40000 udp [fd00:10:96::5]:53 -o json\n"
		"  lbctl explain https://kubia.example.com/kubia",
	.options = explain_options,
	.min_args = 1,
	.max_args = 2,
	.run = explain_run,
};
