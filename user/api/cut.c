/* SPDX-License-Identifier: Apache-2.0 */
#include "user/api/cut.h"

#include <stdbool.h>
#include <string.h>

/* Inside of a string its quotes would have backslashes, so this can only be a key. */
#define KEY "\"managedFields\":["

/* Behind the bracket that closes the list which begins here; NULL: none does. */
static const char *list_end(const char *at, const char *end)
{
	unsigned int depth = 1;
	bool string = false;

	for (; at < end; at++) {
		if (string) {
			if (*at == '\\')
				at++;
			else if (*at == '"')
				string = false;
		} else if (*at == '"') {
			string = true;
		} else if (*at == '[' || *at == '{') {
			depth++;
		} else if ((*at == ']' || *at == '}') && --depth == 0) {
			return at + 1;
		}
	}
	return NULL;
}

size_t cut_managed_fields(const char *text, size_t size, char *to)
{
	const char *end = text + size, *key, *rest;
	size_t used = 0;

	while ((key = memmem(text, (size_t)(end - text), KEY, strlen(KEY)))) {
		rest = list_end(key + strlen(KEY), end);
		if (!rest)
			break;
		memcpy(to + used, text, (size_t)(key - text));
		used += (size_t)(key - text);
		/* One of the two commas beside it goes, too. */
		if (rest < end && *rest == ',')
			rest++;
		else if (used && to[used - 1] == ',')
			used--;
		text = rest;
	}
	memcpy(to + used, text, (size_t)(end - text));
	return used + (size_t)(end - text);
}
