/* SPDX-License-Identifier: Apache-2.0 */
/* All objects by kind, namespace and name. Owns them. */
#ifndef MODEL_STORE_H
#define MODEL_STORE_H

#include "user/k8s/manifest.h"
#include "user/model/pod_index.h"

struct store;

struct store *store_new(void);
void store_free(struct store *store);

/*
 * Objects of a cluster: its controllers have chosen the endpoints. Selectors choose nothing here
 * then, and an Endpoints object stands for any Service without slices. kinds: those that are
 * there, 1 << enum k8s_kind; nothing is known of the others.
 */
void store_set_cluster(struct store *store, unsigned int kinds);
bool store_is_cluster(const struct store *store);
bool store_knows(const struct store *store, enum k8s_kind kind);

/* Takes the object over and frees the one it replaces. */
void store_put(struct store *store, struct object *object);
bool store_delete(struct store *store, enum k8s_kind kind, const char *ns, const char *name);

/* The same for who still needs the old object: it is the caller's, or NULL. */
struct object *store_swap(struct store *store, struct object *object);
struct object *store_take(struct store *store, enum k8s_kind kind, const char *ns,
			  const char *name);

const struct object *store_find(const struct store *store, enum k8s_kind kind, const char *ns,
				const char *name);

/* Objects of a kind, sorted by namespace and name; ns NULL: all. Valid until the next change. */
struct store_view {
	struct object *const *items;
	size_t n;
};
struct store_view store_list(const struct store *store, enum k8s_kind kind, const char *ns);

/* The EndpointSlices that are labelled as a Service's, by name; those of host names, too. */
struct store_view store_slices(const struct store *store, const char *ns, const char *service);

/* The Pods by their labels, until one changes. */
const struct pod_index *store_pods(const struct store *store);

/* Takes over everything in list, which is empty afterwards. */
void store_load(struct store *store, struct object_list *list);

#endif
