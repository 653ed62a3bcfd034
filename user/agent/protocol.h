/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands and the agent say to each other over the unix socket: one JSON object a line.
 *
 *	{"op":"sync"}     {"ok":true,"attached":true,"operations":3,"warnings":[]}
 *	{"op":"reload"}   the same, after the pins were opened anew
 *	{"op":"status"}   {"ok":true,"pid":…,"version":…,"attached":…,"services":…,"backends":…,
 *	                   "syncs":…,"lastSync":…,"operations":…,"error":…,"warnings":[],
 *	                   "silentBackends":[],
 *	                   "probes":{…}}
 *	anything else     {"ok":false,"error":"…"}
 */
#ifndef AGENT_PROTOCOL_H
#define AGENT_PROTOCOL_H

#include <jansson.h>

#include "user/agent/sync.h"

#define PROTOCOL_LINE 4096	   /* a request, without its newline */
#define PROTOCOL_ANSWER (4u << 20) /* an answer: warnings may be many */

enum protocol_op {
	PROTOCOL_SYNC,
	PROTOCOL_RELOAD,
	PROTOCOL_STATUS,
};

/* A request from its line. -EINVAL: malformed, or an op that does not exist. */
LB_CHECKED int protocol_request_parse(const char *line, size_t length, enum protocol_op *ret_op,
				      struct err *err);

/* The request as a line with its newline. */
char *protocol_request_format(enum protocol_op op);

json_t *protocol_error(const struct err *err);

/* A string, whatever its bytes are; null for NULL. */
json_t *protocol_text(const char *text);
json_t *protocol_texts(char *const *texts, size_t n);
json_t *protocol_result(const struct sync_result *result);

/* -EIO: the agent says that it failed; err holds why. -EPROTO: not an answer. */
LB_CHECKED int protocol_answer_parse(const char *line, size_t length, json_t **ret_answer,
				     struct err *err);
LB_CHECKED int protocol_result_parse(const json_t *answer, struct sync_result *ret_result,
				     struct err *err);

#endif
