/* SPDX-License-Identifier: Apache-2.0 */
/* What all kinds have in common: which one it is, and metadata. */
#include "user/k8s/decode.h"

#include <errno.h>
#include <string.h>

#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define ANNOTATIONS_MAX (256u << 10)

/* One row a kind: the versions it is read from and the form of its name. */
static const struct {
	const char *versions[4];
	const char *(*name_check)(const char *text);
} rules[K8S_KINDS] = {
	[K8S_NAMESPACE] = { { "v1" }, name_dns1123_label },
	[K8S_NODE] = { { "v1" }, name_dns1123_subdomain },
	[K8S_POD] = { { "v1" }, name_dns1123_subdomain },
	[K8S_SERVICE] = { { "v1" }, name_dns1035_label },
	[K8S_ENDPOINTS] = { { "v1" }, name_dns1123_subdomain },
	[K8S_ENDPOINT_SLICE] = { { "discovery.k8s.io/v1", "discovery.k8s.io/v1beta1" },
				 name_dns1123_subdomain },
	[K8S_INGRESS] = { { "extensions/v1beta1", "networking.k8s.io/v1",
			    "networking.k8s.io/v1beta1" },
			  name_dns1123_subdomain },
	[K8S_SECRET] = { { "v1" }, name_dns1123_subdomain },
	[K8S_INGRESS_CLASS] = { { "networking.k8s.io/v1", "networking.k8s.io/v1beta1" },
				name_dns1123_subdomain },
};

static enum k8s_kind kind_by_name(const char *name)
{
	enum k8s_kind kind = 0;

	while (kind < K8S_KINDS && strcmp(name, k8s_kinds[kind].kind) != 0)
		kind++;
	return kind;
}

static void kind_not_served(const struct field *field, const char *kind, const char *version)
{
	char served[256] = "";

	for (enum k8s_kind i = 0; i < K8S_KINDS; i++) {
		size_t used = strlen(served);

		snprintf(served + used, sizeof(served) - used, "%s%s", i ? ", " : "",
			 k8s_kinds[i].kind);
	}
	field_fail(field, "\"%.60s\" (%.60s) is not served by lbctl; it serves: %s", kind, version,
		   served);
	field->reading->code = -ENOTSUP;
}

/* K8S_KINDS: reported. */
static enum k8s_kind kind_decode(const struct field *root)
{
	struct field version = field_get(root, "apiVersion");
	struct field kind = field_get(root, "kind");
	const char *version_text = field_string(&version);
	const char *kind_text = field_string(&kind);
	enum k8s_kind found;

	field_required(&version);
	field_required(&kind);
	if (root->reading->code)
		return K8S_KINDS;
	found = kind_by_name(kind_text);
	if (found == K8S_KINDS) {
		kind_not_served(&kind, kind_text, version_text);
		return K8S_KINDS;
	}
	return field_word(&version, rules[found].versions) ? found : K8S_KINDS;
}

static void annotations_check(const struct field *annotations)
{
	const char *key;
	json_t *value;
	size_t size = 0;

	field_string_map(annotations, name_qualified, NULL);
	if (!annotations->json)
		return;
	json_object_foreach (annotations->json, key, value)
		size += strlen(key) + json_string_length(value);
	if (size > ANNOTATIONS_MAX)
		field_fail(annotations, "Too long: may not be more than %u bytes", ANNOTATIONS_MAX);
}

static void namespace_decode(const struct field *metadata, const char *default_ns,
			     struct object *object)
{
	struct field ns = field_get(metadata, "namespace");
	const char *text = field_string(&ns);

	object->ns = "";
	if (!k8s_kinds[object->kind].namespaced) {
		if (text)
			field_forbidden(&ns, "not allowed on this type");
		return;
	}
	if (!text && field_map(metadata)) {
		json_object_set_new(metadata->json, "namespace", json_string(default_ns));
		ns = field_get(metadata, "namespace");
	}
	text = field_name(&ns, name_dns1123_label);
	if (text)
		object->ns = text;
}

static void metadata_decode(const struct field *root, const char *default_ns, struct object *object)
{
	struct field metadata = field_get(root, "metadata");
	struct field name = field_get(&metadata, "name");
	struct field labels = field_get(&metadata, "labels");
	struct field annotations = field_get(&metadata, "annotations");

	field_required(&name);
	object->name = field_name(&name, rules[object->kind].name_check);
	namespace_decode(&metadata, default_ns, object);
	field_string_map(&labels, name_qualified, name_label_value);
	annotations_check(&annotations);
}

static int label_compare(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->key, ((const struct label *)b)->key);
}

struct label *labels_decode(const struct field *map, size_t *ret_n)
{
	struct label *labels;
	const char *key;
	json_t *value;
	size_t n = 0;

	*ret_n = 0;
	if (!map->json || map->reading->code)
		return NULL;
	labels = xcalloc(json_object_size(map->json), sizeof(*labels));
	json_object_foreach (map->json, key, value)
		labels[n++] = (struct label){ key, json_string_value(value) };
	qsort(labels, n, sizeof(*labels), label_compare);
	*ret_n = n;
	return labels;
}

static void typed_decode(const struct field *root, struct object *object)
{
	switch (object->kind) {
	case K8S_SERVICE:
		object->service = service_decode(root);
		break;
	case K8S_ENDPOINTS:
		object->endpoints = endpoints_decode(root);
		break;
	case K8S_ENDPOINT_SLICE:
		object->slice = slice_decode(root);
		break;
	case K8S_POD:
		object->pod = pod_decode(root);
		break;
	case K8S_NODE:
		object->node = node_decode(root);
		break;
	case K8S_INGRESS:
		object->ingress = ingress_decode(root);
		break;
	case K8S_SECRET:
		secret_check(root);
		break;
	case K8S_INGRESS_CLASS:
		ingress_class_check(root);
		break;
	case K8S_NAMESPACE:
	case K8S_KINDS:
		break;
	}
}

int object_decode(json_t *json, const char *default_ns, struct object **ret_object,
		  char **ret_field, struct err *err)
{
	struct reading reading = { .err = err };
	struct field root = field_root(json, &reading);
	struct object *object = NULL;
	enum k8s_kind kind;

	if (!root.json)
		field_fail(&root, "expected a mapping, got nothing");
	kind = kind_decode(&root);
	if (kind < K8S_KINDS) {
		object = xcalloc(1, sizeof(*object));
		object->kind = kind;
		object->json = json_incref(json);
		metadata_decode(&root, default_ns, object);
		typed_decode(&root, object);
	}
	if (reading.code) {
		object_free(object);
		if (ret_field)
			*ret_field = TAKE_PTR(reading.field);
	} else {
		*ret_object = object;
	}
	free(reading.field);
	return reading.code;
}
