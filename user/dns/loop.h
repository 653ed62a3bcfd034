/* SPDX-License-Identifier: Apache-2.0 */
/* What the sockets of the DNS server share; all of it belongs to one thread. Inside of server. */
#ifndef DNS_LOOP_H
#define DNS_LOOP_H

#include <event2/event.h>

#include "user/dns/answer.h"
#include "user/dns/counts.h"
#include "user/dns/forward.h"
#include "user/dns/limit.h"

struct loop {
	struct event_base *base;
	struct answerer *answerer;
	struct name domain;
	struct zone *zone; /* owned; NULL: nothing is known yet */
	struct limit *limit;
	struct prefix_list trusted; /* clients that are not limited */
	struct forwarder *forwarder;
	struct dns_counts counts;
};

struct answer_view loop_view(const struct loop *loop);

/* A client's query that waits for an upstream. */
struct request {
	struct loop *loop;
	bool udp;
	/* The answer, or NULL: none. The request is freed afterwards. */
	void (*reply)(struct request *request, const struct answer *answer);
	size_t size;
	uint8_t *query;
};

/* Initialises a request, which may be part of something larger (allocated as a whole). */
void request_init(struct request *request, struct loop *loop, bool udp, const uint8_t *query,
		  size_t size);

/* Asks upstream, and calls request->reply, maybe at once; frees the request after that. */
void request_forward(struct request *request, const struct answer *answer);

/* ---- the sockets ---- */

struct udp;
struct tcp;

LB_CHECKED int udp_open(struct loop *loop, const struct addr_port *listen, struct udp **ret,
			struct err *err);
void udp_close(struct udp *udp);

LB_CHECKED int tcp_open(struct loop *loop, const struct addr_port *listen, struct tcp **ret,
			struct err *err);
void tcp_close(struct tcp *tcp);

#endif
