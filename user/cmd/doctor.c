/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/doctor.h"

#include <errno.h>
#include <string.h>

#include "user/agent/client.h"
#include "user/cmd/output.h"
#include "user/cmd/replay.h"
#include "user/cmd/resource.h"
#include "user/util/cleanup.h"
#include "user/util/num.h"
#include "user/util/terminal.h"

#define OUTPUTS "wide|json|yaml"
#define AGENT_SECONDS 3 /* a healthy agent answers in milliseconds, a syncing one in seconds */

static const struct option doctor_options[] = {
	{ "all", 0, NULL, "all Services, not one" },
	{ "from", 0, "ADDRESS", "the client that has the trouble" },
	{ "port", 0, "PORT", "the port that it dials" },
	{ "resolv-conf", 0, "FILE", "a resolv.conf that should ask this cluster (a pod's)" },
	{ "output", 'o', OUTPUTS, "wide tells why each check is made; or the findings as data" },
	{ 0 },
};

static const char *const level_texts[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_UNKNOWN] = "unknown",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_BAD] = "bad",
};

static const char *const level_colours[] = {
	[DOCTOR_OK] = "\033[32m",
	[DOCTOR_UNKNOWN] = "\033[36m",
	[DOCTOR_WARN] = "\033[33m",
	[DOCTOR_BAD] = "\033[31m",
};

struct visit {
	struct doctor doctor;
	enum output output;
	bool colour;
	bool bad;
	json_t *list;
};

/* ------------------------------------------------------------------ findings -- */

static void finding_print(const struct visit *visit, const struct doctor_check *check,
			  const struct doctor_finding *finding)
{
	const char *colour = visit->colour ? level_colours[finding->level] : "";

	printf("  %s%-8s%s %-11s %s\n", colour, level_texts[finding->level],
	       *colour ? "\033[0m" : "", check->name, finding->text);
	if (visit->output == OUTPUT_WIDE)
		printf("%22s(%s)\n", "", check->why);
	if (finding->level > DOCTOR_OK)
		printf("%22s-> %s\n", "", finding->hint);
}

static void finding_list(const struct visit *visit, const struct doctor_check *check,
			 const struct doctor_finding *finding, const char *subject)
{
	json_array_append_new(visit->list,
			      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?}", "subject", subject,
					"check", check->name, "why", check->why, "level",
					level_texts[finding->level], "text", finding->text, "hint",
					finding->level > DOCTOR_OK ? finding->hint : NULL));
}

static void checks_run(struct visit *visit, const struct doctor_check *checks, const char *subject)
{
	if (!visit->list)
		printf("%s\n", subject);
	for (; checks->name; checks++) {
		struct doctor_finding finding = doctor_check_run(&visit->doctor, checks);

		visit->bad |= finding.level == DOCTOR_BAD;
		if (finding.level != DOCTOR_NONE && visit->list)
			finding_list(visit, checks, &finding, subject);
		else if (finding.level != DOCTOR_NONE)
			finding_print(visit, checks, &finding);
		free(finding.text);
	}
}

/* ------------------------------------------------------------------ subjects -- */

static void visit_service(struct visit *visit, const char *ns, const char *name)
{
	cleanup_free char *subject = xasprintf("Service %s/%s", ns, name);
	struct doctor *doctor = &visit->doctor;

	doctor->ns = ns;
	doctor->name = name;
	doctor->service = store_find(doctor->store, K8S_SERVICE, ns, name);
	checks_run(visit, doctor_service_checks, subject);
}

static void visit_services(struct visit *visit, const struct cli *cli)
{
	bool all = cli_switch(cli, "all");
	struct store_view view;

	for (size_t i = 1; i < cli->n_args; i++)
		visit_service(visit, cli->ns, cli->args[i]);
	if (!all)
		return;
	view = store_list(visit->doctor.store, K8S_SERVICE,
			  cli->ns_given && !cli->all_namespaces ? cli->ns : NULL);
	for (size_t i = 0; i < view.n; i++)
		visit_service(visit, view.items[i]->ns, view.items[i]->name);
}

