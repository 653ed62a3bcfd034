/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/names.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "user/datapath/bulk.h"
#include "user/datapath/handle.h"

static int stale_delete(int map, const struct datapath_names *names)
{
	struct bulk bulk = { 0 };
	int code = bulk_read(map, sizeof(struct lb_dns_key), sizeof(struct lb_dns), &bulk);

	for (size_t i = 0; i < bulk.n && !code; i++) {
		if (names->has(names->arg, bulk_key(&bulk, i)))
			continue;
		if (bpf_map_delete_elem(map, bulk_key(&bulk, i)) && errno != ENOENT)
			code = -errno;
	}
	bulk_done(&bulk);
	return code;
}

static bool is_full(int code)
{
	return code == -E2BIG || code == -ENOSPC;
}

bool datapath_names_are(struct datapath *dp, const struct lb_dns_meta *meta)
{
	const uint32_t zero = 0;
	struct lb_dns_meta now;

	if (bpf_map_lookup_elem(dp->map[MAP_DNS_META], &zero, &now))
		return false;
	now.complete = meta->complete;
	return !memcmp(&now, meta, sizeof(now));
}

int datapath_set_names(struct datapath *dp, const struct datapath_names *names, struct err *err)
{
	/* Read only: bulk takes what it may free. */
	struct bulk bulk = { .keys = (char *)(uintptr_t)names->keys,
			     .values = (char *)(uintptr_t)names->values,
			     .n = names->n,
			     .key_size = sizeof(*names->keys),
			     .value_size = sizeof(*names->values) };
	struct lb_dns_meta meta = names->meta;
	const uint32_t zero = 0;
	int code = bulk_write(dp->map[MAP_DNS], &bulk);
	bool full = is_full(code);

	if (!code || full)
		code = stale_delete(dp->map[MAP_DNS], names);
	/* Perhaps there was no room because of the old ones alone. */
	if (!code && full) {
		code = bulk_write(dp->map[MAP_DNS], &bulk);
		meta.complete = meta.complete && !is_full(code);
		code = is_full(code) ? 0 : code;
	}
	if (code)
		return err_sys(err, code, "lb_dns");
	if (bpf_map_update_elem(dp->map[MAP_DNS_META], &zero, &meta, BPF_ANY))
		return err_sys(err, -errno, "lb_dns_meta");
	return 0;
}

int datapath_each_name(struct datapath *dp,
		       int (*visit)(void *arg, const struct lb_dns_key *key,
				    const struct lb_dns *value),
		       void *arg, struct err *err)
{
	struct lb_dns_key key;
	struct lb_dns value;
	struct bulk bulk;
	int r = bulk_read(dp->map[MAP_DNS], sizeof(key), sizeof(value), &bulk);

	if (r)
		return err_sys(err, r, "cannot read %s", shared_map_names[MAP_DNS]);
	for (size_t i = 0; i < bulk.n && !r; i++) {
		memcpy(&key, bulk_key(&bulk, i), sizeof(key));
		memcpy(&value, bulk_value(&bulk, i), sizeof(value));
		r = visit(arg, &key, &value);
	}
	bulk_done(&bulk);
	return r;
}
