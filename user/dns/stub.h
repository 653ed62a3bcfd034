/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a DNS server as a pod's resolver does. */
#ifndef DNS_STUB_H
#define DNS_STUB_H

#include "user/dns/name.h"
#include "user/k8s/config.h"

#define STUB_NDOTS 5
#define STUB_SEARCH 4 /* names at most: the search path, and the name itself */

/*
 * The names that are tried one after the other for text in a pod of namespace ns, whose resolv.conf
 * has `search NS.svc.DOMAIN svc.DOMAIN DOMAIN` and `options ndots:5`. Returns how many; 0:
 * text is no name.
 */
size_t stub_search(const char *text, const char *ns, const char *domain,
		   struct name ret_names[STUB_SEARCH]);

/* A record type by its name or number. 0 or -EINVAL. */
int stub_type_parse(const char *text, uint16_t *ret_type);

struct stub_answer {
	bool authoritative;
	char status[32]; /* "NOERROR", "NXDOMAIN", "NODATA": the name is there, the type is not */
	char **items;	 /* "A 10.96.0.5", of the answer, in order */
	size_t n, room;
};

void stub_answer_done(struct stub_answer *answer);

/* Over UDP, and over TCP when the answer was cut. -ETIMEDOUT, or what the socket says. */
LB_CHECKED int stub_ask(const struct addr_port *server, const struct name *name, uint16_t type,
			struct stub_answer *ret_answer, struct err *err);

#endif
