/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way into a pod: opened by the agent, where errors can be told, and walked by the child, where
 * nothing but system calls is allowed.
 */
#ifndef PROBE_ENTRANCE_H
#define PROBE_ENTRANCE_H

#include "user/probe/place.h"
#include "user/probe/privilege.h"

#define ENTRANCE_SPACES 8 /* kinds of namespaces that there are */

struct entrance {
	int spaces[ENTRANCE_SPACES]; /* to setns to, in this order; user is the last */
	size_t n_spaces;
	int pid_space; /* for the children of who enters it; -1: the same as ours */
	int root, cwd; /* -1: as they are */
	struct privilege privilege;
	char *environ; /* strings, each with its NUL */
	char **env;
};

LB_CHECKED int entrance_open(const struct place *place, struct entrance *ret_entrance,
			     struct err *err);
void entrance_close(struct entrance *entrance);

/* In the child. Async-signal-safe; returns what failed, or NULL. */
const char *entrance_walk(const struct entrance *entrance);

/* Becomes the command, found by PATH of the environment within. Returns only on failure. */
void entrance_exec(const struct entrance *entrance, const char *const *command);

#endif
