/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The masquerade ports, kept from sockets of this node: a socket that the kernel gave such a
 * port would get answers meant for a flow. By net.ipv4.ip_local_reserved_ports, which holds for
 * IPv6 as well.
 */
#ifndef DATAPATH_PORTS_H
#define DATAPATH_PORTS_H

#include <stdint.h>

#include "user/util/err.h"

/*
 * Reserves first…last. *added, owned, is what was reserved before ("10000-19999", NULL at first),
 * which is released unless it is wanted still, and becomes what is reserved now.
 */
LB_CHECKED int ports_reserve(uint16_t first, uint16_t last, char **added, struct err *err);

/* Gives back what was added, and nothing that others reserved. NULL: nothing. */
void ports_release(const char *added);

#endif
