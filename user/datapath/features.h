/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running kernel can do of what lbctl uses, found by trying: each is loaded, made or asked
 * for, and taken back. Version numbers say little where distributions carry features back.
 */
#ifndef DATAPATH_FEATURES_H
#define DATAPATH_FEATURES_H

#include <stddef.h>

#include "user/util/err.h"

struct feature {
	const char *name;
	const char *use;     /* what lbctl does with it */
	const char *without; /* what it does where it is missing; NULL: it does not work there */
	int (*try)(void);    /* 1: there, 0: not, negative: errno of a failure to find out */
};

/* A NULL name ends it. */
extern const struct feature features[];

/* -EPERM: this process may not try. */
LB_CHECKED int features_permitted(struct err *err);

#endif
