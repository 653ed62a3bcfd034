/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into JSON trees, and printing them in the order kubectl prints fields. */
#ifndef UTIL_TREE_H
#define UTIL_TREE_H

#include <jansson.h>

/* The member at a path such as "spec.type", borrowed; NULL where any step is missing. */
json_t *tree_get(const json_t *json, const char *path);

/* The same for a string; NULL when it is missing or no string. */
const char *tree_text(const json_t *json, const char *path);

/* The same for a number; 0 when it is missing or no integer. */
long long tree_int(const json_t *json, const char *path);

/* Sets a member, creating the objects on the way to it. Takes over value. */
void tree_set(json_t *json, const char *path, json_t *value);

/* Removes a member; nothing happens when it is not there. */
void tree_delete(json_t *json, const char *path);

/* A deep copy whose objects have their keys in alphabetical order. */
json_t *tree_sorted(const json_t *json);

/* The keys of an object in alphabetical order; *ret_n of them, to be freed as a whole. */
const char **tree_keys(const json_t *json, size_t *ret_n);

#endif
