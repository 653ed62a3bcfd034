/* SPDX-License-Identifier: Apache-2.0 */
/* What one attach asks for, added to what is attached. */
#ifndef DATAPATH_REQUEST_H
#define DATAPATH_REQUEST_H

#include "user/datapath/state.h"

/* Something is asked for, and the devices exist. */
LB_CHECKED int request_check(const struct attach_options *options, struct err *err);

/*
 * What was attached before and is still there, and what is asked for now. Options that are
 * not given leave alone what somebody once chose. May mount a private cgroup v2.
 */
LB_CHECKED int request_merge(const struct paths *paths, const struct attach_options *options,
			     const struct attach_state *was, struct attach_state *ret_state,
			     struct err *err);

#endif
