/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One bpf_link at one pin. Updating the program of a link is atomic: each packet meets the
 * old program or the new one, never none.
 */
#ifndef DATAPATH_LINK_H
#define DATAPATH_LINK_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "user/util/paths.h"

/* libbpf 1.1 and the headers of Linux 6.1 have no names for these. */
#define LINK_TCX_INGRESS 46
#define LINK_TCX_EGRESS 47

struct link_spec {
	int type;	/* enum bpf_attach_type, or one of the above */
	int target;	/* ifindex, or the cgroup's descriptor */
	uint64_t id;	/* ifindex, or the cgroup's id: what the link must be attached to */
	uint32_t flags; /* XDP_FLAGS_*_MODE */
};

/*
 * Gives the pinned link a new program, or creates and pins one. A link whose device is gone,
 * or that is attached to something else, is replaced. -errno of the kernel.
 */
int link_attach(const char *path, const struct link_spec *spec, int prog_fd);

/* Detaches before it returns (the last reference alone would do it later), and unpins. */
void link_remove(const char *path);

/* All links that are pinned. */
void link_remove_all(const struct paths *paths);

/* Is there a pin, and is it attached to what still exists? */
bool link_is_alive(const char *path);

#endif
