/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what happened to objects. They are kept by the agent, not in the state. */
#ifndef CMD_EVENTS_H
#define CMD_EVENTS_H

#include "user/cmd/output.h"

/* Do the arguments of get ask for events? */
bool events_asked(const struct cli *cli);

/* All that were written down: of probes, and of Ingresses. A list of Event objects. */
json_t *events_all(const char *run);

/* `get events [NAME...]` */
int events_get(const struct cli *cli, enum output output);

#endif
