/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/agent.h"

#include "user/cmd/command.h"

static int agent_command(struct cli *cli)
{
	struct err err;

	return agent_run(&cli->paths, &cli->config, &err) ? cli_fail(&err) : CLI_OK;
}

const struct command cmd_agent = {
	.name = "agent",
	.args = "",
	.summary = "Keep the maps at what the objects say",
	.details =
		"Runs in the foreground until SIGTERM or SIGINT; SIGHUP reads the configuration\n"
		"anew. Follows the state directory, links, addresses, routes and neighbours,\n"
		"gives new pod-facing devices their hooks, and heals the maps every 30 seconds.\n"
		"It may be absent: commands then write the maps themselves, and traffic never\n"
		"waits for it.\n"
		"\n"
		"  lbctl agent\n"
		"  systemctl enable --now lbctl",
	.run = agent_command,
};
