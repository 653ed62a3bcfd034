/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of an API server as they are now, for commands: asked for once, and waited for. */
#ifndef API_FETCH_H
#define API_FETCH_H

#include "user/k8s/kubeconfig.h"
#include "user/k8s/manifest.h"

/* Appends all objects of these kinds (1 << enum k8s_kind). Takes over what is in kubeconfig. */
LB_CHECKED int fetch_objects(struct kubeconfig *kubeconfig, unsigned int kinds,
			     struct object_list *list, struct err *err);

#endif
