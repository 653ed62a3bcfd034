/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON tree → typed, validated object, by the API server's rules for the kind
 * (field paths and reasons as it words them: `spec.ports[0].port: Invalid value:
 * 70000: must be between 1 and 65535, inclusive`).
 */
#ifndef K8S_DECODE_H
#define K8S_DECODE_H

#include "user/k8s/object.h"
#include "user/util/err.h"

/*
 * Takes its own reference of json. default_ns is used where a namespaced object
 * names none, and written into the tree. -ENOTSUP: a kind that lbctl does not serve.
 * On -EINVAL err holds "field: reason" and *ret_field (may be NULL) the field's path,
 * to be freed by the caller, so that a source can add file and line.
 */
LB_CHECKED int object_decode(json_t *json, const char *default_ns, struct object **ret_object,
			     char **ret_field, struct err *err);

#endif