static int visit_all(struct visit *visit, const struct cli *cli)
{
	cleanup_free char *node = xasprintf("Node %s", cli->config.node_name);

	visit_services(visit, cli);
	if (!visit->doctor.recorded)
		checks_run(visit, doctor_node_checks, node);
	else if (!visit->list)
		printf("%s was recorded: it is not this machine, which was not looked at\n", node);
	if (visit->list)
		output_json(stdout, visit->output, visit->list);
	return visit->bad ? CLI_FOUND : CLI_OK;
}

/* ------------------------------------------------------------------- command -- */

static int options_parse(const struct cli *cli, struct visit *visit, struct lb_addr *from,
			 struct err *err)
{
	const char *text = cli_option(cli, "from");
	uint64_t port;
	int r = output_parse(cli, OUTPUTS, &visit->output, err);

	if (r)
		return r;
	if (text) {
		if (addr_parse(text, from))
			return err_set(err, -EINVAL, "--from: \"%s\" is no address", text);
		visit->doctor.from = from;
	}
	text = cli_option(cli, "port");
	if (text) {
		if (num_parse(text, 1, UINT16_MAX, &port))
			return err_set(err, -EINVAL, "--port: \"%s\" is no port", text);
		visit->doctor.port = (uint16_t)port;
	}
	if (cli->n_args && (k8s_kind_find(cli->args[0]) != K8S_SERVICE || cli->n_args < 2))
		return err_set(err, -EINVAL, "what can be examined: svc NAME, --all, or the node");
	visit->doctor.resolv_given = cli_option(cli, "resolv-conf");
	visit->doctor.resolv_conf = cli_option(cli, "resolv-conf") ?: "/etc/resolv.conf";
	return 0;
}

static int doctor_run(struct cli *cli)
{
	struct visit visit = { .doctor = { .system = &doctor_real_system,
					   .config = &cli->config,
					   .now = time(NULL),
					   .socket = cli->paths.socket,
					   .recorded = replay_is_recorded(&cli->paths) } };
	struct doctor *doctor = &visit.doctor;
	cleanup_json json_t *agent = NULL;
	struct doctor_datapath dp = { 0 };
	struct err err, why = { "" }, silence;
	struct lb_addr from;
	struct store *store;
	int code;

	if (options_parse(cli, &visit, &from, &err))
		return cli_usage(cli, "%s", err.text);
	if (resource_store_load(cli, &store, &err))
		return cli_fail(&err);
	doctor->store = store;
	doctor->agent_code =
		client_ask_within(&cli->paths, PROTOCOL_STATUS, AGENT_SECONDS, &agent, &silence);
	doctor->agent = agent;
	if (!doctor_datapath_load(cli, cli->n_args || cli_switch(cli, "all"), &dp, &why))
		doctor->dp = &dp;
	doctor->dp_error = why.text;
	if (visit.output == OUTPUT_JSON || visit.output == OUTPUT_YAML)
		visit.list = json_array();
	visit.colour = terminal_has_colour(stdout);
	code = visit_all(&visit, cli);
	json_decref(visit.list);
	doctor_datapath_done(&dp);
	store_free(store);
	return code;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.args = "[svc NAME...]",
	.summary = "Find out why a Service does not work",
	.details =
		"Looks where a person would look, in that order: the objects, the pods, the maps,\n"
		"the programs, this node. Each finding says what to do next. Without a Service\n"
		"the node alone is examined. The exit status is 3 when something is bad.\n"
		"\n"
		"  lbctl doctor svc kubia\n"
		"  lbctl doctor svc kubia --from 192.0.2.9 --port 80\n"
		"  lbctl doctor --all -o json",
	.options = doctor_options,
	.max_args = -1,
	.run = doctor_run,
};
