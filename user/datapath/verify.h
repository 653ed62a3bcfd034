/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of the maps at any moment, whoever writes them: each violation is a sentence.
 * The rules themselves are pure; datapath_verify brings what the pinned maps hold.
 */
#ifndef DATAPATH_VERIFY_H
#define DATAPATH_VERIFY_H

#include "user/datapath/affinity.h"

struct verify_violations {
	char **items; /* sentences, sorted once all are found */
	size_t n, room;
};

/* What was looked at, for people to see that it was not nothing. */
struct verify_counts {
	size_t services, frontends, backends, slots, affinities, flows;
};

/*
 * Services, frontends, their ranges slot by slot, backends and source ranges. Appends; counts
 * are added to.
 */
void verify_services(const struct actual *actual, struct verify_violations *found,
		     struct verify_counts *counts);

/* One binding, one flow: do they name a backend that is or was there? */
void verify_affinity(const struct actual *actual, const struct datapath_affinity *affinity,
		     struct verify_violations *found);
void verify_flow(const struct actual *actual, const struct datapath_flow *flow,
		 struct verify_violations *found);

/* Leaves in `found` what `again` has too: what a second look still finds was no change passing. */
void verify_keep_common(struct verify_violations *found, const struct verify_violations *again);
void verify_violations_done(struct verify_violations *found);

/* All of it, of the pinned maps. Where something is found, a second look decides. */
LB_CHECKED int datapath_verify(struct datapath *dp, struct verify_violations *ret_found,
			       struct verify_counts *ret_counts, struct err *err);

#endif
