/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/yaml_build.h"

#include <errno.h>
#include <stdarg.h>

#include "user/k8s/yaml_scalar.h"
#include "user/util/cleanup.h"

#define MAX_ANCHORS 1000
/* Bytes, roughly, that the aliases of one document may add. A bomb doubles its way past. */
#define MAX_ALIASED (16u << 20)
#define VALUE_COST 64

static unsigned int event_line(const yaml_event_t *event)
{
	return (unsigned int)event->start_mark.line + 1;
}

int yaml_build_fail(struct yaml_builder *b, unsigned int line, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(b->err, -EINVAL, "%s:%u: %s", b->file, line, text);
}

static struct yaml_document *document(struct yaml_builder *b)
{
	return &b->stream->items[b->stream->n - 1];
}

static struct yaml_frame *top(struct yaml_builder *b)
{
	return b->depth ? &b->frames[b->depth - 1] : NULL;
}

static void extent_add(struct yaml_extent *outer, const struct yaml_extent *inner)
{
	outer->cost += inner->cost;
	if (outer->height < inner->height + 1)
		outer->height = inner->height + 1;
}

/* --------------------------------------------------------------- values -- */

static size_t mark_add(struct yaml_builder *b, unsigned int line)
{
	struct yaml_document *doc = document(b);
	struct yaml_frame *frame = top(b);
	struct yaml_mark *mark = vec_add(&doc->marks);

	mark->line = frame && frame->key ? frame->key_line : line;
	mark->key = frame && frame->key ? xstrdup(frame->key) : NULL;
	mark->next = doc->marks.n;
	return doc->marks.n - 1;
}

/* Takes over value; of several mappings the first that has a key gives it. */
static int merge_add(struct yaml_builder *b, struct yaml_frame *frame, unsigned int line,
		     json_t *value)
{
	cleanup_json json_t *owned = value;

	if (!frame->merged)
		frame->merged = json_object();
	if (json_is_object(value)) {
		json_object_update_missing(frame->merged, value);
		return 0;
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!json_is_object(json_array_get(value, i)))
			break;
		json_object_update_missing(frame->merged, json_array_get(value, i));
		if (i + 1 == json_array_size(value))
			return 0;
	}
	return yaml_build_fail(b, line, "<< wants a mapping or a list of mappings");
}

/* Takes over value and puts it where it belongs. */
static int place(struct yaml_builder *b, unsigned int line, json_t *value)
{
	struct yaml_frame *frame = top(b);
	int r = 0;

	if (!frame) {
		document(b)->root = value;
		return 0;
	}
	if (json_is_array(frame->json)) {
		json_array_append_new(frame->json, value);
		return 0;
	}
	if (frame->merge)
		r = merge_add(b, frame, line, value);
	else
		json_object_set_new(frame->json, frame->key, value);
	free(TAKE_PTR(frame->key));
	return r;
}

static ssize_t anchor_add(struct yaml_builder *b, const yaml_char_t *name, json_t *json,
			  const struct yaml_extent *extent)
{
	struct yaml_anchor *anchor = vec_add(&b->anchors);

	anchor->name = xstrdup((const char *)name);
	anchor->json = json_incref(json);
	anchor->extent = *extent;
	return (ssize_t)b->anchors.n - 1;
}

/* Checked before a value is made: there is nothing to undo then. */
static int anchor_check(struct yaml_builder *b, const yaml_char_t *name, unsigned int line)
{
	if (name && b->anchors.n >= MAX_ANCHORS)
		return yaml_build_fail(b, line, "more than %d anchors", MAX_ANCHORS);
	return 0;
}

/* -------------------------------------------------------------- scalars -- */

