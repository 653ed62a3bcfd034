/* SPDX-License-Identifier: Apache-2.0 */
/* Objects by what people type: "svc kubia", "service/kubia", "svc,ep", "all". */
#ifndef CMD_RESOURCE_H
#define CMD_RESOURCE_H

#include "user/cmd/command.h"
#include "user/model/store.h"

struct resource_ref {
	enum k8s_kind kind;
	const char *name; /* borrowed from the arguments; NULL: all of the kind */
};

struct resource_refs {
	struct resource_ref *items;
	size_t n, room;
	bool several_kinds;
};

/* The arguments of get, describe, delete, edit. -ENOTSUP: a kind that nobody knows. */
LB_CHECKED int resource_refs_parse(const char *const *args, size_t n,
				   struct resource_refs *ret_refs, struct err *err);

/* Prints why the arguments are refused; returns what to exit with. */
int resource_refs_fail(const struct cli *cli, int code, const struct err *err);
void resource_refs_done(struct resource_refs *refs);

#define RESOURCE_TEXT 64

/* "service", "endpointslice.discovery.k8s.io", and in the plural; text holds RESOURCE_TEXT. */
const char *resource_singular(enum k8s_kind kind, char *text);
const char *resource_plural(enum k8s_kind kind, char *text);

/* Prints 'Error from server (NotFound): services "x" not found'; returns CLI_FAILED. */
int resource_not_found(enum k8s_kind kind, const char *name);

/* Stored objects (borrowed) and derived ones (owned), in one list. */
struct resources {
	const struct object **items;
	size_t n, room;
	struct object_list made;
};

/*
 * Appends the objects of a kind, sorted by namespace and name; ns NULL: all; name NULL: all.
 * Endpoints and EndpointSlices are also those that the cluster's controllers would make from
 * Services and Pods. Valid until the store changes.
 */
void resources_add(struct resources *resources, const struct store *store, enum k8s_kind kind,
		   const char *ns, const char *name);

/* By namespace and name, from the one at index first. */
void resources_sort(struct resources *resources, size_t first);

/* The object of the same namespace and name among sorted ones, or NULL. */
const struct object *resources_find(const struct resources *resources, const struct object *like);
void resources_done(struct resources *resources);

/*
 * Where the objects of this instance are an API server's: advice is what a person can do there, and
 * the error that it is no business of lbctl.
 */
LB_CHECKED int resource_origin_check(const struct cli *cli, const char *advice, struct err *err);

/* An error where the store cannot tell whether there are such objects. */
LB_CHECKED int resource_kinds_check(const struct store *store, const struct resource_refs *refs,
				    struct err *err);

/* Reads the state, or asks the API server that has the objects, into a new store. */
LB_CHECKED int resource_store_load(const struct cli *cli, struct store **ret_store,
				   struct err *err);

#endif
