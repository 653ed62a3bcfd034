/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cluster IPs, node ports, health-check ports and load-balancer addresses: what the API
 * server and a load-balancer controller would fill in. Pure: reads the store, writes the
 * object's JSON tree and typed part.
 */
#ifndef MODEL_ALLOC_H
#define MODEL_ALLOC_H

#include "user/k8s/config.h"
#include "user/model/store.h"

/*
 * Completes a Service that is about to be stored: defaults the API server would set, values
 * kept from the stored object of the same name where the new one names none, and new ones
 * allocated. An address or port that another Service has is an error naming both. *object
 * may be replaced by a newly decoded one.
 */
LB_CHECKED int alloc_service(const struct store *store, const struct config *config,
			     struct object **object, struct err *err);

#endif
