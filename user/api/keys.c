/* SPDX-License-Identifier: Apache-2.0 */
#include "user/api/keys.h"

#include <string.h>

#include "user/model/hash.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define FIRST_ROOM 64

static size_t slot_of(const struct keys *keys, const char *name)
{
	size_t slot = hash_finish(hash_text(HASH_START, name)) & (keys->room - 1);

	while (keys->items[slot].name && strcmp(keys->items[slot].name, name) != 0)
		slot = (slot + 1) & (keys->room - 1);
	return slot;
}

static void table_grow(struct keys *keys)
{
	struct keys old = *keys;

	keys->room = old.room ? old.room * 2 : FIRST_ROOM;
	keys->items = xcalloc(keys->room, sizeof(*keys->items));
	for (size_t i = 0; i < old.room; i++)
		if (old.items[i].name)
			keys->items[slot_of(keys, old.items[i].name)] = old.items[i];
	free(old.items);
}

void keys_done(struct keys *keys)
{
	for (size_t i = 0; i < keys->room; i++)
		free(keys->items[i].name);
	vec_free(keys);
}

bool keys_see(struct keys *keys, const char *ns, const char *name, const char *version)
{
	cleanup_free char *key = xasprintf("%s/%s", ns, name);
	uint64_t hash = hash_text(HASH_START, version);
	struct keys_entry *entry;
	bool is_new;

	if (keys->n * 2 >= keys->room)
		table_grow(keys);
	entry = &keys->items[slot_of(keys, key)];
	is_new = !entry->name || entry->version != hash;
	if (!entry->name) {
		entry->name = TAKE_PTR(key);
		keys->n++;
	}
	entry->version = hash;
	entry->listing = keys->listing;
	return is_new;
}

/* Whatever was moved on because its place was taken moves back. */
static void slot_free(struct keys *keys, size_t slot)
{
	size_t next = slot;

	free(keys->items[slot].name);
	keys->items[slot].name = NULL;
	keys->n--;
	for (;;) {
		struct keys_entry entry;

		next = (next + 1) & (keys->room - 1);
		entry = keys->items[next];
		if (!entry.name)
			return;
		keys->items[next].name = NULL;
		keys->items[slot_of(keys, entry.name)] = entry;
	}
}

bool keys_remove(struct keys *keys, const char *ns, const char *name)
{
	cleanup_free char *key = xasprintf("%s/%s", ns, name);
	size_t slot = keys->room ? slot_of(keys, key) : 0;

	if (!keys->room || !keys->items[slot].name)
		return false;
	slot_free(keys, slot);
	return true;
}

void keys_list_begin(struct keys *keys)
{
	keys->listing++;
}

void keys_list_end(struct keys *keys, void (*gone)(void *arg, const char *ns, const char *name),
		   void *arg)
{
	VEC(char *) names = { 0 };

	for (size_t i = 0; i < keys->room; i++)
		if (keys->items[i].name && keys->items[i].listing != keys->listing)
			vec_push(&names, xstrdup(keys->items[i].name));
	for (size_t i = 0; i < names.n; i++) {
		char *name = strchr(names.items[i], '/');

		*name++ = '\0';
		keys_remove(keys, names.items[i], name);
		gone(arg, names.items[i], name);
		free(names.items[i]);
	}
	vec_free(&names);
}
