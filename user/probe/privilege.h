/* SPDX-License-Identifier: Apache-2.0 */
/* Who a command runs as: read from a process, or least. */
#ifndef PROBE_PRIVILEGE_H
#define PROBE_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "user/util/err.h"

#define PRIVILEGE_GROUPS 64

struct privilege {
	uid_t uid;
	gid_t gid;
	gid_t groups[PRIVILEGE_GROUPS];
	size_t n_groups;
	uint64_t inheritable, permitted, effective, bounding, ambient; /* capabilities */
	bool no_new_privs;
};

/* What /proc/PID/status says. -EINVAL: it is not the text of such a file. */
LB_CHECKED int privilege_parse(const char *status, struct privilege *ret_privilege,
			       struct err *err);

/* No capability, now or later. */
void privilege_least(uid_t uid, gid_t gid, struct privilege *ret_privilege);

/*
 * From the numbers that we see to those inside of a user namespace: map is its uid_map or
 * gid_map. -EINVAL: it has none for this one.
 */
LB_CHECKED int privilege_map(const char *map, uint32_t outside, uint32_t *ret_inside);

/*
 * Takes them on, for good. Async-signal-safe; returns what failed, or NULL. Capabilities
 * that the caller has not got are left out.
 */
const char *privilege_assume(const struct privilege *privilege);

#endif
