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

#endif
