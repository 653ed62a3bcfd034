/* SPDX-License-Identifier: Apache-2.0 */
/* The trees that libyaml's events make, and what is open while they come. */
#ifndef K8S_YAML_BUILD_H
#define K8S_YAML_BUILD_H

#include <stdbool.h>
#include <yaml.h>

#include "user/k8s/yaml_stream.h"

#define YAML_MAX_DEPTH 100

/* How big a value is; known when it is complete. */
struct yaml_extent {
	size_t cost;
	unsigned int height; /* containers inside each other; 0: a scalar */
};

struct yaml_anchor {
	char *name;
	json_t *json; /* NULL while the value is still open: an alias to it would be a cycle */
	struct yaml_extent extent;
};

struct yaml_frame {
	json_t *json;
	json_t *merged; /* of a mapping: what << brought, added when it is complete */
	char *key;	/* of a mapping: read, its value comes next */
	bool merge;	/* key is << */
	unsigned int key_line;
	size_t mark;
	ssize_t anchor; /* -1: none */
	struct yaml_extent extent;
};

/*
 * The open containers lie on a stack of fixed height, so that no input can exhaust the C
 * stack, here or in whoever walks the tree later.
 */
struct yaml_builder {
	const char *file;
	struct yaml_stream *stream;
	struct yaml_frame frames[YAML_MAX_DEPTH];
	unsigned int depth;
	VEC(struct yaml_anchor) anchors;
	size_t aliased; /* cost of all aliases of the document */
	struct err *err;
};

/* Takes the next event in; 0 or -EINVAL with "file:line: reason". */
LB_CHECKED int yaml_build(struct yaml_builder *b, const yaml_event_t *event);

/* Fills err with "file:line: …" and returns -EINVAL. */
int yaml_build_fail(struct yaml_builder *b, unsigned int line, const char *format, ...)
	LB_PRINTF(3, 4);

/* Frees what is still open; the stream is the caller's. */
void yaml_builder_done(struct yaml_builder *b);

#endif
