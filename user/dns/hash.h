/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_HASH_H
#define DNS_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Of a name in lower case; for tables whose keys the cluster's administrator chooses. */
static inline uint32_t name_hash(const uint8_t *wire, size_t size)
{
	uint64_t hash = size;

	for (; size >= 8; size -= 8, wire += 8) {
		uint64_t word;

		memcpy(&word, wire, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	for (; size; size--, wire++)
		hash = (hash ^ *wire) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(hash ^ hash >> 29);
}

#endif