static int scalar_tagged(struct yaml_builder *b, unsigned int line, const char *tag,
			 const char *text, struct yaml_scalar *scalar)
{
	static const struct {
		const char *tag;
		enum yaml_scalar_type type;
	} tags[] = {
		{ "null", YAML_SCALAR_NULL },  { "bool", YAML_SCALAR_BOOL },
		{ "int", YAML_SCALAR_INT },    { "float", YAML_SCALAR_REAL },
		{ "str", YAML_SCALAR_STRING },
	};
	size_t prefix = strlen("tag:yaml.org,2002:");
	const char *name = strncmp(tag, "tag:yaml.org,2002:", prefix) ? NULL : tag + prefix;

	for (size_t i = 0; name && i < ARRAY_LEN(tags); i++) {
		if (strcmp(name, tags[i].tag))
			continue;
		if (tags[i].type == YAML_SCALAR_STRING)
			scalar->type = YAML_SCALAR_STRING;
		else if (scalar->type == YAML_SCALAR_INT && tags[i].type == YAML_SCALAR_REAL)
			return 0;
		if (scalar->type != tags[i].type)
			return yaml_build_fail(b, line, "\"%.40s\" is no !!%s", text, name);
		return 0;
	}
	return yaml_build_fail(b, line, "unsupported tag %.60s", tag);
}

static int scalar_read(struct yaml_builder *b, const yaml_event_t *event,
		       struct yaml_scalar *ret_scalar)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	*ret_scalar = (struct yaml_scalar){ .type = YAML_SCALAR_STRING };
	if (strlen(text) != event->data.scalar.length)
		return yaml_build_fail(b, event_line(event), "a string holds a NUL character");
	if (plain || tag)
		*ret_scalar = yaml_scalar_resolve(text);
	if (tag && !strcmp(tag, "!"))
		ret_scalar->type = YAML_SCALAR_STRING;
	else if (tag)
		return scalar_tagged(b, event_line(event), tag, text, ret_scalar);
	return 0;
}

/* JSON's keys are strings: numbers and booleans become their usual spelling. */
static int key_read(struct yaml_builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct yaml_frame *frame = top(b);
	struct yaml_scalar scalar;
	int r = scalar_read(b, event, &scalar);

	if (r)
		return r;
	if (scalar.type == YAML_SCALAR_NULL || scalar.type == YAML_SCALAR_NOT_FINITE)
		return yaml_build_fail(b, event_line(event), "a key cannot be %s",
				       scalar.type == YAML_SCALAR_NULL ? "null" : text);
	frame->key_line = event_line(event);
	frame->merge = scalar.type == YAML_SCALAR_MERGE;
	if (scalar.type == YAML_SCALAR_BOOL)
		frame->key = xstrdup(scalar.boolean ? "true" : "false");
	else if (scalar.type == YAML_SCALAR_INT)
		frame->key = xasprintf("%" JSON_INTEGER_FORMAT, scalar.integer);
	else
		frame->key = xstrdup(text);
	frame->extent.cost += VALUE_COST + strlen(frame->key);
	if (!frame->merge && json_object_get(frame->json, frame->key))
		return yaml_build_fail(b, event_line(event), "duplicate key \"%.100s\"",
				       frame->key);
	return 0;
}

static int scalar_event(struct yaml_builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct yaml_extent extent = { .cost = VALUE_COST + event->data.scalar.length };
	unsigned int line = event_line(event);
	struct yaml_frame *frame = top(b);
	struct yaml_scalar scalar;
	json_t *value;
	int r;

	r = anchor_check(b, event->data.scalar.anchor, line);
	if (r)
		return r;
	if (frame && json_is_object(frame->json) && !frame->key)
		return key_read(b, event);
	r = scalar_read(b, event, &scalar);
	if (r)
		return r;
	if (scalar.type == YAML_SCALAR_MERGE)
		scalar.type = YAML_SCALAR_STRING; /* it merges as a key only */
	value = yaml_scalar_json(&scalar, text);
	if (!value)
		return yaml_build_fail(b, line, "%s is no number that JSON can hold", text);
	mark_add(b, line);
	if (event->data.scalar.anchor)
		anchor_add(b, event->data.scalar.anchor, value, &extent);
	if (frame)
		extent_add(&frame->extent, &extent);
	return place(b, line, value);
}

/* --------------------------------------------------- containers, aliases -- */

static int key_wanted(struct yaml_builder *b, unsigned int line)
{
	const struct yaml_frame *frame = top(b);

	if (frame && json_is_object(frame->json) && !frame->key)
		return yaml_build_fail(b, line, "a key must be a plain value");
	return 0;
}

