/* SPDX-License-Identifier: Apache-2.0 */
/* The records of Services and their endpoints. Inside of zone. */
#ifndef DNS_RECORDS_H
#define DNS_RECORDS_H

#include "user/dns/builder.h"

/* An A or AAAA record. */
void records_add_address(struct builder *builder, uint32_t name, const struct lb_addr *addr);

/* All of them, and the namespaces. */
void records_add(struct builder *builder, const struct store *store);

#endif
