/* SPDX-License-Identifier: Apache-2.0 */
/* The command's side of the agent's socket. */
#ifndef AGENT_CLIENT_H
#define AGENT_CLIENT_H

#include "user/agent/protocol.h"

/* -ENOENT: no agent runs. -EIO: it failed, and err holds its reason. */
LB_CHECKED int client_ask(const struct paths *paths, enum protocol_op op, json_t **ret_answer,
			  struct err *err);

/* The same for who will not wait long. -ETIMEDOUT: no answer in time. */
LB_CHECKED int client_ask_within(const struct paths *paths, enum protocol_op op, int seconds,
				 json_t **ret_answer, struct err *err);

#endif
