/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the hooks still have the programs that attach gave them. */
#ifndef DATAPATH_ATTACHED_H
#define DATAPATH_ATTACHED_H

#include "user/datapath/datapath.h"

enum attached_state {
	ATTACHED_OK,
	ATTACHED_GONE,	   /* no program of ours is there: detached, or its device is new */
	ATTACHED_REPLACED, /* somebody put another program into our link */
};

struct attached {
	char device[16]; /* "cgroup" for the socket hooks */
	char hook[24];
	enum attached_state state;
	char program[16]; /* in our place, when replaced; or "" */
};

struct attached_list {
	struct attached *items; /* in the order of the pins */
	size_t n, room;
};

/* Every link that is pinned, and those that NICs should have and have not. */
LB_CHECKED int attached_read(const struct paths *paths, struct attached_list *ret_list,
			     struct err *err);

#endif
