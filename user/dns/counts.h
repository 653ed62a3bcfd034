/* SPDX-License-Identifier: Apache-2.0 */
/* What the DNS server has done since it was opened. Its thread counts, others read. */
#ifndef DNS_COUNTS_H
#define DNS_COUNTS_H

#include "user/dns/answer.h"
#include "user/util/histogram.h"

#define DNS_RCODES 16 /* without those that take an OPT record, which the server never sends */

struct dns_counts {
	uint64_t answers[DNS_RCODES]; /* sent, by what they say */
	uint64_t cached;	      /* of them, from what upstreams had said before */
	uint64_t unanswered;	      /* questions that no upstream had an answer for in time */
	struct histogram upstream;    /* from question to reply */
};

void dns_count(uint64_t *count);

/* One more answer: its code is in its fourth byte. */
void dns_count_answer(struct dns_counts *counts, const struct answer *answer);

struct dns_counts dns_counts_read(const struct dns_counts *counts);

#endif
