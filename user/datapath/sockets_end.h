/* SPDX-License-Identifier: Apache-2.0 */
/* Ending other processes' sockets. Inside of sockets. */
#ifndef DATAPATH_SOCKETS_END_H
#define DATAPATH_SOCKETS_END_H

#include <stddef.h>

#include "lb/sockets.h"
#include "user/util/err.h"

struct void_list {
	struct lb_void_socket *items;
	size_t n, room;
};

/*
 * Ends each of them, by sock_diag in its own network namespace. Sorts the list. One that ended
 * by itself meanwhile is no error.
 */
LB_CHECKED int sockets_end(struct void_list *list, size_t *ret_ended, struct err *err);

/* Whether the kernel can end sockets: 1, 0, or a negative errno. Asks it to end one of port 0. */
int sockets_end_try(void);

#endif
