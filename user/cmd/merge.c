/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/merge.h"

#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

/* Lists whose items are known by fields of theirs. */
static const struct keyed_list {
	enum k8s_kind kind;
	const char *path;
	const char *key, *second, *second_default; /* second: or NULL */
} keyed_lists[] = {
	{ K8S_SERVICE, "spec.ports", "port", "protocol", "TCP" },
	{ K8S_POD, "status.conditions", "type", NULL, NULL },
};

static json_t *merge(enum k8s_kind kind, const char *path, const json_t *original,
		     const json_t *given, const json_t *stored);

static bool key_equal(const struct keyed_list *list, const json_t *a, const json_t *b)
{
	const char *second_a, *second_b;

	if (!json_equal(json_object_get(a, list->key), json_object_get(b, list->key)))
		return false;
	if (!list->second)
		return true;
	second_a = tree_text(a, list->second);
	second_b = tree_text(b, list->second);
	return !strcmp(second_a ? second_a : list->second_default,
		       second_b ? second_b : list->second_default);
}

static json_t *list_find(const struct keyed_list *list, const json_t *items, const json_t *item)
{
	for (size_t i = 0; i < json_array_size(items); i++)
		if (key_equal(list, json_array_get(items, i), item))
			return json_array_get(items, i);
	return NULL;
}

/* The given items in their order, then those that somebody else added. */
static json_t *merge_list(const struct keyed_list *list, const json_t *original,
			  const json_t *given, const json_t *stored)
{
	json_t *merged = json_array();

	for (size_t i = 0; i < json_array_size(given); i++) {
		const json_t *item = json_array_get(given, i);

		json_array_append_new(merged, merge(list->kind, "", list_find(list, original, item),
						    item, list_find(list, stored, item)));
	}
	for (size_t i = 0; i < json_array_size(stored); i++) {
		const json_t *item = json_array_get(stored, i);

		if (!list_find(list, given, item) && !list_find(list, original, item))
			json_array_append_new(merged, json_deep_copy(item));
	}
	return merged;
}

static json_t *merge_object(enum k8s_kind kind, const char *path, const json_t *original,
			    const json_t *given, const json_t *stored)
{
	json_t *merged = json_is_object(stored) ? json_deep_copy(stored) : json_object();
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)original, key, value)
		if (!json_object_get(given, key))
			json_object_del(merged, key);
	json_object_foreach ((json_t *)given, key, value) {
		cleanup_free char *inner = xasprintf("%s%s%s", path, *path ? "." : "", key);

		if (json_is_null(value))
			json_object_del(merged, key);
		else
			json_object_set_new(merged, key,
					    merge(kind, inner, json_object_get(original, key),
						  value, json_object_get(stored, key)));
	}
	return merged;
}

static json_t *merge(enum k8s_kind kind, const char *path, const json_t *original,
		     const json_t *given, const json_t *stored)
{
	if (json_is_object(given))
		return merge_object(kind, path, original, given, stored);
	for (size_t i = 0; json_is_array(given) && i < ARRAY_LEN(keyed_lists); i++) {
		const struct keyed_list *list = &keyed_lists[i];

		if (list->kind == kind && !strcmp(list->path, path))
			return merge_list(list, original, given, stored);
	}
	return json_deep_copy(given);
}

json_t *merge_three_way(enum k8s_kind kind, const json_t *original, const json_t *given,
			const json_t *stored)
{
	return merge(kind, "", original, given, stored);
}
