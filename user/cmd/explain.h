/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `lbctl explain`. */
#ifndef CMD_EXPLAIN_H
#define CMD_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

#include "user/cmd/command.h"
#include "user/datapath/explain.h"
#include "user/model/store.h"

/*
 * The programs to ask: on the maps of what is attached, or, where nothing is, on what the objects
 * resolve to. store NULL: the objects cannot be read; -ENOENT then where nothing is attached.
 */
LB_CHECKED int explain_prepare(const struct cli *cli, const struct store *store,
			       struct explain **ret_explain, struct err *err);

/* Reads "PROTOCOL", "ADDRESS:PORT" and --from; from NULL: a process of the node. */
LB_CHECKED int explain_parse(const struct explain *explain, const char *protocol, const char *to,
			     const char *from, struct explain_question *ret_question,
			     struct err *err);

/* design: verdict, reason, service, port, hook, backend, masquerade, candidates. */
json_t *explain_json(const struct explain_answer *answer);

/* The story, line by line. store NULL: the objects cannot be read. */
void explain_story(FILE *out, const struct explain *explain,
		   const struct explain_question *question, const struct explain_answer *answer,
		   const struct store *store);

/* The endpoints of the answer's service that are no candidates, and why. Inside of the story. */
void explain_story_others(FILE *out, const struct explain_answer *answer,
			  const struct object *service, const struct store *store);

/* "forward", "reject", "drop", "pass" */
const char *explain_verdict_text(uint32_t verdict);

#endif
