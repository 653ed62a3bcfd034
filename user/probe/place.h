/* SPDX-License-Identifier: Apache-2.0 */
/* Where the commands of a pod run: what its annotations say. */
#ifndef PROBE_PLACE_H
#define PROBE_PLACE_H

#include <stdint.h>
#include <sys/types.h>

#include "user/k8s/object.h"

struct place {
	char *pid;	     /* lbctl.io/pid: a process of the pod, as it was written; or NULL */
	char *netns;	     /* lbctl.io/netns: the path of a network namespace, or NULL */
	char *root;	     /* lbctl.io/root: the directory that is its root, or NULL */
	int64_t user, group; /* with netns only: from the securityContext, or -1 */
};

void place_init(struct place *place, const struct object *pod, const struct container *container);
void place_done(struct place *place);

#endif
