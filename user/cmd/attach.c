/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "user/cmd/reload.h"
#include "user/datapath/datapath.h"
#include "user/util/cleanup.h"

static const struct option attach_options[] = {
	{ "mode", 0, "auto|native|generic|tc",
	  "how packets are taken from the NIC; auto: native, and tc where the driver refuses" },
	{ "pods", 0, "PATTERN", "devices that lead to pods, such as 'veth*'; new ones as well" },
	{ "cgroup", 0, "PATH|none", "where the socket hooks go (default: the root of cgroup v2)" },
	{ 0 },
};

static const struct {
	const char *name;
	enum attach_mode mode;
} modes[] = {
	{ "auto", ATTACH_AUTO },
	{ "native", ATTACH_NATIVE },
	{ "generic", ATTACH_GENERIC },
	{ "tc", ATTACH_TC },
};

static bool mode_parse(const char *text, enum attach_mode *ret_mode)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (!strcmp(text, modes[i].name)) {
			*ret_mode = modes[i].mode;
			return true;
		}
	}
	return false;
}

static void attach_report(void *arg, const char *line)
{
	fprintf(arg, "%s\n", line);
}

static int attach_run(struct cli *cli)
{
	struct attach_options options = {
		.devices = cli->args,
		.n_devices = cli->n_args,
		.pods = cli_option(cli, "pods"),
		.cgroup = cli_option(cli, "cgroup"),
	};
	const char *mode = cli_option(cli, "mode");
	struct err err;

	if (mode && !mode_parse(mode, &options.mode))
		return cli_usage(cli, "--mode: \"%s\" is not one of auto, native, generic, tc",
				 mode);
	if (!options.n_devices && !options.pods)
		return cli_usage(cli, "name a device, or a pattern with --pods");
	if (datapath_attach(&cli->paths, &cli->config, &options, attach_report, stdout, &err))
		return cli_fail(&err);
	return reload_datapath(cli);
}

const struct command cmd_attach = {
	.name = "attach",
	.args = "[DEV...]",
	.summary = "Attach the datapath to devices, or upgrade it",
	.details =
		"Loads the programs and puts them on the NICs named, on the devices that lead to\n"
		"pods, and on the sockets below a cgroup. What is attached already is upgraded in\n"
		"place: no packet and no connection is lost, and options that are not given stay\n"
		"as they were.\n"
		"\n"
		"  lbctl attach eth0\n"
		"  lbctl attach eth0 eth1 --pods 'veth*'\n"
		"  lbctl attach eth0 --mode generic --cgroup none",
	.options = attach_options,
	.min_args = 0,
	.max_args = -1,
	.run = attach_run,
};
