/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of Service traffic, once more: simple, slow, and written from Kubernetes'
 * documents alone, so that a mistake in lbctl is not made here too.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include "tests/model/world.h"

enum fate { FATE_PASS, FATE_FORWARD, FATE_REJECT, FATE_DROP };

struct model_candidate {
	char addr[TEXT];
	unsigned int port;
	bool local, masquerade;
};

struct model_answer {
	enum fate fate;
	const struct world_service *service; /* NULL: none has this address */
	const struct world_port *port;
	struct model_candidate candidates[MAX_ENDPOINTS * MAX_SLICES]; /* sorted */
	size_t n_candidates;
};

void model_ask(const struct world *world, const struct world_question *question,
	       struct model_answer *ret_answer);

/* "outside", "pod", "node" */
const char *model_origin(const struct world *world, const struct world_question *question);

#endif
