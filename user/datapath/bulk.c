/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/bulk.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "user/util/vec.h"

#define BATCH 4096
#define TOKEN_BYTES 64 /* a hash's is 4 bytes, a trie's is a key */

static char *grown(char *items, size_t n, size_t room, size_t size)
{
	char *copy = xcalloc(room, size);

	if (n)
		memcpy(copy, items, n * size);
	free(items);
	return copy;
}

static void bulk_reserve(struct bulk *bulk, size_t n)
{
	if (bulk->n + n <= bulk->room)
		return;
	bulk->room = bulk->room * 2 > bulk->n + n ? bulk->room * 2 : bulk->n + n;
	bulk->keys = grown(bulk->keys, bulk->n, bulk->room, bulk->key_size);
	bulk->values = grown(bulk->values, bulk->n, bulk->room, bulk->value_size);
}

static char *key_at(const struct bulk *bulk, size_t i)
{
	return bulk->keys + i * bulk->key_size;
}

static char *value_at(const struct bulk *bulk, size_t i)
{
	return bulk->values + i * bulk->value_size;
}

const void *bulk_key(const struct bulk *bulk, size_t i)
{
	return key_at(bulk, i);
}

const void *bulk_value(const struct bulk *bulk, size_t i)
{
	return value_at(bulk, i);
}

void bulk_add(struct bulk *bulk, const void *key, const void *value)
{
	bulk_reserve(bulk, 1);
	memcpy(key_at(bulk, bulk->n), key, bulk->key_size);
	memcpy(value_at(bulk, bulk->n), value, bulk->value_size);
	bulk->n++;
}

void bulk_done(struct bulk *bulk)
{
	free(bulk->keys);
	free(bulk->values);
	*bulk = (struct bulk){ 0 };
}

static int read_batches(int map_fd, struct bulk *bulk)
{
	char token[2][TOKEN_BYTES];
	void *in = NULL;
	int r = 0;

	for (int turn = 0; !r; turn ^= 1) {
		__u32 count = BATCH;

		bulk_reserve(bulk, BATCH);
		r = bpf_map_lookup_batch(map_fd, in, token[turn], key_at(bulk, bulk->n),
					 value_at(bulk, bulk->n), &count, NULL);
		if (!r || r == -ENOENT)
			bulk->n += count;
		in = token[turn];
	}
	return r == -ENOENT ? 0 : r;
}

/* Only the holder of the lock removes keys, so the walk never loses its place. */
static int read_singly(int map_fd, struct bulk *bulk)
{
	const void *last = NULL;

	for (;;) {
		int r;

		bulk_reserve(bulk, 1);
		last = bulk->n ? key_at(bulk, bulk->n - 1) : NULL;
		r = bpf_map_get_next_key(map_fd, last, key_at(bulk, bulk->n));
		if (r)
			return r == -ENOENT ? 0 : r;
		r = bpf_map_lookup_elem(map_fd, key_at(bulk, bulk->n), value_at(bulk, bulk->n));
		if (r)
			return r;
		bulk->n++;
	}
}

int bulk_read(int map_fd, size_t key_size, size_t value_size, struct bulk *ret_bulk)
{
	struct bulk bulk = { .key_size = key_size, .value_size = value_size };
	int r = read_batches(map_fd, &bulk);

	if (r) {
		/* An older kernel, or a bucket larger than a batch. */
		bulk.n = 0;
		r = read_singly(map_fd, &bulk);
	}
	if (r)
		bulk_done(&bulk);
	else
		*ret_bulk = bulk;
	return r;
}

int bulk_write(int map_fd, const struct bulk *bulk)
{
	__u32 done = (__u32)bulk->n;

	if (!bulk->n)
		return 0;
	if (bulk->n > 1 && !bpf_map_update_batch(map_fd, bulk->keys, bulk->values, &done, NULL))
		return 0;
	/* No batches here, or one entry failed: singly, all again, to learn its own error. */
	for (size_t i = 0; i < bulk->n; i++) {
		int r = bpf_map_update_elem(map_fd, key_at(bulk, i), value_at(bulk, i), BPF_ANY);

		if (r)
			return r;
	}
	return 0;
}
