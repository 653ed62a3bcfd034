/* SPDX-License-Identifier: Apache-2.0 */
/* Whole maps at once: by batches of the kernel where it has them, else one by one. */
#ifndef DATAPATH_BULK_H
#define DATAPATH_BULK_H

#include <stddef.h>
#include <stdint.h>

#include "user/util/err.h"

/* Entries side by side: keys[i * key_size], values[i * value_size]. */
struct bulk {
	char *keys, *values;
	size_t n, room;
	size_t key_size, value_size;
};

/* 0 or -errno. Keys and values are the caller's to free, by bulk_done. */
LB_CHECKED int bulk_read(int map_fd, size_t key_size, size_t value_size, struct bulk *ret_bulk);
LB_CHECKED int bulk_write(int map_fd, const struct bulk *bulk);
void bulk_done(struct bulk *bulk);

const void *bulk_key(const struct bulk *bulk, size_t i);
const void *bulk_value(const struct bulk *bulk, size_t i);

/* Grows by one entry. */
void bulk_add(struct bulk *bulk, const void *key, const void *value);

#endif
