/* SPDX-License-Identifier: Apache-2.0 */
/* Domain names on the wire: labels with their lengths in front, a zero at the end. */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/util/addr.h"

#define NAME_SIZE 255  /* on the wire */
#define NAME_LABEL 63  /* one label */
#define NAME_TEXT 1012 /* every byte as \DDD, and the dots */

struct name {
	uint8_t wire[NAME_SIZE];
	size_t size; /* with the zero at the end */
};

/* "kubia.default.svc.cluster.local", with or without the last dot; lower case. -EINVAL: no name. */
int name_parse(const char *text, struct name *ret_name);

/* With the last dot. text holds NAME_TEXT bytes; returns text. */
const char *name_format(const uint8_t *wire, char *text);

/* A label of length bytes in front of parent; false, and *ret_name untouched, when too long. */
bool name_child(const char *label, size_t length, const uint8_t *parent, size_t parent_size,
		struct name *ret_name);

/* The name under in-addr.arpa or ip6.arpa. */
void name_reverse(const struct lb_addr *addr, struct name *ret_name);

/* The address of such a name (lower case); false: it is none, or not a whole one. */
bool name_reverse_parse(const uint8_t *wire, size_t size, struct lb_addr *ret_addr);

/* Is name below zone, or the zone itself? Both lower case. */
bool name_in(const uint8_t *wire, size_t size, const struct name *zone);

size_t name_size(const uint8_t *wire);

#endif
