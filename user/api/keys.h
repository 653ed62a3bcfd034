/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of all objects of a kind, each with the version that was seen last and the listing that
 * it was in: after a list has come whole, what was not in it is gone.
 */
#ifndef API_KEYS_H
#define API_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keys_entry {
	char *name; /* "namespace/name"; NULL: free */
	uint64_t version;
	uint32_t listing;
};

struct keys {
	struct keys_entry *items; /* a hash table, at most half full */
	size_t n, room;		  /* room: 0 or a power of two */
	uint32_t listing;	  /* the present one */
};

void keys_done(struct keys *keys);

/* Notes that an object was seen. Returns whether this version of it is new. */
bool keys_see(struct keys *keys, const char *ns, const char *name, const char *version);

/* false: it was not in there. */
bool keys_remove(struct keys *keys, const char *ns, const char *name);

/* From now on objects are seen anew. */
void keys_list_begin(struct keys *keys);

/* Calls gone with each that was not seen since, and forgets it. */
void keys_list_end(struct keys *keys, void (*gone)(void *arg, const char *ns, const char *name),
		   void *arg);

#endif
