/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/bloom.h"

#include <errno.h>
#include <sys/mman.h>

#include "lb/bloom.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define BLOOM_SIZE (LB_BLOOM_WORDS * sizeof(uint64_t))

void bloom_add(uint64_t *words, const struct bulk *frontends)
{
	for (size_t i = 0; i < frontends->n; i++) {
		const struct lb_frontend_key *key = bulk_key(frontends, i);
		uint32_t bit = lb_bloom_bit(key->addr.word, key->port, key->proto);

		words[bit / 64] |= 1ull << bit % 64;
	}
}

/* Word by word, and only where it differs: at no time is a bit clear that must be set. */
int bloom_rebuild(uint64_t *words, int frontend_fd, struct err *err)
{
	cleanup_free uint64_t *fresh = xcalloc(LB_BLOOM_WORDS, sizeof(*fresh));
	struct bulk frontends = { 0 };
	int r = bulk_read(frontend_fd, sizeof(struct lb_frontend_key), sizeof(struct lb_frontend),
			  &frontends);

	if (r)
		return err_sys(err, r, "cannot read lb_frontend");
	bloom_add(fresh, &frontends);
	bulk_done(&frontends);
	for (size_t i = 0; i < LB_BLOOM_WORDS; i++) {
		if (words[i] != fresh[i])
			__atomic_store_n(&words[i], fresh[i], __ATOMIC_RELAXED);
	}
	return 0;
}

int bloom_fill(int bloom_fd, int frontend_fd, struct err *err)
{
	uint64_t *words = mmap(NULL, BLOOM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, bloom_fd, 0);
	int r;

	if (words == MAP_FAILED)
		return err_sys(err, -errno, "cannot map lb_bloom");
	r = bloom_rebuild(words, frontend_fd, err);
	munmap(words, BLOOM_SIZE);
	return r;
}
