/* SPDX-License-Identifier: Apache-2.0 */
/* Names: who answered, what was said, and how long upstreams took. */
#include "user/agent/metrics_parts.h"

/* RFC 1035 4.1.1; others the server never says itself, but upstreams may. */
static const char *const rcodes[DNS_RCODES] = {
	"noerror", "formerr", "servfail", "nxdomain", "notimp", "refused", "yxdomain", "yxrrset",
	"nxrrset", "notauth", "notzone",  "11",	      "12",	"13",	   "14",       "15",
};

#define RCODES_ALWAYS 6 /* so that a rate begins at its first one */

static void answers_write(FILE *out, const struct dns_counts *dns)
{
	metrics_family(out, "dns_answers_total", "counter",
		       "Answers of the agent's DNS server, by what they say.");
	for (size_t i = 0; i < DNS_RCODES; i++)
		if (i < RCODES_ALWAYS || dns->answers[i])
			metrics_labelled(out, "dns_answers_total", "rcode", rcodes[i],
					 dns->answers[i]);
}

void metrics_write_dns(struct metrics_writer *writer)
{
	const struct metrics *metrics = writer->metrics;
	const struct dns_counts *dns = metrics->dns;
	FILE *out = writer->out;

	answers_write(out, dns);
	if (metrics->stats)
		metrics_single(out, "dns_kernel_answers_total", "counter",
			       "Questions that the packet programs answered by themselves.",
			       metrics->stats->reasons[LB_REASON_NAME].packets);
	metrics_single(out, "dns_cache_hits_total", "counter",
		       "Answers of the server that an upstream had given before.", dns->cached);
	metrics_single(out, "dns_upstream_errors_total", "counter",
		       "Questions that no upstream answered in time.", dns->unanswered);
	metrics_histogram(out, "dns_upstream_duration_seconds",
			  "From a question to the upstreams to its reply.", &dns->upstream);
}
