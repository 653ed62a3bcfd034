/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a of texts: for names and numbers that have to come out the same everywhere. */
#ifndef MODEL_HASH_H
#define MODEL_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START 0xcbf29ce484222325ull

static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3ull;
	return hash;
}

/* Goes on from hash, over the text and its end, so that "ab" "c" is not "a" "bc". */
static inline uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
	} while (*text++);
	return hash;
}

/* The last byte hardly reaches the low bits of the product: bring the high ones down. */
static inline uint64_t hash_finish(uint64_t hash)
{
	return hash ^ hash >> 32;
}

#endif
