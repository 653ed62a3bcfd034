/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/command.h"

static int help_run(struct cli *cli)
{
	const struct command *command;

	if (!cli->n_args) {
		command_list(stdout);
		return CLI_OK;
	}
	command = command_find(cli->args[0]);
	if (!command)
		return cli_usage(cli, "unknown command \"%s\"", cli->args[0]);
	command_help(stdout, command);
	return CLI_OK;
}

const struct command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "Explain a command",
	.details = "Examples:\n"
		   "  lbctl help\n"
		   "  lbctl help apply\n",
	.max_args = 1,
	.standalone = true,
	.run = help_run,
};
