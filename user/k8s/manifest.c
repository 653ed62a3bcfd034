/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/manifest.h"

#include <errno.h>
#include <sys/stat.h>

#include "user/k8s/decode.h"
#include "user/k8s/file.h"
#include "user/k8s/yaml.h"
#include "user/util/cleanup.h"

/* What all of one text is read with. */
struct source {
	const char *file;
	const char *default_ns;
	const struct yaml_stream *stream;
	struct object_list *list;
	struct err *err;
};

/* Back to n objects; an empty list holds no memory. */
static void list_cut(struct object_list *list, size_t n)
{
	while (list->n > n)
		object_free(list->items[--list->n]);
	if (!n)
		vec_free(list);
}

void object_list_free(struct object_list *list)
{
	list_cut(list, 0);
}

/* prefix says where in the document the object lies: "" or "items[3]". */
static int add_object(const struct source *source, size_t doc, const char *prefix, json_t *json)
{
	cleanup_free char *field = NULL, *path = NULL;
	struct object *object;
	int r = object_decode(json, source->default_ns, &object, &field, source->err);

	if (!r) {
		vec_push(source->list, object);
		return 0;
	}
	path = xasprintf("%s%s%s", prefix, *prefix && field && *field ? "." : "",
			 field ? field : "");
	return err_wrap(source->err, r, "%s:%u", source->file,
			yaml_line(source->stream, doc, path));
}

static int add_list(const struct source *source, size_t doc, const json_t *json)
{
	json_t *items = json_object_get(json, "items"), *item;
	size_t i;

	if (!json_is_array(items))
		return err_set(source->err, -EINVAL, "%s:%u: items: %s", source->file,
			       yaml_line(source->stream, doc, "items"),
			       items ? "expected a list" : "Required value");
	json_array_foreach (items, i, item) {
		char prefix[40];
		int r;

		snprintf(prefix, sizeof(prefix), "items[%zu]", i);
		if (!json_is_object(item))
			return err_set(source->err, -EINVAL, "%s:%u: %s: expected a mapping",
				       source->file, yaml_line(source->stream, doc, prefix),
				       prefix);
		r = add_object(source, doc, prefix, item);
		if (r)
			return r;
	}
	return 0;
}

/* "List", and what an API server calls it: "ServiceList". */
static bool is_list(const json_t *json)
{
	const char *kind = json_string_value(json_object_get(json, "kind"));

	if (!kind || !strcmp(kind, "List"))
		return kind;
	for (enum k8s_kind i = 0; i < K8S_KINDS; i++) {
		size_t length = strlen(k8s_kinds[i].kind);

		if (!strncmp(kind, k8s_kinds[i].kind, length) && !strcmp(kind + length, "List"))
			return true;
	}
	return false;
}

static int add_document(const struct source *source, size_t doc)
{
	json_t *json = yaml_document(source->stream, doc);

	if (!json || json_is_null(json))
		return 0;
	if (!json_is_object(json))
		return err_set(source->err, -EINVAL, "%s:%u: an object must be a mapping",
			       source->file, yaml_line(source->stream, doc, ""));
	return is_list(json) ? add_list(source, doc, json) : add_object(source, doc, "", json);
}

int manifest_parse(const char *file, const char *text, size_t size, const char *default_ns,
		   struct object_list *list, struct err *err)
{
	struct source source = { file, default_ns, NULL, list, err };
	struct yaml_stream *stream;
	size_t before = list->n;
	int r = yaml_parse(file, text, size, &stream, err);

	if (r)
		return r;
	source.stream = stream;
	for (size_t i = 0; !r && i < yaml_documents(stream); i++)
		r = add_document(&source, i);
	if (r)
		list_cut(list, before);
	yaml_stream_free(stream);
	return r;
}

static int read_one(const char *path, const char *default_ns, struct object_list *list,
		    struct err *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = file_read(path, &text, &size, err);

	if (r)
		return r;
	return manifest_parse(strcmp(path, "-") ? path : "standard input", text, size, default_ns,
			      list, err);
}

static int read_directory(const char *path, const char *default_ns, struct object_list *list,
			  struct err *err)
{
	static const char *const suffixes[] = { ".yaml", ".yml", ".json", NULL };
	size_t before = list->n, n;
	char **names;
	int r = dir_read(path, suffixes, &names, &n, err);

	if (r)
		return r;
	if (!n)
		r = err_set(err, -ENOENT, "%s: no .yaml, .yml or .json file in it", path);
	for (size_t i = 0; !r && i < n; i++) {
		cleanup_free char *file = xasprintf("%s/%s", path, names[i]);

		r = read_one(file, default_ns, list, err);
	}
	if (r)
		list_cut(list, before);
	dir_names_free(names, n);
	return r;
}

int manifest_read(const char *path, const char *default_ns, struct object_list *list,
		  struct err *err)
{
	struct stat st;

	if (strcmp(path, "-") != 0 && !stat(path, &st) && S_ISDIR(st.st_mode))
		return read_directory(path, default_ns, list, err);
	return read_one(path, default_ns, list, err);
}
