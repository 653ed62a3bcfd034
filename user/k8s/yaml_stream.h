/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of struct yaml_stream, for the parser that fills it. */
#ifndef K8S_YAML_STREAM_H
#define K8S_YAML_STREAM_H

#include "user/k8s/yaml.h"
#include "user/util/vec.h"

/* A value's line. Marks lie in the order of the text: a container's members follow it. */
struct yaml_mark {
	char *key; /* of a mapping's member, owned; NULL for an item or the root */
	unsigned int line;
	size_t next; /* index behind the last mark inside this value */
};

struct yaml_document {
	json_t *root;
	VEC(struct yaml_mark) marks;
};

struct yaml_stream {
	struct yaml_document *items;
	size_t n, room;
};

#endif
