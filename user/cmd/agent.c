/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/agent.h"

#include "user/cmd/command.h"

static const struct option agent_options[] = {
	{ "kubeconfig", 0, "FILE", "the objects are those of the API server that FILE names" },
	{ "context", 0, "NAME", "by this context of the kubeconfig, not its current one" },
	{ "in-cluster", 0, NULL, "by the service account of the pod that this runs in" },
	{ 0 },
};

static int agent_command(struct cli *cli)
{
	const char *file = cli_option(cli, "kubeconfig"), *context = cli_option(cli, "context");
	bool in_cluster = cli_switch(cli, "in-cluster");
	struct kubeconfig kubeconfig;
	struct err err;
	int rc = 0;

	if (file && in_cluster)
		return cli_usage(cli, "--kubeconfig and --in-cluster exclude each other");
	if (context && !file)
		return cli_usage(cli, "--context needs --kubeconfig");
	if (file)
		rc = kubeconfig_load(file, context, &kubeconfig, &err);
	else if (in_cluster)
		rc = kubeconfig_in_cluster(SERVICE_ACCOUNT_DIR, &kubeconfig, &err);
	if (!rc)
		rc = agent_run(&cli->paths, &cli->config, file || in_cluster ? &kubeconfig : NULL,
			       &err);
	return rc ? cli_fail(&err) : CLI_OK;
}

const struct command cmd_agent = {
	.name = "agent",
	.args = "",
	.summary = "Keep the maps at what the objects say",
	.details =
		"Runs in the foreground until SIGTERM or SIGINT; SIGHUP reads the configuration\n"
		"anew. Follows the objects, links, addresses, routes and neighbours, gives new\n"
		"pod-facing devices their hooks, and heals the maps every 30 seconds. It may be\n"
		"absent: traffic never waits for it.\n"
		"\n"
		"Objects are files in the state directory, which commands write, unless an API\n"
		"server is named: then they are what kubectl shows, by list and watch.\n"
		"\n"
		"Examples:\n"
		"  lbctl agent\n"
		"  systemctl enable --now lbctl\n"
		"  lbctl agent --kubeconfig /etc/kubernetes/lbctl.conf\n"
		"  lbctl agent --in-cluster",
	.options = agent_options,
	.run = agent_command,
};
