/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind a struct explain. Inside of explain. */
#ifndef DATAPATH_EXPLAIN_PARTS_H
#define DATAPATH_EXPLAIN_PARTS_H

#include "user/datapath/explain.h"
#include "user/datapath/handle.h"
#include "user/datapath/load.h"
#include "user/util/vec.h"

struct explain {
	struct datapath *dp; /* what is attached, or a handle on the own maps */
	struct load load;
	struct lb_config config;
	int flow4, flow6; /* the own flow tables, borrowed from load */
	struct addr_list addresses;
	struct datapath_devices devices; /* none: nothing is attached */
	bool attached;
	VEC(struct plan_op) filled; /* what explain_fill put into the own maps */
};

#define EXPLAIN_FRAME 128

/*
 * The first packet of a connection: a SYN, a datagram or an INIT. Checksums are left empty: the
 * programs change them by differences. Returns its length.
 */
size_t explain_frame(const struct explain_question *question, uint8_t frame[EXPLAIN_FRAME]);

#endif
