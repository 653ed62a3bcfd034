/* SPDX-License-Identifier: Apache-2.0 */
/* Secret: base64 data; stringData is folded into it, as the API server does. */
#include <string.h>

#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/util/vec.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Whole groups of four, padded at the end; line breaks are allowed anywhere. */
static bool is_base64(const char *text)
{
	size_t n = 0, padding = 0;

	for (; *text; text++) {
		if (*text == '\n' || *text == '\r')
			continue;
		if (*text == '=')
			padding++;
		else if (padding || !strchr(digits, *text))
			return false;
		n++;
	}
	return n % 4 == 0 && padding <= 2;
}

static char *base64_encode(const char *text)
{
	size_t size = strlen(text), used = 0;
	char *out = xmalloc((size + 2) / 3 * 4 + 1);

	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t word = (uint32_t)(uint8_t)text[i] << 16;

		if (left > 1)
			word |= (uint32_t)(uint8_t)text[i + 1] << 8;
		if (left > 2)
			word |= (uint8_t)text[i + 2];
		out[used++] = digits[word >> 18];
		out[used++] = digits[word >> 12 & 63];
		out[used++] = left > 1 ? digits[word >> 6 & 63] : '=';
		out[used++] = left > 2 ? digits[word & 63] : '=';
	}
	out[used] = '\0';
	return out;
}

static void string_data_fold(const struct field *root)
{
	struct field from = field_get(root, "stringData");
	json_t *data;
	const char *key;
	json_t *value;

	field_string_map(&from, name_config_key, NULL);
	if (!from.json || root->reading->code)
		return;
	data = json_object_get(root->json, "data");
	if (!json_is_object(data)) {
		data = json_object();
		json_object_set_new(root->json, "data", data);
	}
	json_object_foreach (from.json, key, value) {
		char *encoded = base64_encode(json_string_value(value));

		json_object_set_new(data, key, json_string(encoded));
		free(encoded);
	}
	json_object_del(root->json, "stringData");
}

/* Values stay out of errors: they are secret. */
static void data_check(const struct field *data)
{
	const char *key;
	json_t *value;

	field_string_map(data, name_config_key, NULL);
	if (!data->json)
		return;
	json_object_foreach (data->json, key, value) {
		struct field entry = field_entry(data, key);

		if (json_is_string(value) && !is_base64(json_string_value(value)))
			field_fail(&entry, "Invalid value: must be base64");
	}
}

static void tls_check(const struct field *root)
{
	static const char *const keys[] = { "tls.crt", "tls.key", NULL };
	struct field data = field_get(root, "data");

	for (size_t i = 0; keys[i]; i++) {
		struct field entry = field_entry(&data, keys[i]);

		if (!entry.json)
			field_fail(&entry, "Required value");
	}
}

void secret_check(const struct field *root)
{
	struct field type = field_get(root, "type");
	struct field data = field_get(root, "data");
	const char *text = field_string(&type);

	data_check(&data);
	string_data_fold(root);
	if (text && !strcmp(text, "kubernetes.io/tls"))
		tls_check(root);
}
