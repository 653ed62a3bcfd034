/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the packet programs know of names: lb_dns and lb_dns_meta. They answer plain questions for
 * A and AAAA records of the cluster's domain; everything else is for the server in user space,
 * which gives the same bytes.
 */
#ifndef LB_DNS_H
#define LB_DNS_H

#include "lb/types.h"

#define LB_DNS_PORT 53
#define LB_DNS_NAME 96	 /* the longest name, on the wire */
#define LB_DNS_DOMAIN 64 /* the longest domain, on the wire */
#define LB_DNS_A 8	 /* addresses of one name */
#define LB_DNS_AAAA 4
#define LB_MAX_DNS (1u << 18) /* names */
#define LB_DNS_UDP_SIZE 1232  /* what answers say in their OPT record */

#define LB_DNS_MANY 255

/* In lower case, on the wire, zeros behind it. */
struct lb_dns_key {
	__u8 name[LB_DNS_NAME];
};

enum lb_dns_flag {
	LB_DNS_USER = 1 << 0, /* an alias: nothing for the programs */
};

struct lb_dns {
	__u8 flags; /* enum lb_dns_flag */
	__u8 n_a;   /* LB_DNS_MANY: more than there is room for */
	__u8 n_aaaa;
	__u8 zero;
	__be32 a[LB_DNS_A];
	__be32 aaaa[LB_DNS_AAAA][4];
};

/* Where the template of the SOA record wants pointers to the domain in the question. */
#define LB_DNS_SOA_OWNER 0
#define LB_DNS_SOA_SERVER 19
#define LB_DNS_SOA_MAILBOX 32
#define LB_DNS_SOA_SIZE 54

struct lb_dns_meta {
	__u8 domain[LB_DNS_DOMAIN]; /* as in lb_dns_key */
	__u8 soa[56];		    /* of negative answers, from its owner on; zeros behind it */
	__be32 ttl;
	__u8 domain_size; /* 0: nothing is answered */
	__u8 complete;	  /* a name that is not in lb_dns does not exist */
	__u8 recursion;	  /* answers say that it is available */
	__u8 zero;
};

#ifndef __cplusplus
_Static_assert(sizeof(struct lb_dns_key) == 96, "lb_dns_key");
_Static_assert(sizeof(struct lb_dns) == 100, "lb_dns");
_Static_assert(sizeof(struct lb_dns_meta) == 128, "lb_dns_meta");
#endif

#endif
