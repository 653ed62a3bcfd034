/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CREATE_SECRET_H
#define CMD_CREATE_SECRET_H

#include "user/cmd/command.h"

/* `create secret tls NAME --cert FILE --key FILE`. Returns enum cli_exit. */
int create_secret(struct cli *cli);

#endif
