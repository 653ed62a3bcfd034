/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a pod may serve, as far as its object and its probes tell. Pure. */
#ifndef MODEL_READINESS_H
#define MODEL_READINESS_H

#include "user/model/store.h"

/* What probes have said so far; whoever has the results brings it. */
struct readiness {
	enum probed (*container)(void *arg, const struct object *pod,
				 const struct container *container);
	enum probed (*endpoint)(void *arg, const struct object *service,
				const struct lb_addr *addr);
	/* Why the last probe of the container failed, or NULL. May be NULL itself. */
	const char *(*reason)(void *arg, const struct object *pod,
			      const struct container *container);
	void *arg;
};

/*
 * Writes the results into the store, beside what was probed: containers that have a probe, and
 * endpoints written by hand whose Service has one. To be called after each load of the store.
 */
void readiness_of_store(const struct store *store, const struct readiness *readiness);

/* The same for one object: a Pod, or a Service with a probe. */
void readiness_of_object(const struct store *store, const struct object *object,
			 const struct readiness *readiness);

/* Calls visit for each endpoint that was written by hand for the Service, slices first. */
void readiness_each_endpoint(const struct store *store, const struct object *service,
			     void (*visit)(void *arg, struct endpoint *endpoint), void *arg);

/* Has it a probe that says whether it may serve? */
bool readiness_is_probed(const struct container *container);

/*
 * The word of the probes where all have spoken. Until then the Ready condition where somebody
 * wrote one, otherwise no. A pod without probes is ready as soon as it has an address and its
 * phase, if given, is Running. A readiness gate whose condition is not True closes it to all.
 */
bool readiness_of_pod(const struct pod *pod);

/* As written, unless its Service's probe says no. */
bool readiness_of_endpoint(const struct endpoint *endpoint);

/* Failed and Succeeded pods are no endpoints any more, whatever their conditions say. */
bool readiness_pod_ended(const struct pod *pod);

#endif
