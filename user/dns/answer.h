/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes of a query to the bytes of its answer. No sockets, no clock.
 *
 * Names of the zone are answered at once; a name outside has to be asked upstream by the caller,
 * who then gives what came back to answer_relay. Anything malformed gets FORMERR, or nothing
 * where not even its header is whole.
 */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include "user/dns/zone.h"

#define ANSWER_UDP_MAX 1232 /* what passes everywhere unfragmented; the DNS flag day's number */
#define ANSWER_TCP_MAX 65535

enum answer_kind {
	ANSWER_NONE,	/* no answer */
	ANSWER_SEND,	/* it is complete */
	ANSWER_FORWARD, /* ask upstream for answer.name and type first */
};

struct answer {
	uint8_t *wire; /* ANSWER_UDP_MAX or ANSWER_TCP_MAX bytes, the caller's */
	size_t size;
	/* ANSWER_FORWARD: what to ask. */
	struct name name; /* in the client's case */
	uint16_t type;
	bool dnssec; /* the client wants DNSSEC records */
};

/* Memory for one query at a time, reused by the next. One a thread. */
struct answerer;

struct answerer *answerer_new(void);
void answerer_free(struct answerer *answerer);

struct answer_view {
	const struct zone *zone;   /* NULL: nothing is known yet, names of the cluster fail */
	const struct name *domain; /* used as long as there is no zone */
	bool forwards;		   /* there is somebody to ask */
};

enum answer_kind answer_make(struct answerer *answerer, const struct answer_view *view,
			     const uint8_t *query, size_t size, bool udp, struct answer *answer);

/*
 * The answer to a query that had to be asked upstream. reply NULL: nobody answered. age: seconds
 * since reply came, which its records' times to live are shortened by.
 */
enum answer_kind answer_relay(struct answerer *answerer, const struct answer_view *view,
			      const uint8_t *query, size_t size, bool udp, const uint8_t *reply,
			      size_t reply_size, uint32_t age, struct answer *answer);

/* An empty answer that says: ask again over TCP. For clients that ask too often. */
enum answer_kind answer_truncated(struct answerer *answerer, const struct answer_view *view,
				  const uint8_t *query, size_t size, struct answer *answer);

#endif
