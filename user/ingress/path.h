/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of rules, and patterns in them. */
#ifndef INGRESS_PATH_H
#define INGRESS_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * "/x(/|$)(.*)", "/x/?(.*)", "/x/(.*)": how people write "what is below /x" for a rewrite. Returns
 * the length of "/x", and the number of the group that is the rest; 0: the path is not of that
 * form, and the whole of it is meant.
 */
size_t path_pattern(const char *path, unsigned int *ret_rest);

/* Is it a regular expression and nothing simpler, where such are allowed? */
bool path_is_regex(const char *path);

/* Does path begin with what the expression stands for? Case is ignored, as ingress-nginx does. */
bool path_matches(const char *regex, const char *path);

/* Without the slashes at the end that say nothing: "/x/" and "/x" are one prefix, "/" is "". */
size_t path_prefix_length(const char *path, size_t length);

/* Does a prefix without slashes at its end stand for this path? Whole elements only. */
bool path_is_below(const char *prefix, const char *path);

/* Why it cannot be a rule's path, or NULL. */
const char *path_wrong(const char *path, bool regex);

#endif
