/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that HAProxy works in. */
#ifndef INGRESS_PROXY_FILES_H
#define INGRESS_PROXY_FILES_H

#include <sys/types.h>

#include "user/ingress/render.h"
#include "user/util/err.h"

struct proxy_user {
	uid_t uid;
	gid_t gid;
};

/* haproxy, or nobody. */
struct proxy_user proxy_user_find(void);

/* Makes the directory; returns a descriptor of it. */
LB_CHECKED int proxy_dir_open(const char *path, const struct proxy_user *user, struct err *err);

/* Writes all of files into a new folder "gNUMBER" of dir. */
LB_CHECKED int proxy_files_write(int dir, unsigned long number, const struct ingress_files *files,
				 const struct proxy_user *user, struct err *err);

/* Its haproxy.cfg becomes the one of dir, at once. */
LB_CHECKED int proxy_files_activate(int dir, unsigned long number, struct err *err);

/* Removes all folders but that one. */
void proxy_files_prune(int dir, unsigned long keep);

/* A number that no folder has yet. */
unsigned long proxy_files_next(int dir);

#endif
