/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the model share. Inside of the model. */
#ifndef TESTS_MODEL_MODEL_PARTS_H
#define TESTS_MODEL_MODEL_PARTS_H

#include "tests/model/model.h"

/* Addresses as text: 16 bytes of one (IPv4 mapped; false: no address), and what they are. */
bool bytes_of(const char *text, unsigned char bytes[16]);
bool is_v4(const char *text);
bool is_loopback(const char *text);
bool same(const char *a, const char *b);
bool among(const char *text, const struct texts *addresses);
bool in_any(const char *text, const struct texts *networks);

/* Whether a name is in a list; an empty one is in none. */
bool named(const char *text, const struct texts *names);

struct endpoint {
	const char *addr, *node, *zone;
	unsigned int port;
	bool ready, serving, terminating, local;
	struct texts hint_zones, hint_nodes;
};

struct endpoints {
	struct endpoint item[MAX_ENDPOINTS * MAX_SLICES];
	size_t n;
};

/* All of the answer's service port in a family, each address and port once. */
void endpoints_collect(const struct world *world, const struct model_answer *answer, bool v4,
		       struct endpoints *ret_all);

/* The ready ones, or where there is none those that still serve on their way out. */
void fall_back(struct endpoints *all);
void keep_local(struct endpoints *all);

/* All or nothing; node before zone (KEP-3015). Only for ready endpoints. */
void narrow_by_hints(const struct world *world, struct endpoints *all);

#endif
