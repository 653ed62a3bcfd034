/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_RELOAD_H
#define CMD_RELOAD_H

#include "user/cmd/command.h"

/*
 * After attach and detach: fills the maps from the state, and has a running agent open them
 * anew. Prints warnings and errors; returns enum cli_exit.
 */
int reload_datapath(const struct cli *cli);

#endif
