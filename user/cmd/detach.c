/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "user/cmd/reload.h"
#include "user/datapath/datapath.h"

static const struct option detach_options[] = {
	{ "all", 0, NULL, "from all devices, and remove the maps" },
	{ 0 },
};

static int detach_run(struct cli *cli)
{
	bool all = cli_switch(cli, "all");
	struct err err;
	int r;

	if (all == !!cli->n_args)
		return cli_usage(cli, all ? "--all takes no devices" : "name a device, or --all");
	r = datapath_detach(&cli->paths, all ? NULL : cli->args, cli->n_args, &err);
	if (all && r == -ENOENT) { /* what was asked for is so already */
		printf("%s\n", err.text);
		return CLI_OK;
	}
	if (r)
		return cli_fail(&err);
	for (size_t i = 0; i < cli->n_args; i++)
		printf("%s detached\n", cli->args[i]);
	if (all)
		printf("detached from all devices\n");
	return reload_datapath(cli);
}

const struct command cmd_detach = {
	.name = "detach",
	.args = "[DEV...]",
	.summary = "Take the datapath off devices",
	.details = "When the last NIC goes, so do the hooks on pods and sockets, the maps and all\n"
		   "connections in them: nothing is left in the kernel.\n"
		   "\n"
		   "  lbctl detach eth1\n"
		   "  lbctl detach --all",
	.options = detach_options,
	.min_args = 0,
	.max_args = -1,
	.run = detach_run,
};
