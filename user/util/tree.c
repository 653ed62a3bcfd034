/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/tree.h"

#include <stdlib.h>
#include <string.h>

#include "user/util/vec.h"

#define STEP_MAX 64

/* Copies the first step of path and returns what is behind it, NULL at the end. */
static const char *path_step(const char *path, char *step)
{
	size_t length = strcspn(path, ".");

	if (length >= STEP_MAX)
		length = STEP_MAX - 1;
	memcpy(step, path, length);
	step[length] = '\0';
	return path[length] ? path + length + 1 : NULL;
}

json_t *tree_get(const json_t *json, const char *path)
{
	char step[STEP_MAX];

	while (path && json) {
		path = path_step(path, step);
		json = json_object_get(json, step);
	}
	return (json_t *)json;
}

const char *tree_text(const json_t *json, const char *path)
{
	return json_string_value(tree_get(json, path));
}

long long tree_int(const json_t *json, const char *path)
{
	return json_integer_value(tree_get(json, path));
}

void tree_set(json_t *json, const char *path, json_t *value)
{
	char step[STEP_MAX];

	for (;;) {
		json_t *next;

		path = path_step(path, step);
		if (!path)
			break;
		next = json_object_get(json, step);
		if (!json_is_object(next)) {
			next = json_object();
			json_object_set_new(json, step, next);
		}
		json = next;
	}
	json_object_set_new(json, step, value);
}

void tree_delete(json_t *json, const char *path)
{
	char step[STEP_MAX];

	while ((path = path_step(path, step)))
		json = json_object_get(json, step);
	json_object_del(json, step);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **tree_keys(const json_t *json, size_t *ret_n)
{
	const char **keys = xcalloc(json_object_size(json), sizeof(*keys));
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach ((json_t *)json, key, value)
		keys[n++] = key;
	if (n)
		qsort(keys, n, sizeof(*keys), compare_keys);
	*ret_n = n;
	return keys;
}

json_t *tree_sorted(const json_t *json)
{
	json_t *copy;
	size_t n;

	if (json_is_object(json)) {
		const char **keys = tree_keys(json, &n);

		copy = json_object();
		for (size_t i = 0; i < n; i++)
			json_object_set_new(copy, keys[i],
					    tree_sorted(json_object_get(json, keys[i])));
		free(keys);
		return copy;
	}
	if (json_is_array(json)) {
		copy = json_array();
		for (size_t i = 0; i < json_array_size(json); i++)
			json_array_append_new(copy, tree_sorted(json_array_get(json, i)));
		return copy;
	}
	return json_deep_copy(json);
}
