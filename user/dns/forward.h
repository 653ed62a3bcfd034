/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking upstreams. Each question has a socket of its own, so that its port is random as its id
 * is, and one that is being asked already is waited for instead of asked again: a forger has to
 * guess both at once. A reply that was cut is asked for again over TCP.
 */
#ifndef DNS_FORWARD_H
#define DNS_FORWARD_H

#include <event2/event.h>

#include "user/dns/cache.h"
#include "user/dns/counts.h"
#include "user/dns/upstream.h"

#define FORWARD_MAX 1024 /* questions at a time */

struct forwarder;

/* upstreams is taken over; counts is borrowed. */
struct forwarder *forwarder_new(struct event_base *base, struct upstreams *upstreams,
				struct dns_counts *counts);

/* Questions that wait end without a reply. */
void forwarder_free(struct forwarder *forwarder);

/*
 * Calls done, at once if the reply is in the cache: reply NULL when no upstream answers. false:
 * too many questions wait, and done is not called.
 */
bool forward_ask(struct forwarder *forwarder, const struct question *question,
		 void (*done)(void *arg, const uint8_t *reply, size_t size, uint32_t age),
		 void *arg);

bool forwarder_has_upstreams(const struct forwarder *forwarder);

#endif
