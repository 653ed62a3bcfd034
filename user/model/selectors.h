/* SPDX-License-Identifier: Apache-2.0 */
/* Which Services choose a pod: selectors by their first label. */
#ifndef MODEL_SELECTORS_H
#define MODEL_SELECTORS_H

#include "user/model/store.h"

struct selectors;

/* Borrows from the store, which must keep its Services. */
struct selectors *selectors_new(const struct store *store);
void selectors_free(struct selectors *selectors);

void selectors_each(const struct selectors *selectors, const struct object *pod,
		    void (*visit)(void *arg, const struct object *service), void *arg);

#endif
