/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events → JSON trees. The open containers lie on a stack of fixed height, so
 * that no input can exhaust the C stack, here or in whoever walks the tree later.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <yaml.h>

#include "user/k8s/yaml_scalar.h"
#include "user/k8s/yaml_stream.h"
#include "user/util/cleanup.h"

#define MAX_SIZE (64u << 20)
#define MAX_DEPTH 100
#define MAX_ANCHORS 1000
/* Bytes, roughly, that the aliases of one document may add. A bomb doubles its way past. */
#define MAX_ALIASED (16u << 20)
#define VALUE_COST 64

/* How big a value is; known when it is complete. */
struct extent {
	size_t cost;
	unsigned int height; /* containers inside each other; 0: a scalar */
};

struct anchor {
	char *name;
	json_t *json; /* NULL while the value is still open: an alias to it would be a cycle */
	struct extent extent;
};

struct frame {
	json_t *json;
	json_t *merged; /* of a mapping: what << brought, added when it is complete */
	char *key;	/* of a mapping: read, its value comes next */
	bool merge;	/* key is << */
	unsigned int key_line;
	size_t mark;
	ssize_t anchor; /* -1: none */
	struct extent extent;
};

struct parser {
	const char *file;
	const char *text;
	size_t size;
	yaml_parser_t yaml;
	struct yaml_stream *stream;
	struct frame frames[MAX_DEPTH];
	unsigned int depth;
	VEC(struct anchor) anchors;
	size_t aliased;
	struct err *err;
};

static unsigned int event_line(const yaml_event_t *event)
{
	return (unsigned int)event->start_mark.line + 1;
}

static int LB_PRINTF(3, 4) fail(struct parser *p, unsigned int line, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(p->err, -EINVAL, "%s:%u: %s", p->file, line, text);
}

static struct yaml_document *document(struct parser *p)
{
	return &p->stream->items[p->stream->n - 1];
}

static struct frame *top(struct parser *p)
{
	return p->depth ? &p->frames[p->depth - 1] : NULL;
}

static void extent_add(struct extent *outer, const struct extent *inner)
{
	outer->cost += inner->cost;
	if (outer->height < inner->height + 1)
		outer->height = inner->height + 1;
}

/* --------------------------------------------------------------- values -- */

static size_t mark_add(struct parser *p, unsigned int line)
{
	struct yaml_document *doc = document(p);
	struct frame *frame = top(p);
	struct yaml_mark *mark = vec_add(&doc->marks);

	mark->line = frame && frame->key ? frame->key_line : line;
	mark->key = frame && frame->key ? xstrdup(frame->key) : NULL;
	mark->next = doc->marks.n;
	return doc->marks.n - 1;
}

/* Takes over value; of several mappings the first that has a key gives it. */
static int merge_add(struct parser *p, struct frame *frame, unsigned int line, json_t *value)
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
	return fail(p, line, "<< wants a mapping or a list of mappings");
}

/* Takes over value and puts it where it belongs. */
static int place(struct parser *p, unsigned int line, json_t *value)
{
	struct frame *frame = top(p);
	int r = 0;

	if (!frame) {
		document(p)->root = value;
		return 0;
	}
	if (json_is_array(frame->json)) {
		json_array_append_new(frame->json, value);
		return 0;
	}
	if (frame->merge)
		r = merge_add(p, frame, line, value);
	else
		json_object_set_new(frame->json, frame->key, value);
	free(TAKE_PTR(frame->key));
	return r;
}

static ssize_t anchor_add(struct parser *p, const yaml_char_t *name, json_t *json,
			  const struct extent *extent)
{
	struct anchor *anchor = vec_add(&p->anchors);

	anchor->name = xstrdup((const char *)name);
	anchor->json = json_incref(json);
	anchor->extent = *extent;
	return (ssize_t)p->anchors.n - 1;
}

/* Checked before a value is made: there is nothing to undo then. */
static int anchor_check(struct parser *p, const yaml_char_t *name, unsigned int line)
{
	if (name && p->anchors.n >= MAX_ANCHORS)
		return fail(p, line, "more than %d anchors", MAX_ANCHORS);
	return 0;
}

/* -------------------------------------------------------------- scalars -- */

static int scalar_tagged(struct parser *p, unsigned int line, const char *tag, const char *text,
			 struct yaml_scalar *scalar)
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
			return fail(p, line, "\"%.40s\" is no !!%s", text, name);
		return 0;
	}
	return fail(p, line, "unsupported tag %.60s", tag);
}

