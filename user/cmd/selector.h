/* SPDX-License-Identifier: Apache-2.0 */
/* Label selectors as -l takes them: "app=kubia,tier!=db,env in (a,b),x notin (c),y,!z". */
#ifndef CMD_SELECTOR_H
#define CMD_SELECTOR_H

#include "user/k8s/object.h"
#include "user/util/err.h"

enum selector_operator {
	SELECTOR_IN, /* = and == are an `in` of one value */
	SELECTOR_NOT_IN,
	SELECTOR_EXISTS,
	SELECTOR_ABSENT,
};

struct selector_term {
	enum selector_operator operator;
	char *key;
	char **values;
	size_t n, room; /* of values */
};

struct selector {
	struct selector_term *items; /* all must hold; none: everything matches */
	size_t n, room;
};

/* text NULL: no selector. */
LB_CHECKED int selector_parse(const char *text, struct selector *ret_selector, struct err *err);
bool selector_matches(const struct selector *selector, const struct object *object);
void selector_done(struct selector *selector);

#endif
