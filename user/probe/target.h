/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to probe, taken out of the store: targets outlive the objects they came from. */
#ifndef PROBE_TARGET_H
#define PROBE_TARGET_H

#include "user/model/store.h"
#include "user/probe/place.h"

/* What names a probe. */
struct target_key {
	enum k8s_kind kind; /* K8S_POD, or K8S_SERVICE for endpoints written by hand */
	const char *ns, *name;
	const char *part; /* a container's name, an endpoint's address */
	enum probe_kind probe;
};

struct target {
	struct target_key key; /* its strings are owned */
	/*
	 * Which pod of that name, which of its lives: with another one everything that is known
	 * of the old one is void.
	 */
	char *identity;
	struct probe *probe;
	struct lb_addr addr;
	struct place place;
	int64_t started; /* of the container, seconds since the epoch; 0: nobody wrote it */
};

struct target_list {
	struct target *items; /* sorted by key, unique */
	size_t n, room;
};

/*
 * node: commands of pods that say they are on another one are left out, unless their network
 * namespace has a name that leads to it from here. A process's number would lead anywhere.
 */
void targets_collect(const struct store *store, const char *node, struct target_list *ret_targets);
void targets_done(struct target_list *targets);
void target_done(struct target *target);

int target_key_compare(const struct target_key *a, const struct target_key *b);

/* To be freed. */
char *target_identity(const struct object *pod, const struct container *container);

/* "readiness" */
const char *target_probe_word(enum probe_kind kind);

#endif
