/* SPDX-License-Identifier: Apache-2.0 */
/* The manifests of -f. */
#ifndef CMD_INPUT_H
#define CMD_INPUT_H

#include "user/cmd/command.h"
#include "user/k8s/manifest.h"

#define INPUT_OPTION                                                                 \
	{                                                                            \
		"filename", 'f', "FILE|DIR|-", "manifests, YAML or JSON; may repeat" \
	}

/* Reads every -f. An object outside the namespace of -n is an error, as with kubectl. */
LB_CHECKED int input_read(const struct cli *cli, struct object_list *ret_list, struct err *err);

#endif
