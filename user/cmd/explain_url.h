/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_EXPLAIN_URL_H
#define CMD_EXPLAIN_URL_H

#include "user/cmd/command.h"

/* Is the question about a URL? */
bool explain_url_asked(const struct cli *cli);

/* `explain URL`: which Ingress has it, and what it leads to. Returns enum cli_exit. */
int explain_url(struct cli *cli);

#endif
