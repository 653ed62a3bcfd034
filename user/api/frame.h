/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts what an API server sends into objects, wherever the network cut it: the lines of a watch, or
 * the items of a list. Holds one object at a time, so that a list of any length needs little
 * memory.
 */
#ifndef API_FRAME_H
#define API_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "user/util/err.h"

/* etcd takes at most 1.5 MiB, and an object is longer in JSON than in there. */
#define FRAME_MAX (8u << 20)

enum frame_kind {
	FRAME_LINES,
	FRAME_ITEMS,
};

struct frame_buffer {
	char *data;
	size_t n, room;
};

struct frame {
	enum frame_kind kind;
	/* An object; text is not terminated and lives as long as the call. An error ends it all. */
	int (*take)(void *arg, const char *text, size_t size, struct err *err);
	void *arg;
	struct frame_buffer part;  /* of a line or an item, that has begun */
	struct frame_buffer shell; /* of a list: all but its items, "items":[] */
	unsigned int depth;	   /* open braces and brackets */
	bool in_items, in_string, escaped;
};

void frame_init(struct frame *frame, enum frame_kind kind,
		int (*take)(void *arg, const char *text, size_t size, struct err *err), void *arg);
void frame_done(struct frame *frame);

/* The next bytes. -EMSGSIZE: an object is longer than FRAME_MAX; or what take returned. */
LB_CHECKED int frame_feed(struct frame *frame, const char *data, size_t size, struct err *err);

/* Is there the beginning of something whose end did not come? */
bool frame_is_torn(const struct frame *frame);

#endif
