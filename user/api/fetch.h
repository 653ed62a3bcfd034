/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of an API server as they are now, for commands: asked for once, and waited for. */
#ifndef API_FETCH_H
#define API_FETCH_H

#include "user/api/source.h"
#include "user/k8s/manifest.h"

/* Appends all objects of n kinds, or those that are selected. Takes over what is in kubeconfig. */
LB_CHECKED int fetch_objects(struct kubeconfig *kubeconfig, const struct source_kind *kinds,
			     size_t n, struct object_list *list, struct err *err);

#endif
