/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, in and out. */
#ifndef K8S_FILE_H
#define K8S_FILE_H

#include <stdio.h>

#include "user/util/err.h"

/* Reads all of path, "-" is standard input; NUL-terminated, to be freed. At most 64 MiB. */
LB_CHECKED int file_read(const char *path, char **ret_text, size_t *ret_size, struct err *err);

/*
 * Directory entries whose name ends in one of the suffixes (NULL-ended array; NULL: all),
 * sorted, without those that start with a dot. *ret_names and each name are to be freed.
 */
LB_CHECKED int dir_read(const char *path, const char *const *suffixes, char ***ret_names,
			size_t *ret_n, struct err *err);
void dir_names_free(char **names, size_t n);

#endif
