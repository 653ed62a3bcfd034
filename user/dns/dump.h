/* SPDX-License-Identifier: Apache-2.0 */
/* Records as people read them. */
#ifndef DNS_DUMP_H
#define DNS_DUMP_H

#include <stdio.h>

#include "user/dns/zone.h"

/* "A 10.96.0.5", "SRV 0 100 80 kubia.default.svc.cluster.local."; to be freed. */
char *dump_record(uint16_t type, const uint8_t *data, uint16_t length);

/*
 * All records of a zone, a line each, sorted: "NAME\tTTL\tTYPE\tDATA\n". below: only names in
 * it, or NULL.
 */
size_t dump_zone(FILE *out, const struct zone *zone, const struct name *below);

#endif
