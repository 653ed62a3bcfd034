/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/output.h"

#include <errno.h>
#include <string.h>

#include "user/cmd/resource.h"
#include "user/k8s/yaml.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

static const struct format {
	const char *name;
	enum output output;
} formats[] = {
	{ "wide", OUTPUT_WIDE },
	{ "json", OUTPUT_JSON },
	{ "yaml", OUTPUT_YAML },
	{ "name", OUTPUT_NAME },
};

/* Whether word is one of the words of "a|b|c". */
static bool one_of(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		size_t n = strcspn(words, "|");

		if (n == length && !memcmp(words, word, n))
			return true;
		if (!words[n])
			return false;
		words += n + 1;
	}
}

int output_parse(const struct cli *cli, const char *allowed, enum output *ret_output,
		 struct err *err)
{
	const char *name = cli_option(cli, "output");

	if (!name) {
		*ret_output = OUTPUT_PLAIN;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (!strcmp(name, formats[i].name) && one_of(allowed, name)) {
			*ret_output = formats[i].output;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "--output: \"%s\" is not one of %s", name, allowed);
}

void output_json(FILE *out, enum output output, const json_t *json)
{
	cleanup_json json_t *sorted = tree_sorted(json);

	if (output == OUTPUT_YAML) {
		yaml_print(out, sorted);
		return;
	}
	json_dumpf(sorted, out, JSON_INDENT(4) | JSON_REAL_PRECISION(15));
	fputc('\n', out);
}

void output_name(FILE *out, const struct object *object)
{
	char text[RESOURCE_TEXT];

	fprintf(out, "%s/%s", resource_singular(object->kind, text), object->name);
}

void output_object(FILE *out, enum output output, const struct object *object)
{
	if (output != OUTPUT_NAME) {
		output_json(out, output, object->json);
		return;
	}
	output_name(out, object);
	fputc('\n', out);
}

void output_list(FILE *out, enum output output, const struct object *const *items, size_t n)
{
	cleanup_json json_t *list = NULL;
	json_t *array;

	if (output == OUTPUT_NAME) {
		for (size_t i = 0; i < n; i++)
			output_object(out, output, items[i]);
		return;
	}
	array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append(array, items[i]->json);
	list = json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", "v1", "kind", "List", "metadata",
			 "resourceVersion", "", "items", array);
	output_json(out, output, list);
}
