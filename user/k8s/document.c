/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/document.h"

#include <errno.h>
#include <stdlib.h>

#include "user/k8s/yaml.h"

int document_read(const char *file, const char *text, size_t size,
		  void (*read)(const struct field *root, void *arg), void *arg, struct err *err)
{
	struct reading reading = { .err = err };
	struct yaml_stream *stream;
	struct field root;
	int r = yaml_parse(file, text, size, &stream, err);

	if (r)
		return r;
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
	return r;
}
