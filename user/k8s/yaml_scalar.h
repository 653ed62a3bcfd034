/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain (unquoted) YAML scalar means; the parser and the printer must agree on it. */
#ifndef K8S_YAML_SCALAR_H
#define K8S_YAML_SCALAR_H

#include <jansson.h>
#include <stdbool.h>

enum yaml_scalar_type {
	YAML_SCALAR_STRING,
	YAML_SCALAR_TIMESTAMP, /* read as a string, quoted when printed */
	YAML_SCALAR_NULL,
	YAML_SCALAR_BOOL,
	YAML_SCALAR_INT,
	YAML_SCALAR_REAL,
	YAML_SCALAR_NOT_FINITE, /* .inf, .nan: JSON has no such number */
	YAML_SCALAR_MERGE,	/* << */
};

struct yaml_scalar {
	enum yaml_scalar_type type;
	bool boolean;
	json_int_t integer;
	double real;
};

struct yaml_scalar yaml_scalar_resolve(const char *text);

/* A new JSON value; NULL for a type that JSON has not (NOT_FINITE, MERGE). */
json_t *yaml_scalar_json(const struct yaml_scalar *scalar, const char *text);

#endif
