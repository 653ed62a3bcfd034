/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPATH_TEARDOWN_H
#define DATAPATH_TEARDOWN_H

#include "user/datapath/state.h"

/* Removes everything of an instance from the kernel: links, filters, pins, mounts. */
LB_CHECKED int teardown(const struct paths *paths, const struct attach_state *state,
			struct err *err);

#endif
