/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world through all of lbctl: manifests → store → resolve → plan → maps → the real programs in
 * dry run; and what comes out, as text that can be compared with the independent model's.
 */
#ifndef TESTS_MODEL_ASKER_H
#define TESTS_MODEL_ASKER_H

#include "tests/model/model.h"
#include "user/datapath/explain.h"

struct asker;

/* Looks at an answer once more. 0, or err says what is wrong with it. */
struct asker_check {
	int (*run)(void *arg, struct explain *explain, const struct explain_question *question,
		   const struct explain_answer *answer, struct err *err);
	void *arg;
};

/* check NULL: none. */
struct asker *asker_new(const struct asker_check *check);
void asker_free(struct asker *asker);

/* Fills the maps. The programs stay loaded from one world to the next. */
LB_CHECKED int asker_take(struct asker *asker, const struct world *world, struct err *err);

#define ANSWER_TEXT 2048

/*
 * The answer as text: "pass", "drop s", "reject s", "forward s L1l R1m R2:9090": the service and
 * the candidates in the order of their addresses; l: on this node, m: masqueraded; ports other
 * than 8080. Packets are put in at XDP and at TC. Answers that contradict themselves or each
 * other are errors.
 */
LB_CHECKED int asker_ask(struct asker *asker, const struct world_question *question, char *ret_text,
			 struct err *err);
void model_text(const struct model_answer *answer, char *text);

#endif
