/* SPDX-License-Identifier: Apache-2.0 */
/* What a parse found, and the way from a field's path to its line. */
#include "user/k8s/yaml_stream.h"

size_t yaml_documents(const struct yaml_stream *stream)
{
	return stream->n;
}

json_t *yaml_document(const struct yaml_stream *stream, size_t index)
{
	return stream->items[index].root;
}

void yaml_stream_free(struct yaml_stream *stream)
{
	if (!stream)
		return;
	for (size_t i = 0; i < stream->n; i++) {
		struct yaml_document *doc = &stream->items[i];

		for (size_t k = 0; k < doc->marks.n; k++)
			free(doc->marks.items[k].key);
		vec_free(&doc->marks);
		json_decref(doc->root);
	}
	vec_free(stream);
	free(stream);
}

/* The end of the index or key in brackets that path starts with, or NULL. */
static const char *bracket_end(const char *path)
{
	const char *end = *path == '[' ? strchr(path, ']') : NULL;

	return end && end > path + 1 ? end : NULL;
}

/*
 * How much of path names this mark: a member's key with its dot or in brackets, or
 * an item's index in brackets. 0: it names another one.
 */
static size_t mark_match(const struct yaml_mark *mark, size_t index, const char *path)
{
	const char *end = bracket_end(path);
	char text[24];
	size_t length;

	if (!mark->key) {
		length = (size_t)snprintf(text, sizeof(text), "[%zu]", index);
		return strncmp(path, text, length) ? 0 : length;
	}
	length = strlen(mark->key);
	if (end)
		return (size_t)(end - path) == length + 1 && !strncmp(path + 1, mark->key, length)
			       ? length + 2
			       : 0;
	if (strncmp(path, mark->key, length) || !length)
		return 0;
	return path[length] == '\0' || path[length] == '.' || path[length] == '[' ? length : 0;
}

unsigned int yaml_line(const struct yaml_stream *stream, size_t index, const char *field)
{
	const struct yaml_document *doc = &stream->items[index];
	const struct yaml_mark *marks = doc->marks.items;
	size_t at = 0;

	if (doc->marks.n == 0)
		return 1;
	while (*field) {
		size_t best = 0, best_at = 0, nth = 0;

		/* Keys may hold dots: the longest that fits is meant. */
		for (size_t i = at + 1; i < marks[at].next; i = marks[i].next, nth++) {
			size_t length = mark_match(&marks[i], nth, field);

			if (length > best) {
				best = length;
				best_at = i;
			}
		}
		if (!best)
			break;
		at = best_at;
		field += best;
		field += *field == '.';
	}
	return marks[at].line;
}
