/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/cluster.h"

const char *cluster_options_check(const struct cli *cli)
{
	if (cli_option(cli, "kubeconfig") && cli_switch(cli, "in-cluster"))
		return "--kubeconfig and --in-cluster exclude each other";
	if (cli_option(cli, "context") && !cli_option(cli, "kubeconfig"))
		return "--context needs --kubeconfig";
	return NULL;
}

int cluster_options_read(const struct cli *cli, struct kubeconfig *ret_kubeconfig, bool *ret_given,
			 struct err *err)
{
	const char *file = cli_option(cli, "kubeconfig");

	*ret_given = file || cli_switch(cli, "in-cluster");
	if (file)
		return kubeconfig_load(file, cli_option(cli, "context"), ret_kubeconfig, err);
	if (*ret_given)
		return kubeconfig_in_cluster(SERVICE_ACCOUNT_DIR, ret_kubeconfig, err);
	return 0;
}
