/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/counts.h"

#include <libknot/libknot.h>

void dns_count(uint64_t *count)
{
	__atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

void dns_count_answer(struct dns_counts *counts, const struct answer *answer)
{
	dns_count(&counts->answers[knot_wire_get_rcode(answer->wire)]);
}

struct dns_counts dns_counts_read(const struct dns_counts *counts)
{
	struct dns_counts copy = { .upstream = histogram_read(&counts->upstream) };

	for (int i = 0; i < DNS_RCODES; i++)
		copy.answers[i] = __atomic_load_n(&counts->answers[i], __ATOMIC_RELAXED);
	copy.cached = __atomic_load_n(&counts->cached, __ATOMIC_RELAXED);
	copy.unanswered = __atomic_load_n(&counts->unanswered, __ATOMIC_RELAXED);
	return copy;
}