static int scalar_read(struct parser *p, const yaml_event_t *event, struct yaml_scalar *ret_scalar)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	*ret_scalar = (struct yaml_scalar){ .type = YAML_SCALAR_STRING };
	if (strlen(text) != event->data.scalar.length)
		return fail(p, event_line(event), "a string holds a NUL character");
	if (plain || tag)
		*ret_scalar = yaml_scalar_resolve(text);
	if (tag && !strcmp(tag, "!"))
		ret_scalar->type = YAML_SCALAR_STRING;
	else if (tag)
		return scalar_tagged(p, event_line(event), tag, text, ret_scalar);
	return 0;
}

/* JSON's keys are strings: numbers and booleans become their usual spelling. */
static int key_read(struct parser *p, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct frame *frame = top(p);
	struct yaml_scalar scalar;
	int r = scalar_read(p, event, &scalar);

	if (r)
		return r;
	if (scalar.type == YAML_SCALAR_NULL || scalar.type == YAML_SCALAR_NOT_FINITE)
		return fail(p, event_line(event), "a key cannot be %s",
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
		return fail(p, event_line(event), "duplicate key \"%.100s\"", frame->key);
	return 0;
}

static int scalar_event(struct parser *p, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct extent extent = { .cost = VALUE_COST + event->data.scalar.length };
	unsigned int line = event_line(event);
	struct frame *frame = top(p);
	struct yaml_scalar scalar;
	json_t *value;
	int r;

	r = anchor_check(p, event->data.scalar.anchor, line);
	if (r)
		return r;
	if (frame && json_is_object(frame->json) && !frame->key)
		return key_read(p, event);
	r = scalar_read(p, event, &scalar);
	if (r)
		return r;
	if (scalar.type == YAML_SCALAR_MERGE)
		scalar.type = YAML_SCALAR_STRING; /* it merges as a key only */
	value = yaml_scalar_json(&scalar, text);
	if (!value)
		return fail(p, line, "%s is no number that JSON can hold", text);
	mark_add(p, line);
	if (event->data.scalar.anchor)
		anchor_add(p, event->data.scalar.anchor, value, &extent);
	if (frame)
		extent_add(&frame->extent, &extent);
	return place(p, line, value);
}

/* --------------------------------------------------- containers, aliases -- */

static int key_wanted(struct parser *p, unsigned int line)
{
	const struct frame *frame = top(p);

	if (frame && json_is_object(frame->json) && !frame->key)
		return fail(p, line, "a key must be a plain value");
	return 0;
}

static int open_event(struct parser *p, unsigned int line, const yaml_char_t *name, json_t *json)
{
	struct frame frame = { .json = json, .extent = { .cost = VALUE_COST }, .anchor = -1 };
	int r = key_wanted(p, line);

	if (!r)
		r = anchor_check(p, name, line);
	if (!r && p->depth == MAX_DEPTH)
		r = fail(p, line, "nested deeper than %d levels", MAX_DEPTH);
	if (r) {
		json_decref(json);
		return r;
	}
	frame.mark = mark_add(p, line);
	if (name)
		frame.anchor = anchor_add(p, name, NULL, &frame.extent);
	p->frames[p->depth++] = frame;
	return 0;
}

/* A container is placed when it is complete. */
static int close_event(struct parser *p, unsigned int line)
{
	struct frame frame = p->frames[--p->depth];
	cleanup_json json_t *merged = frame.merged;
	struct yaml_document *doc = document(p);
	struct frame *outer = top(p);

	if (merged)
		json_object_update_missing(frame.json, merged);
	doc->marks.items[frame.mark].next = doc->marks.n;
	if (frame.anchor >= 0) {
		p->anchors.items[frame.anchor].json = json_incref(frame.json);
		p->anchors.items[frame.anchor].extent = frame.extent;
	}
	if (outer)
		extent_add(&outer->extent, &frame.extent);
	return place(p, line, frame.json);
}

static int alias_event(struct parser *p, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	unsigned int line = event_line(event);
	const struct anchor *anchor = NULL;
	struct frame *frame = top(p);
	int r = key_wanted(p, line);

	if (r)
		return r;
	for (size_t i = p->anchors.n; i > 0 && !anchor; i--)
		if (!strcmp(p->anchors.items[i - 1].name, name))
			anchor = &p->anchors.items[i - 1];
	if (!anchor)
		return fail(p, line, "unknown anchor \"%.60s\"", name);
	if (!anchor->json)
		return fail(p, line, "anchor \"%.60s\" contains itself", name);
	if (p->depth + anchor->extent.height > MAX_DEPTH)
		return fail(p, line, "nested deeper than %d levels", MAX_DEPTH);
	p->aliased += anchor->extent.cost;
	if (p->aliased > MAX_ALIASED)
		return fail(p, line, "aliases expand to more than %u MiB", MAX_ALIASED >> 20);
	mark_add(p, line);
	if (frame)
		extent_add(&frame->extent, &anchor->extent);
	return place(p, line, json_deep_copy(anchor->json));
}

/* --------------------------------------------------------------- stream -- */

static void anchors_done(struct parser *p)
{
	for (size_t i = 0; i < p->anchors.n; i++) {
		free(p->anchors.items[i].name);
		json_decref(p->anchors.items[i].json);
	}
	vec_free(&p->anchors);
	p->aliased = 0;
}

static int handle_event(struct parser *p, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		vec_add(p->stream);
		return 0;
	case YAML_DOCUMENT_END_EVENT:
		anchors_done(p);
		return 0;
	case YAML_SCALAR_EVENT:
		return scalar_event(p, event);
	case YAML_ALIAS_EVENT:
		return alias_event(p, event);
	case YAML_MAPPING_START_EVENT:
		return open_event(p, event_line(event), event->data.mapping_start.anchor,
				  json_object());
	case YAML_SEQUENCE_START_EVENT:
		return open_event(p, event_line(event), event->data.sequence_start.anchor,
				  json_array());
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return close_event(p, event_line(event));
	default:
		return 0;
	}
}

