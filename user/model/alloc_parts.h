/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of alloc_service. Inside of alloc. */
#ifndef MODEL_ALLOC_PARTS_H
#define MODEL_ALLOC_PARTS_H

#include "user/k8s/config.h"
#include "user/model/store.h"

struct allocation {
	const struct store *store;
	const struct config *config;
	const struct object *given;
	const struct object *stored; /* what it replaces, or NULL */
	json_t *json;		     /* what becomes of it */
	bool v4[2];		     /* its families, known after the first step */
	size_t n_families;
	struct err *err;
};

/* Families and cluster IPs. */
LB_CHECKED int alloc_addresses(struct allocation *allocation);

/* Node ports and the health-check port. */
LB_CHECKED int alloc_ports(struct allocation *allocation);

/* Load-balancer addresses. */
LB_CHECKED int alloc_load_balancer(struct allocation *allocation);

/* The fields that have a value without anybody giving one. */
void alloc_defaults(json_t *json, const struct service *service);

/* Whether a Service other than the one at hand. */
bool alloc_is_other(const struct allocation *allocation, const struct object *service);

/* The other Service that has the address as cluster IP, load-balancer or external IP, or NULL. */
const struct object *alloc_address_owner(const struct allocation *allocation,
					 const struct lb_addr *addr);

/* Where the search for a free value starts: the same for one name, spread over all. */
uint64_t alloc_start(const struct allocation *allocation, uint64_t range);

/*
 * Size of the lower band, which is kept for values that people choose (KEP-3070, KEP-3668):
 * size / step, between least and most; none where the range is smaller than least.
 */
uint64_t alloc_band(uint64_t size, uint64_t step, uint64_t least, uint64_t most);

#endif
