/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/affinity.h"

#include <string.h>

#include "user/datapath/bulk.h"
#include "user/datapath/clock.h"
#include "user/datapath/handle.h"

static int now_read(uint64_t *ret_now, struct err *err)
{
	struct lb_clock *clock = NULL;
	int r = clock_open(&clock, err);

	r = r ?: clock_read(clock, ret_now, err);
	clock_close(clock);
	return r;
}

int datapath_each_affinity(struct datapath *dp,
			   int (*visit)(void *arg, const struct datapath_affinity *affinity),
			   void *arg, struct err *err)
{
	struct datapath_affinity item;
	struct bulk bulk;
	uint64_t now;
	int r = now_read(&now, err);

	if (r)
		return r;
	r = bulk_read(dp->map[MAP_AFFINITY], sizeof(item.key), sizeof(item.value), &bulk);
	if (r)
		return err_sys(err, r, "cannot read %s", shared_map_names[MAP_AFFINITY]);
	for (size_t i = 0; i < bulk.n && !r; i++) {
		int32_t age;

		memcpy(&item.key, bulk_key(&bulk, i), sizeof(item.key));
		memcpy(&item.value, bulk_value(&bulk, i), sizeof(item.value));
		age = (int32_t)((uint32_t)now - item.value.last_used);
		item.idle = age < 0 ? 0 : (uint32_t)age / dp->meta.config.hz;
		r = visit(arg, &item);
	}
	bulk_done(&bulk);
	return r;
}
