/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EndpointSlices as the cluster's controllers would make them: from the pods that a
 * selector chooses (endpointslice controller), and from Endpoints objects written by
 * hand (endpointslicemirroring controller). Pure.
 */
#ifndef MODEL_SLICES_H
#define MODEL_SLICES_H

#include "user/model/store.h"

/*
 * All slices that belong to a service, newly made or from the store, sorted: slices of the
 * store that carry the service's label; slices from pods where the service has a selector
 * (a named targetPort that differs between pods gives several); slices mirrored from an
 * Endpoints object where it has none and no skip-mirror label forbids it. Made slices have a
 * whole JSON tree, as `get endpointslices -o yaml` prints it. The caller frees the list;
 * members from the store are copies.
 */
void slices_of_service(const struct store *store, const struct object *service,
		       struct object_list *ret_slices);

/* Those of them that are newly made alone, in no order; the trees of the others may be slim. */
void slices_make(const struct store *store, const struct object *service,
		 struct object_list *ret_slices);

/*
 * The Endpoints object that the endpoints controller would make for a service with a
 * selector, or a copy of the stored one; NULL when there is none.
 */
struct object *endpoints_of_service(const struct store *store, const struct object *service);

#endif
