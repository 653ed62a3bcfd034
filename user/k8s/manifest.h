/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: YAML (several documents), JSON, `kind: List`, from a file, a
 * directory (*.yaml, *.yml, *.json, sorted) or standard input.
 */
#ifndef K8S_MANIFEST_H
#define K8S_MANIFEST_H

#include "user/k8s/object.h"
#include "user/util/err.h"
#include "user/util/vec.h"

struct object_list {
	struct object **items; /* owned, in the order of the manifest */
	size_t n, room;
};

void object_list_free(struct object_list *list);

/*
 * Appends all objects of path ("-": standard input) to list. An error says
 * `file:line: field: reason`; the list is then as it was before the call.
 */
LB_CHECKED int manifest_read(const char *path, const char *default_ns, struct object_list *list,
			     struct err *err);

/* The same from memory; file is the name that errors carry. */
LB_CHECKED int manifest_parse(const char *file, const char *text, size_t size,
			      const char *default_ns, struct object_list *list, struct err *err);

#endif
