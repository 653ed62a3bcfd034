/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_PROTO_H
#define UTIL_PROTO_H

#include <stdint.h>

/* "TCP", "UDP", "SCTP", "ICMP", "ICMPv6" for an IPPROTO_ number; "?" for another. */
const char *proto_text(uint8_t proto);

#endif
