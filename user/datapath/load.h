/* SPDX-License-Identifier: Apache-2.0 */
/* From the objects in this binary to programs in the kernel, on the pinned maps. */
#ifndef DATAPATH_LOAD_H
#define DATAPATH_LOAD_H

#include <bpf/libbpf.h>

#include "lb/types.h"
#include "user/datapath/handle.h"
#include "user/datapath/programs.h"

struct load {
	struct bpf_object *objects[OBJECT_COUNT]; /* NULL: not asked for */
	struct programs programs;		  /* borrowed from the objects */
};

/*
 * Loads the wanted objects. Maps that are pinned are taken over, others are created and
 * pinned. A pinned map of another size is an error that says what to do.
 */
LB_CHECKED int load_objects(const struct paths *paths, const struct lb_config *config,
			    const bool want[OBJECT_COUNT], struct load *ret_load, struct err *err);

/* Maps without pins: those given are taken over, the others are new and as small as can be. */
struct load_maps {
	int fd[MAP_COUNT]; /* -EBADF: none; filled in, borrowed from the objects */
	uint32_t slots;	   /* of a new lb_maglev */
};

/*
 * Loads the wanted objects for test runs alone. Flow tables have one set, counters one place:
 * what is not given has no room for the traffic of a node.
 */
LB_CHECKED int load_private(struct load_maps *maps, const struct lb_config *config,
			    const bool want[OBJECT_COUNT], struct load *ret_load, struct err *err);

/* Pins programs and tail-call arrays in a folder below v<ABI>. */
LB_CHECKED int load_pin(const struct load *load, const struct paths *paths, const char *folder,
			struct err *err);
void load_done(struct load *load);

#endif
