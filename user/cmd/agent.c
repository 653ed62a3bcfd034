/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/agent.h"

#include <unistd.h>

#include "user/cmd/cluster.h"
#include "user/cmd/snapshot.h"

#define CHECK "check-config"

static const struct option agent_options[] = {
	{ CHECK, 0, NULL, "say all that is wrong with the configuration, and do nothing else" },
	CLUSTER_OPTIONS,
	{ "record", 0, "FILE", "write down what the API server sends, for lbctl replay" },
	{ 0 },
};

static void error_print(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "error: %s\n", text);
}

/* Whether the agent would start by these files, and all that is wrong with the configuration. */
static int files_check(const struct cli *cli, const char *kubeconfig_file, const char *context)
{
	int rc = config_check(cli->paths.config, cli->config_file, error_print, NULL);
	struct kubeconfig kubeconfig;
	struct err err;

	if (kubeconfig_file && kubeconfig_load(kubeconfig_file, context, &kubeconfig, &err)) {
		error_print(NULL, err.text);
		return CLI_FAILED;
	}
	if (kubeconfig_file)
		kubeconfig_done(&kubeconfig);
	if (!rc)
		printf("%s: %s\n", cli->paths.config,
		       access(cli->paths.config, F_OK) ? "not there: the defaults count"
						       : "no errors");
	return rc ? CLI_FAILED : CLI_OK;
}

/* Takes kubeconfig over; NULL: the state's directory has the objects. */
static int run(const struct cli *cli, struct kubeconfig *kubeconfig, struct err *err)
{
	const char *path = cli_option(cli, "record");
	FILE *record = NULL;
	int rc = path ? snapshot_begin(cli, path, true, &record, err) : 0;

	if (rc) {
		kubeconfig_done(kubeconfig);
		return rc;
	}
	rc = agent_run(&cli->paths, &cli->config, kubeconfig, record, err);
	if (record)
		fclose(record);
	return rc;
}

static int agent_command(struct cli *cli)
{
	const char *file = cli_option(cli, "kubeconfig"), *problem = cluster_options_check(cli);
	struct kubeconfig kubeconfig;
	bool given;
	struct err err;
	int rc;

	if (problem)
		return cli_usage(cli, "%s", problem);
	if (cli_option(cli, "record") && !file && !cli_switch(cli, "in-cluster"))
		return cli_usage(cli, "--record needs --kubeconfig or --in-cluster: without an API "
				      "server, lbctl snapshot save has all there is");
	if (cli_switch(cli, CHECK))
		return files_check(cli, file, cli_option(cli, "context"));
	rc = cluster_options_read(cli, &kubeconfig, &given, &err);
	if (!rc)
		rc = run(cli, given ? &kubeconfig : NULL, &err);
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
		"  lbctl agent --check-config\n"
		"  systemctl enable --now lbctl\n"
		"  lbctl agent --kubeconfig /etc/kubernetes/lbctl.conf\n"
		"  lbctl agent --in-cluster",
	.options = agent_options,
	.standalone_by = CHECK,
	.run = agent_command,
};
