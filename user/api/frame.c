/* SPDX-License-Identifier: Apache-2.0 */
#include "user/api/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/util/vec.h"

#define FIRST_ROOM 4096
#define KEEP_ROOM (256u << 10) /* what a rare long object needed is given back */
#define ITEMS_KEY "\"items\":"

/* ----------------------------------------------------------------- buffers -- */

static int buffer_add(struct frame_buffer *buffer, const char *data, size_t size, struct err *err)
{
	size_t room = buffer->room ? buffer->room : FIRST_ROOM;
	char *grown;

	if (buffer->n + size > FRAME_MAX)
		return err_set(err, -EMSGSIZE, "an object of more than %u MiB", FRAME_MAX >> 20);
	while (room < buffer->n + size)
		room *= 2;
	if (room != buffer->room) {
		grown = xmalloc(room);
		if (buffer->n)
			memcpy(grown, buffer->data, buffer->n);
		free(buffer->data);
		buffer->data = grown;
		buffer->room = room;
	}
	memcpy(buffer->data + buffer->n, data, size);
	buffer->n += size;
	return 0;
}

static void buffer_empty(struct frame_buffer *buffer)
{
	buffer->n = 0;
	if (buffer->room <= KEEP_ROOM)
		return;
	free(buffer->data);
	*buffer = (struct frame_buffer){ 0 };
}

void frame_init(struct frame *frame, enum frame_kind kind,
		int (*take)(void *arg, const char *text, size_t size, struct err *err), void *arg)
{
	*frame = (struct frame){ .kind = kind, .take = take, .arg = arg };
}

void frame_done(struct frame *frame)
{
	free(frame->part.data);
	free(frame->shell.data);
	frame->part = frame->shell = (struct frame_buffer){ 0 };
}

/* What was kept of it, if any, and this last piece are an object. */
static int part_take(struct frame *frame, const char *data, size_t size, struct err *err)
{
	int rc = 0;

	if (frame->part.n) {
		rc = buffer_add(&frame->part, data, size, err);
		data = frame->part.data;
		size = frame->part.n;
	}
	if (!rc && size)
		rc = frame->take(frame->arg, data, size, err);
	buffer_empty(&frame->part);
	return rc;
}

/* ------------------------------------------------------------------- lines -- */

static int lines_feed(struct frame *frame, const char *data, size_t size, struct err *err)
{
	while (size) {
		const char *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;
		int rc = end ? part_take(frame, data, length, err)
			     : buffer_add(&frame->part, data, length, err);

		if (rc)
			return rc;
		data += length + !!end;
		size -= length + !!end;
	}
	return 0;
}

/* ------------------------------------------------------------------- items -- */

/* Where the string that data is inside of ends; the quote is part of it. */
static size_t string_skip(struct frame *frame, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (frame->escaped)
			frame->escaped = false;
		else if (data[i] == '\\')
			frame->escaped = true;
		else if (data[i] == '"') {
			frame->in_string = false;
			return i + 1;
		}
	}
	return size;
}

/* The shell ends with its key, so that the list which begins now is that of the items. */
static bool items_begin(const struct frame *frame)
{
	size_t n = frame->shell.n, length = strlen(ITEMS_KEY);

	while (n && memchr(" \t\r\n", frame->shell.data[n - 1], 4))
		n--;
	return n >= length && !memcmp(frame->shell.data + n - length, ITEMS_KEY, length);
}

/* Outside of items: a run up to the next item, all of which is the shell's. */
static int shell_feed(struct frame *frame, const char *data, size_t size, size_t *ret_used,
		      struct err *err)
{
	size_t used = 0;
	int rc = 0;

	while (!rc && used < size && !frame->in_items) {
		size_t length = 1;

		if (frame->in_string)
			length = string_skip(frame, data + used, size - used);
		else if (data[used] == '"')
			frame->in_string = true;
		else if (data[used] == '[' || data[used] == '{')
			frame->in_items =
				frame->depth++ == 1 && data[used] == '[' && items_begin(frame);
		else if ((data[used] == ']' || data[used] == '}') && frame->depth)
			frame->depth--;
		rc = buffer_add(&frame->shell, data + used, length, err);
		used += length;
	}
	*ret_used = used;
	return rc;
}

/* Between items: what separates them is of no interest. */
static int gap_feed(struct frame *frame, const char *data, size_t size, size_t *ret_used,
		    struct err *err)
{
	size_t used = 0;

	*ret_used = 0;
	while (used < size && memchr(", \t\r\n", data[used], 5))
		used++;
	*ret_used = used;
	if (used == size)
		return 0;
	if (data[used] == ']') {
		/* The shell gets it, and what comes after. */
		frame->in_items = false;
		frame->depth--;
		*ret_used = used + 1;
		return buffer_add(&frame->shell, "]", 1, err);
	}
	if (data[used] != '{')
		return err_set(err, -EPROTO, "a list has something else than objects in it");
	return 0;
}

/* Inside of an item, up to its end or that of the data. */
static int item_feed(struct frame *frame, const char *data, size_t size, size_t *ret_used,
		     struct err *err)
{
	size_t used = 0;

	while (used < size) {
		if (frame->in_string) {
			used += string_skip(frame, data + used, size - used);
			continue;
		}
		switch (data[used++]) {
		case '"':
			frame->in_string = true;
			break;
		case '{':
		case '[':
			frame->depth++;
			break;
		case '}':
		case ']':
			if (--frame->depth == 2) {
				*ret_used = used;
				return part_take(frame, data, used, err);
			}
			break;
		default:
			break;
		}
	}
	*ret_used = used;
	return buffer_add(&frame->part, data, used, err);
}

static int items_feed(struct frame *frame, const char *data, size_t size, struct err *err)
{
	while (size) {
		size_t used = 0;
		int rc;

		if (!frame->in_items)
			rc = shell_feed(frame, data, size, &used, err);
		else if (frame->depth > 2 || frame->part.n)
			rc = item_feed(frame, data, size, &used, err);
		else
			rc = gap_feed(frame, data, size, &used, err);
		/* A gap of no length is the beginning of an item. */
		if (!rc && !used)
			rc = item_feed(frame, data, size, &used, err);
		if (rc)
			return rc;
		data += used;
		size -= used;
	}
	return 0;
}

int frame_feed(struct frame *frame, const char *data, size_t size, struct err *err)
{
	return frame->kind == FRAME_LINES ? lines_feed(frame, data, size, err)
					  : items_feed(frame, data, size, err);
}

bool frame_is_torn(const struct frame *frame)
{
	return frame->part.n || frame->depth;
}
