/* SPDX-License-Identifier: Apache-2.0 */
/* What `get` was asked for, and the answer: a group of objects for each kind. */
#ifndef CMD_QUERY_H
#define CMD_QUERY_H

#include "user/cmd/output.h"
#include "user/cmd/resource.h"
#include "user/cmd/selector.h"
#include "user/util/table.h"

struct query {
	struct cli *cli;
	struct resource_refs refs;
	struct selector selector;
	enum output output;
	bool show_labels;
	bool no_headers;
};

struct query_group {
	enum k8s_kind kind;
	struct resources resources; /* sorted when no names were given */
};

struct query_result {
	struct query_group *items; /* in the order of the arguments, empty ones too */
	size_t n, room;
	size_t objects;		      /* in all groups */
	struct resource_refs missing; /* names that were asked for and are not there */
};

/* The objects live as long as the store. */
void query_run(const struct query *query, const struct store *store,
	       struct query_result *ret_result);
void query_result_done(struct query_result *result);

/* The whole answer: tables, or what -o says. */
void query_print(const struct query *query, const struct store *store,
		 const struct query_result *result, FILE *out);

/* "No resources found in default namespace." on stderr. */
void query_print_nothing(const struct query *query);

/* Rows of one kind through the table; header: with the names of the columns. */
void query_print_rows(const struct query *query, const struct store *store, enum k8s_kind kind,
		      const struct object *const *items, size_t n, bool header, struct table *table,
		      FILE *out);

/* Prints the answer, then every further change, until it is interrupted. */
int query_watch(const struct query *query);

#endif
