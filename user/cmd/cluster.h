/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are told of an API server. */
#ifndef CMD_CLUSTER_H
#define CMD_CLUSTER_H

#include "user/cmd/command.h"
#include "user/k8s/kubeconfig.h"

#define CLUSTER_OPTIONS                                                                         \
	{ "kubeconfig", 0, "FILE", "the objects are those of the API server that FILE names" }, \
		{ "context", 0, "NAME",                                                         \
		  "by this context of the kubeconfig, not its current one" },                   \
	{                                                                                       \
		"in-cluster", 0, NULL, "by the service account of the pod that this runs in"    \
	}

/* What of the options makes no sense together; NULL: they do. */
const char *cluster_options_check(const struct cli *cli);

/* Fills it, *ret_given: whether there is a server at all. */
LB_CHECKED int cluster_options_read(const struct cli *cli, struct kubeconfig *ret_kubeconfig,
				    bool *ret_given, struct err *err);

#endif
