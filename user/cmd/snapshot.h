/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SNAPSHOT_H
#define CMD_SNAPSHOT_H

#include "user/cmd/command.h"

/*
 * Begins the record of this node in a file that its owner alone may read. cluster: its objects
 * are an API server's.
 */
LB_CHECKED int snapshot_begin(const struct cli *cli, const char *path, bool cluster, FILE **ret_out,
			      struct err *err);

#endif
