/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/version.h"
#include "user/cmd/command.h"

static int version_run(struct cli *cli)
{
	(void)cli;
	printf("lbctl %s\n", version_text());
	return CLI_OK;
}

const struct command cmd_version = {
	.name = "version",
	.args = "",
	.summary = "Print the version of this binary",
	.details = "Examples:\n"
		   "  lbctl version\n",
	.standalone = true,
	.run = version_run,
};
