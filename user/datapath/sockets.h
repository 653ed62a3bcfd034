/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that the hooks connected to a backend that has left: nothing on their packets' way
 * looks at a Service any more, so it is the socket itself that has to be ended. Its application
 * gets ECONNABORTED (or, sending UDP before it reads, EDESTADDRREQ: it is not connected any more),
 * connects again, and is given a backend that is there.
 */
#ifndef DATAPATH_SOCKETS_H
#define DATAPATH_SOCKETS_H

#include <stddef.h>

#include "user/datapath/datapath.h"

/*
 * Ends connected UDP sockets whose backend left its Service, and TCP ones whose backend exists
 * no more, in all network namespaces. To be called after backends were retired. Without socket
 * hooks there are none. -EOPNOTSUPP: the kernel cannot; some may have been ended on other errors.
 */
LB_CHECKED int sockets_sweep(struct datapath *dp, size_t *ret_ended, struct err *err);

/* The iterator, as the handle keeps it from one sweep to the next. NULL is fine. */
struct lb_iter;
void sockets_close(struct lb_iter *iter);

#endif