/* Takes over json, empty and of the kind that tag must be. */
static int open_event(struct yaml_builder *b, unsigned int line, const yaml_char_t *name,
		      const yaml_char_t *tag, json_t *json)
{
	const char *own = json_is_object(json) ? YAML_MAP_TAG : YAML_SEQ_TAG;
	struct yaml_frame frame = { .json = json, .extent = { .cost = VALUE_COST }, .anchor = -1 };
	int r = key_wanted(b, line);

	if (!r && tag && strcmp((const char *)tag, own) != 0)
		r = yaml_build_fail(b, line, "unsupported tag %.60s", tag);
	if (!r)
		r = anchor_check(b, name, line);
	if (!r && b->depth == YAML_MAX_DEPTH)
		r = yaml_build_fail(b, line, "nested deeper than %d levels", YAML_MAX_DEPTH);
	if (r) {
		json_decref(json);
		return r;
	}
	frame.mark = mark_add(b, line);
	if (name)
		frame.anchor = anchor_add(b, name, NULL, &frame.extent);
	b->frames[b->depth++] = frame;
	return 0;
}

/* A container is placed when it is complete. */
static int close_event(struct yaml_builder *b, unsigned int line)
{
	struct yaml_frame frame = b->frames[--b->depth];
	cleanup_json json_t *merged = frame.merged;
	struct yaml_document *doc = document(b);
	struct yaml_frame *outer = top(b);

	if (merged)
		json_object_update_missing(frame.json, merged);
	doc->marks.items[frame.mark].next = doc->marks.n;
	if (frame.anchor >= 0) {
		b->anchors.items[frame.anchor].json = json_incref(frame.json);
		b->anchors.items[frame.anchor].extent = frame.extent;
	}
	if (outer)
		extent_add(&outer->extent, &frame.extent);
	return place(b, line, frame.json);
}

static int alias_event(struct yaml_builder *b, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	unsigned int line = event_line(event);
	const struct yaml_anchor *anchor = NULL;
	struct yaml_frame *frame = top(b);
	int r = key_wanted(b, line);

	if (r)
		return r;
	for (size_t i = b->anchors.n; i > 0 && !anchor; i--)
		if (!strcmp(b->anchors.items[i - 1].name, name))
			anchor = &b->anchors.items[i - 1];
	if (!anchor)
		return yaml_build_fail(b, line, "unknown anchor \"%.60s\"", name);
	if (!anchor->json)
		return yaml_build_fail(b, line, "anchor \"%.60s\" contains itself", name);
	if (b->depth + anchor->extent.height > YAML_MAX_DEPTH)
		return yaml_build_fail(b, line, "nested deeper than %d levels", YAML_MAX_DEPTH);
	b->aliased += anchor->extent.cost;
	if (b->aliased > MAX_ALIASED)
		return yaml_build_fail(b, line, "aliases expand to more than %u MiB",
				       MAX_ALIASED >> 20);
	mark_add(b, line);
	if (frame)
		extent_add(&frame->extent, &anchor->extent);
	return place(b, line, json_deep_copy(anchor->json));
}

/* --------------------------------------------------------------- events -- */

static void anchors_done(struct yaml_builder *b)
{
	for (size_t i = 0; i < b->anchors.n; i++) {
		free(b->anchors.items[i].name);
		json_decref(b->anchors.items[i].json);
	}
	vec_free(&b->anchors);
	b->aliased = 0;
}

int yaml_build(struct yaml_builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		vec_add(b->stream);
		return 0;
	case YAML_DOCUMENT_END_EVENT:
		anchors_done(b);
		return 0;
	case YAML_SCALAR_EVENT:
		return scalar_event(b, event);
	case YAML_ALIAS_EVENT:
		return alias_event(b, event);
	case YAML_MAPPING_START_EVENT:
		return open_event(b, event_line(event), event->data.mapping_start.anchor,
				  event->data.mapping_start.tag, json_object());
	case YAML_SEQUENCE_START_EVENT:
		return open_event(b, event_line(event), event->data.sequence_start.anchor,
				  event->data.sequence_start.tag, json_array());
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return close_event(b, event_line(event));
	default:
		return 0;
	}
}

void yaml_builder_done(struct yaml_builder *b)
{
	anchors_done(b);
	while (b->depth) {
		struct yaml_frame *frame = &b->frames[--b->depth];

		free(frame->key);
		json_decref(frame->merged);
		json_decref(frame->json);
	}
}
