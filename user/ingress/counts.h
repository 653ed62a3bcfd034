/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to count of Ingress: requests by Ingress and Service, from HAProxy's "show stat";
 * and what is told of the rules, certificates and problems. Owns its texts. Pure.
 */
#ifndef INGRESS_COUNTS_H
#define INGRESS_COUNTS_H

#include "user/ingress/rules.h"

#define INGRESS_CODES 6 /* 1xx to 5xx, and others */

struct ingress_count {
	char *ns, *ingress, *service; /* all "": requests that no rule is for */
	uint64_t codes[INGRESS_CODES];
	uint64_t sessions;  /* now */
	uint64_t endpoints; /* that are ready */
	bool ruled;	    /* some rule has it */
};

struct ingress_counts {
	struct ingress_count *items; /* sorted */
	size_t n, room;
};

struct ingress_fact {
	char *ns, *name;
	const char *reason; /* of a problem: rules_reason_word; of a certificate NULL */
	uint64_t value;	    /* how many; or when the certificate ends, in seconds of Unix time */
};

struct ingress_facts {
	struct ingress_fact *items;
	size_t n, room;
};

/*
 * Adds what HAProxy says to counts, of a worker that is counted once: sessions are those of the
 * text alone. A text that is not as expected adds what is.
 */
void counts_add(struct ingress_counts *counts, const char *stats);

/* What has rules, and its endpoints, without loss of what was counted; the rest is forgotten. */
void counts_rule(struct ingress_counts *counts, const struct ingress_rules *rules);
void counts_copy(const struct ingress_counts *counts, struct ingress_counts *ret_counts);
void counts_free(struct ingress_counts *counts);

/* One for each Ingress and reason; one for each Secret that is in use. */
void facts_problems(const struct ingress_rules *rules, struct ingress_facts *ret_facts);
void facts_certificates(const struct ingress_rules *rules, struct ingress_facts *ret_facts);
void facts_free(struct ingress_facts *facts);

#endif
