/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROBE_TCP_H
#define PROBE_TCP_H

#include "user/util/addr.h"

/* Begins to connect. Returns 0, EINPROGRESS or why not; *ret_fd is to be closed unless it is -1. */
int tcp_connect(const struct lb_addr *addr, uint16_t port, int *ret_fd);

#endif