/* Errors of bytes have an offset, not a line. */
static int reader_error(struct parser *p)
{
	unsigned int line = 1;

	for (size_t i = 0; i < p->yaml.problem_offset; i++)
		line += p->text[i] == '\n';
	if (strstr(p->yaml.problem, "UTF-8"))
		return fail(p, line, "not UTF-8: %s", p->yaml.problem);
	return fail(p, line, "%s", p->yaml.problem);
}

static bool indented_by_tab(const struct parser *p, unsigned int line)
{
	const char *at = p->text, *end = p->text + p->size;

	while (--line && at) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	while (at && at < end && *at == ' ')
		at++;
	return at && at < end && *at == '\t';
}

static int syntax_error(struct parser *p)
{
	unsigned int line = (unsigned int)p->yaml.problem_mark.line + 1;
	size_t start = (size_t)p->yaml.context_mark.line + 1;

	if (p->yaml.error == YAML_MEMORY_ERROR || !p->yaml.problem)
		return fail(p, line, "out of memory");
	if (p->yaml.error == YAML_READER_ERROR)
		return reader_error(p);
	if (strstr(p->yaml.problem, "tab character") ||
	    (strstr(p->yaml.problem, "cannot start any token") && indented_by_tab(p, line)))
		return fail(p, line, "a tab is used for indentation; YAML wants spaces");
	if (p->yaml.context && start != line)
		return fail(p, line, "%s, %s from line %zu on", p->yaml.problem, p->yaml.context,
			    start);
	if (p->yaml.context)
		return fail(p, line, "%s, %s", p->yaml.problem, p->yaml.context);
	return fail(p, line, "%s", p->yaml.problem);
}

static int parse_events(struct parser *p)
{
	yaml_event_t event;
	bool end = false;
	int r = 0;

	while (!r && !end) {
		if (!yaml_parser_parse(&p->yaml, &event))
			return syntax_error(p);
		end = event.type == YAML_STREAM_END_EVENT;
		r = handle_event(p, &event);
		yaml_event_delete(&event);
	}
	return r;
}

static void parser_done(struct parser *p)
{
	anchors_done(p);
	while (p->depth) {
		struct frame *frame = &p->frames[--p->depth];

		free(frame->key);
		json_decref(frame->merged);
		json_decref(frame->json);
	}
	yaml_parser_delete(&p->yaml);
	yaml_stream_free(p->stream);
}

int yaml_parse(const char *file, const char *text, size_t size, struct yaml_stream **ret_stream,
	       struct err *err)
{
	struct parser p = { .file = file, .text = text, .size = size, .err = err };
	int r;

	if (size > MAX_SIZE)
		return err_set(err, -EFBIG, "%s:1: larger than %u MiB", file, MAX_SIZE >> 20);
	if (!yaml_parser_initialize(&p.yaml))
		return err_set(err, -ENOMEM, "%s:1: out of memory", file);
	p.stream = xcalloc(1, sizeof(*p.stream));
	yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, size);
	r = parse_events(&p);
	if (!r)
		*ret_stream = TAKE_PTR(p.stream);
	parser_done(&p);
	return r;
}
