/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_DNS_H
#define CMD_DNS_H

#include "user/cmd/command.h"

/*
 * `lbctl get dns`: the records that the objects make, of one namespace, or with -A all of them.
 * Returns enum cli_exit.
 */
int get_dns(const struct cli *cli, bool headers);

#endif
