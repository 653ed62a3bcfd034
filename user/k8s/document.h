/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is one YAML document, read by fields. */
#ifndef K8S_DOCUMENT_H
#define K8S_DOCUMENT_H

#include "user/k8s/field.h"

/*
 * Calls read with the document's root, unless the document is empty. Errors, of YAML and of
 * fields, say "file:line: field: reason".
 */
LB_CHECKED int document_read(const char *file, const char *text, size_t size,
			     void (*read)(const struct field *root, void *arg), void *arg,
			     struct err *err);

/* Errors of fields, in the order of their lines. */
struct document_errors {
	struct document_error {
		unsigned int line;
		char *text; /* "file:line: field: reason" */
	} * items;
	size_t n, room;
};

/* Like document_read, and gives all that is wrong with the fields; err has the first that was met.
 */
LB_CHECKED int document_check(const char *file, const char *text, size_t size,
			      void (*read)(const struct field *root, void *arg), void *arg,
			      struct document_errors *ret_errors, struct err *err);
void document_errors_done(struct document_errors *errors);

#endif
