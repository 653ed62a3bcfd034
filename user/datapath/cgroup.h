/* SPDX-License-Identifier: Apache-2.0 */
/* Where the socket hooks go: a folder of cgroup v2. */
#ifndef DATAPATH_CGROUP_H
#define DATAPATH_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "user/util/err.h"
#include "user/util/paths.h"

/*
 * The root of cgroup v2: where /proc/self/mounts has it, else mounted privately under
 * <paths.run>/cgroup (ret_mounted). The path is the caller's.
 */
LB_CHECKED int cgroup_root(const struct paths *paths, char **ret_path, bool *ret_mounted,
			   struct err *err);
void cgroup_unmount(const struct paths *paths);

/* A descriptor of the folder, and the id by which links name it. */
LB_CHECKED int cgroup_open(const char *path, int *ret_fd, uint64_t *ret_id, struct err *err);

#endif
