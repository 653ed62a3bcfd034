/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How `get` and `describe` show the objects of a kind. Cells are separated by tabs; user/util/table
 * aligns them.
 */
#ifndef CMD_PRINT_H
#define CMD_PRINT_H

#include <stdio.h>
#include <time.h>

#include "user/model/store.h"

struct print_context {
	FILE *out;
	const struct store *store;
	time_t now;
	bool wide;
	const json_t *events; /* for describe; or NULL */
};

/* One row a kind. */
struct printer {
	const char *columns;	  /* "NAME\tTYPE\tAGE" */
	const char *wide_columns; /* "\tSELECTOR", or "" */
	/* Prints the cells, the wide ones only when context->wide, without a newline. */
	void (*row)(const struct print_context *context, const struct object *object);
	void (*describe)(const struct print_context *context, const struct object *object);
};

extern const struct printer printers[K8S_KINDS];

/* ----------------------------------------------------- for the printers -- */

void print_age(const struct print_context *context, const struct object *object);

/* "k=v,k2=v2" sorted; "<none>" */
void print_labels(FILE *out, const json_t *labels);

/* Strings of an array, joined; returns how many there were. */
size_t print_joined(FILE *out, const json_t *strings, const char *separator);

/* text, or other when it is NULL or empty. */
const char *print_or(const char *text, const char *other);

/*
 * Addresses and host names in status.loadBalancer, each once, sorted; cut to 16 characters unless
 * wide. False, and nothing printed, when there are none.
 */
bool print_load_balancer(FILE *out, const struct object *object, bool wide);

/* A list that shows its first three and counts the rest: "a,b,c + 2 more..." */
struct short_list {
	FILE *out;
	size_t n;
};

void short_list_add(struct short_list *list, const char *text);
void short_list_end(const struct short_list *list);

/* "Name:\t…", "Namespace:\t…" when it has one. */
void describe_name(FILE *out, const struct object *object);

/* "Title:\tk=v\n\tk2=v2\n" */
void describe_labels(FILE *out, const char *title, const json_t *labels);
void describe_annotations(FILE *out, const struct object *object);
void describe_events(const struct print_context *context, const struct object *object);

/*
 * The ready endpoints of one port of a service, the first three. "<none>" without slices,
 * nothing when none is ready.
 */
void print_service_endpoints(FILE *out, const struct object_list *slices,
			     const struct service_port *port);

void print_service(const struct print_context *context, const struct object *object);
void print_endpoints(const struct print_context *context, const struct object *object);
void print_endpoint_slice(const struct print_context *context, const struct object *object);
void print_ingress(const struct print_context *context, const struct object *object);
void print_pod(const struct print_context *context, const struct object *object);
void print_node(const struct print_context *context, const struct object *object);
void print_namespace(const struct print_context *context, const struct object *object);
void print_ingress_class(const struct print_context *context, const struct object *object);
void print_secret(const struct print_context *context, const struct object *object);

void describe_service(const struct print_context *context, const struct object *object);
void describe_endpoints(const struct print_context *context, const struct object *object);
void describe_endpoint_slice(const struct print_context *context, const struct object *object);
void describe_ingress(const struct print_context *context, const struct object *object);
void describe_pod(const struct print_context *context, const struct object *object);
void describe_node(const struct print_context *context, const struct object *object);
void describe_namespace(const struct print_context *context, const struct object *object);
void describe_ingress_class(const struct print_context *context, const struct object *object);
void describe_secret(const struct print_context *context, const struct object *object);

#endif
