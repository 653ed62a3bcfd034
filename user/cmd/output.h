/* SPDX-License-Identifier: Apache-2.0 */
/* -o: objects as JSON, as YAML, by name. */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <stdio.h>

#include "user/cmd/command.h"
#include "user/k8s/object.h"

enum output {
	OUTPUT_PLAIN, /* no -o: tables, messages */
	OUTPUT_WIDE,
	OUTPUT_JSON,
	OUTPUT_YAML,
	OUTPUT_NAME,
};

/* allowed: the argument of the option, such as "wide|json|yaml|name". */
LB_CHECKED int output_parse(const struct cli *cli, const char *allowed, enum output *ret_output,
			    struct err *err);

/* One object as it is, with its fields in kubectl's (alphabetical) order. */
void output_object(FILE *out, enum output output, const struct object *object);

/* All of them as a `kind: List`; with OUTPUT_NAME a line each. */
void output_list(FILE *out, enum output output, const struct object *const *items, size_t n);

/* Any tree, with its keys in alphabetical order. */
void output_json(FILE *out, enum output output, const json_t *json);

/* "service/kubia", "endpointslice.discovery.k8s.io/x" */
void output_name(FILE *out, const struct object *object);

#endif
