/* SPDX-License-Identifier: Apache-2.0 */
/* From the objects in this binary to programs in the kernel, on the pinned maps. */
#ifndef DATAPATH_LOAD_H
#define DATAPATH_LOAD_H

#include <bpf/libbpf.h>

#include "user/datapath/programs.h"
#include "user/k8s/config.h"

struct load {
	struct bpf_object *objects[OBJECT_COUNT]; /* NULL: not asked for */
	struct programs programs;		  /* borrowed from the objects */
};

/* Number of flow sets of each family for a table of that many entries: a power of two. */
uint32_t load_flow_sets(uint32_t flows);

/* The configuration in the form the programs read. */
LB_CHECKED int load_config(const struct config *config, uint32_t hz, uint64_t seed,
			   struct lb_config *ret_config, struct err *err);

/*
 * Loads the wanted objects. Maps that are pinned are taken over, others are created and
 * pinned. A pinned map of another size is an error that says what to do.
 */
LB_CHECKED int load_objects(const struct paths *paths, const struct lb_config *config,
			    const bool want[OBJECT_COUNT], struct load *ret_load, struct err *err);

/* Pins programs and tail-call arrays in a folder below v<ABI>. */
LB_CHECKED int load_pin(const struct load *load, const struct paths *paths, const char *folder,
			struct err *err);
void load_done(struct load *load);

#endif
