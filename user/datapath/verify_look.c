/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pinned maps under the rules, while packets and an agent write to them. One snapshot is
 * not of one moment, so a first look may see half of a change; what two looks see is wrong.
 */
#include <string.h>
#include <time.h>

#include "user/datapath/verify.h"
#include "user/util/vec.h"

#define SECOND_LOOK_NS 300000000 /* a plan of a large cluster is applied within this */

struct look {
	struct actual actual;
	struct verify_violations *found;
	size_t affinities, flows;
};

static int look_at_flow(void *arg, const struct datapath_flow *flow)
{
	struct look *look = arg;

	look->flows++;
	verify_flow(&look->actual, flow, look->found);
	return 0;
}

static int look_at_affinity(void *arg, const struct datapath_affinity *affinity)
{
	struct look *look = arg;

	look->affinities++;
	verify_affinity(&look->actual, affinity, look->found);
	return 0;
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int look_once(struct datapath *dp, struct verify_violations *ret_found,
		     struct verify_counts *ret_counts, struct err *err)
{
	struct verify_violations found = { 0 };
	struct verify_counts counts = { 0 };
	struct look look = { .found = &found };
	int r;

	/*
	 * What packets write is read last, but judged by backends that were read before: one
	 * that is new since then is a violation for the first look only.
	 */
	r = datapath_snapshot(dp, &look.actual, err);
	if (r)
		return r;
	verify_services(&look.actual, &found, &counts);
	r = datapath_each_affinity(dp, look_at_affinity, &look, err);
	r = r ?: datapath_each_flow(dp, look_at_flow, &look, err);
	counts.affinities = look.affinities;
	counts.flows = look.flows;
	actual_done(&look.actual);
	if (r) {
		verify_violations_done(&found);
		return r;
	}
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), text_order);
	*ret_found = found;
	*ret_counts = counts;
	return 0;
}

void verify_keep_common(struct verify_violations *found, const struct verify_violations *again)
{
	size_t kept = 0;

	for (size_t i = 0; i < found->n; i++) {
		if (again->n && bsearch(&found->items[i], again->items, again->n,
					sizeof(*again->items), text_order))
			found->items[kept++] = found->items[i];
		else
			free(found->items[i]);
	}
	found->n = kept;
}

void verify_violations_done(struct verify_violations *found)
{
	for (size_t i = 0; i < found->n; i++)
		free(found->items[i]);
	vec_free(found);
}

int datapath_verify(struct datapath *dp, struct verify_violations *ret_found,
		    struct verify_counts *ret_counts, struct err *err)
{
	const struct timespec pause = { .tv_nsec = SECOND_LOOK_NS };
	struct verify_violations found, again;
	struct verify_counts counts;
	int r = look_once(dp, &found, &counts, err);

	if (r)
		return r;
	if (found.n) {
		nanosleep(&pause, NULL);
		r = look_once(dp, &again, &counts, err);
		if (r) {
			verify_violations_done(&found);
			return r;
		}
		verify_keep_common(&found, &again);
		verify_violations_done(&again);
	}
	*ret_found = found;
	*ret_counts = counts;
	return 0;
}
