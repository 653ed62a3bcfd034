/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often strangers are answered over UDP. Their addresses may be forged, and the answers then
 * flood somebody else: each network of origin (/24, /56) has so many answers a second, and above
 * that every second one is an empty one that asks for TCP, which a forger cannot follow.
 */
#ifndef DNS_LIMIT_H
#define DNS_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "user/util/addr.h"

#define LIMIT_RATE 1000 /* answers a second and network; as many may be saved up */

enum limit_verdict {
	LIMIT_ANSWER,
	LIMIT_TRUNCATE,
	LIMIT_DROP,
};

struct limit;

struct limit *limit_new(void);
void limit_free(struct limit *limit);

/* now in milliseconds. Networks that share a slot of the table take it from each other. */
enum limit_verdict limit_check(struct limit *limit, const struct lb_addr *client, uint64_t now);

#endif
