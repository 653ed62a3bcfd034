/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "user/agent/origin.h"
#include "user/api/fetch.h"
#include "user/cmd/cluster.h"
#include "user/cmd/reload.h"
#include "user/datapath/datapath.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

static const struct option attach_options[] = {
	{ "mode", 0, "auto|native|generic|tc",
	  "how packets are taken from the NIC; auto: native, and tc where the driver refuses" },
	{ "pods", 0, "PATTERN", "devices that lead to pods, such as 'veth*'; new ones as well" },
	{ "cgroup", 0, "PATH|none", "where the socket hooks go (default: the root of cgroup v2)" },
	CLUSTER_OPTIONS,
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

/*
 * Where the configuration has no podCIDRs, those of this node are pods: the API server knows them,
 * if one was named, now or to the agent before.
 */
static int pod_cidrs_complete(struct cli *cli, struct err *err)
{
	cleanup_free char *selector = source_selector_name(cli->config.node_name);
	const struct source_kind own = { K8S_NODE, selector };
	struct kubeconfig kubeconfig;
	struct object_list list = { 0 };
	struct origin origin;
	bool given;
	int rc = cluster_options_read(cli, &kubeconfig, &given, err);

	origin_read(&cli->paths, &origin);
	if (!rc && !given && origin.server && !cli->config.pod_cidrs.n) {
		rc = origin_kubeconfig(&origin, &kubeconfig, err);
		given = true;
	}
	origin_done(&origin);
	if (rc || !given)
		return rc;
	if (!cli->config.pod_cidrs.n)
		rc = fetch_objects(&kubeconfig, &own, 1, &list, err);
	kubeconfig_done(&kubeconfig);
	if (rc)
		err_wrap(err, rc, "podCIDRs of this node");
	for (size_t i = 0; i < list.n; i++)
		for (size_t k = 0; k < list.items[i]->node->n_pod_cidrs; k++)
			vec_push(&cli->config.pod_cidrs, list.items[i]->node->pod_cidrs[k]);
	object_list_free(&list);
	return rc;
}

static int attach_run(struct cli *cli)
{
	struct attach_options options = {
		.devices = cli->args,
		.n_devices = cli->n_args,
		.pods = cli_option(cli, "pods"),
		.cgroup = cli_option(cli, "cgroup"),
	};
	const char *mode = cli_option(cli, "mode"), *problem = cluster_options_check(cli);
	struct err err;

	if (mode && !mode_parse(mode, &options.mode))
		return cli_usage(cli, "--mode: \"%s\" is not one of auto, native, generic, tc",
				 mode);
	if (!options.n_devices && !options.pods)
		return cli_usage(cli, "name a device, or a pattern with --pods");
	if (problem)
		return cli_usage(cli, "%s", problem);
	if (pod_cidrs_complete(cli, &err) ||
	    datapath_attach(&cli->paths, &cli->config, &options, attach_report, stdout, &err))
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
		"as they were. Where the configuration has no podCIDRs, an API server that is "
		"named\n"
		"says which ones this node has.\n"
		"\n"
		"  lbctl attach eth0\n"
		"  lbctl attach eth0 eth1 --pods 'veth*'\n"
		"  lbctl attach eth0 --mode generic --cgroup none",
	.options = attach_options,
	.min_args = 0,
	.max_args = -1,
	.run = attach_run,
};
