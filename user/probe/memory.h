/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdicts as the agent wrote them down: what it begins with after a restart, and what
 * commands go by. One line a probe:
 *
 *	{"kind":"Pod","namespace":"default","name":"kubia-4h2mx","part":"kubia","probe":"readiness",
 *	 "identity":"…","state":"unready","reason":"ls: …","since":1764400000}
 */
#ifndef PROBE_MEMORY_H
#define PROBE_MEMORY_H

#include "user/model/readiness.h"
#include "user/probe/target.h"

#define MEMORY_FILE "readiness.log"

struct memory_item {
	struct target_key key;
	const char *identity;
	enum probed value;
	const char *reason; /* of the last failure; "" when there was none */
	int64_t since;	    /* the value; seconds since the epoch */
	size_t order;	    /* of its line */
};

struct memory {
	struct memory_item *items; /* sorted by key; strings are owned */
	size_t n, room;
};

void memory_load(const char *run, struct memory *ret_memory);
void memory_done(struct memory *memory);

/* Has anything been written down? */
bool memory_exists(const char *run);

/* The line; NULL: its texts are not UTF-8. */
json_t *memory_json(const struct memory_item *item);

/* NULL: nothing is known, or it was known of another life of the same name. */
const struct memory_item *memory_find(const struct memory *memory, const struct target_key *key,
				      const char *identity);

/* Seen as results; borrows memory. */
struct readiness memory_readiness(const struct memory *memory);

#endif
