/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/k8s/yaml.h"
#include "user/util/vec.h"

struct collector {
	const char *file;
	const struct yaml_stream *stream;
	struct document_errors errors;
};

/* A field that is asked for twice is wrong twice, and told of once. */
static void error_collect(void *arg, const char *path, const char *text)
{
	struct collector *collector = arg;
	unsigned int line = yaml_line(collector->stream, 0, path);
	char *whole = xasprintf("%s:%u: %s", collector->file, line, text);

	for (size_t i = 0; i < collector->errors.n; i++) {
		if (!strcmp(collector->errors.items[i].text, whole)) {
			free(whole);
			return;
		}
	}
	vec_push(&collector->errors, ((struct document_error){ line, whole }));
}

static int error_compare(const void *a, const void *b)
{
	const struct document_error *x = a, *y = b;
	int order = (x->line > y->line) - (x->line < y->line);

	return order ? order : strcmp(x->text, y->text);
}

int document_check(const char *file, const char *text, size_t size,
		   void (*read)(const struct field *root, void *arg), void *arg,
		   struct document_errors *ret_errors, struct err *err)
{
	struct collector collector = { .file = file };
	struct reading reading = { .err = err };
	struct yaml_stream *stream;
	struct field root;
	int r = yaml_parse(file, text, size, &stream, err);

	if (r)
		return r;
	if (ret_errors) {
		collector.stream = stream;
		reading.each = error_collect;
		reading.arg = &collector;
	}
	if (yaml_documents(stream) > 1) {
		r = err_set(err, -EINVAL, "%s: must be one document", file);
	} else if (yaml_documents(stream) == 1 && !json_is_null(yaml_document(stream, 0))) {
		root = field_root(yaml_document(stream, 0), &reading);
		if (field_map(&root))
			read(&root, arg);
		r = reading.code;
		if (r)
			r = err_wrap(err, r, "%s:%u", file, yaml_line(stream, 0, reading.field));
	}
	free(reading.field);
	yaml_stream_free(stream);
	if (ret_errors) {
		if (collector.errors.n)
			qsort(collector.errors.items, collector.errors.n,
			      sizeof(*collector.errors.items), error_compare);
		*ret_errors = collector.errors;
	}
	return r;
}

int document_read(const char *file, const char *text, size_t size,
		  void (*read)(const struct field *root, void *arg), void *arg, struct err *err)
{
	return document_check(file, text, size, read, arg, NULL, err);
}

void document_errors_done(struct document_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		free(errors->items[i].text);
	vec_free(errors);
}
