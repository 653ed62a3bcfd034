/* SPDX-License-Identifier: Apache-2.0 */
/* YAML ↔ JSON trees, by libyaml. Scalars follow YAML 1.1 as Kubernetes' own library reads them. */
#ifndef K8S_YAML_H
#define K8S_YAML_H

#include <jansson.h>
#include <stdio.h>

#include "user/util/err.h"

/* What a parse found: one tree a document, and the line of each field for errors. */
struct yaml_stream;

/*
 * Parses all documents of text. JSON is read too (it is YAML). Refuses what could hurt:
 * cyclic or multiplying anchors, nesting deeper than 100, text that is not UTF-8, tabs as
 * indentation, duplicate keys, more than 64 MiB. Errors: "file:line: reason".
 */
LB_CHECKED int yaml_parse(const char *file, const char *text, size_t size,
			  struct yaml_stream **ret_stream, struct err *err);

size_t yaml_documents(const struct yaml_stream *stream);
json_t *yaml_document(const struct yaml_stream *stream, size_t index); /* borrowed */

/* Line of a field such as "spec.ports[0].port", of its nearest parent when it is absent. */
unsigned int yaml_line(const struct yaml_stream *stream, size_t index, const char *field);

/* Not yaml_free: libyaml exports a function of that name for itself. */
void yaml_stream_free(struct yaml_stream *stream);

/* Prints a tree as block YAML the way kubectl does (keys sorted as they are in the tree). */
int yaml_print(FILE *out, const json_t *json);

#endif
