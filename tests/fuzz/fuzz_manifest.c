/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a manifest: no crash, and what is accepted prints as YAML that is
 * accepted again as the same objects.
 */
#include <stdint.h>
#include <stdlib.h>

#include "user/k8s/manifest.h"
#include "user/k8s/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct object *object)
{
	struct object_list list = { 0 };
	struct err err = { "" };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out || yaml_print(out, object->json))
		abort();
	fclose(out);
	if (manifest_parse("again", text, size, "default", &list, &err) || list.n != 1 ||
	    !json_equal(list.items[0]->json, object->json)) {
		fprintf(stderr, "%s\n%s", err.text, text);
		abort();
	}
	object_list_free(&list);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object_list list = { 0 };
	struct err err = { "" };

	if (manifest_parse("fuzz", (const char *)data, size, "default", &list, &err)) {
		if (list.n || !err.text[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < list.n; i++)
		check_again(list.items[i]);
	object_list_free(&list);
	return 0;
}
