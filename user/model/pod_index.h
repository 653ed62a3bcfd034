/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods by namespace and label, so that many services can be asked about without reading all.
 * The store has one, see store_pods.
 */
#ifndef MODEL_POD_INDEX_H
#define MODEL_POD_INDEX_H

#include <stddef.h>

#include "user/k8s/object.h"

struct pod_index;

/* Borrows the pods. */
struct pod_index *pod_index_new(struct object *const *pods, size_t n);
void pod_index_free(struct pod_index *index);

/*
 * Visits all pods that may have all the labels (at least one), in the order of their names; known:
 * the one label that they have for certain.
 */
void pod_index_each(const struct pod_index *index, const char *ns, const struct label *labels,
		    size_t n,
		    void (*visit)(void *arg, const struct object *pod, const struct label *known),
		    void *arg);

#endif
