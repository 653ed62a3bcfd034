/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/path.h"

#include <string.h>

#include "user/util/cleanup.h"

size_t path_pattern(const char *path, unsigned int *ret_rest)
{
	static const struct {
		const char *end;
		unsigned int rest;
	} patterns[] = { { "(/|$)(.*)", 2 }, { "/?(.*)", 1 }, { "/(.*)", 1 } };
	size_t length = strlen(path);

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		size_t end = strlen(patterns[i].end);

		if (length < end || strcmp(path + length - end, patterns[i].end) != 0)
			continue;
		*ret_rest = patterns[i].rest;
		return length - end;
	}
	*ret_rest = 0;
	return length;
}

size_t path_prefix_length(const char *path, size_t length)
{
	while (length && path[length - 1] == '/')
		length--;
	return length;
}

bool path_is_below(const char *prefix, const char *path)
{
	size_t length = strlen(prefix);

	return !strncmp(path, prefix, length) && (!path[length] || path[length] == '/');
}

const char *path_wrong(const char *path)
{
	unsigned int rest;
	size_t length = path_pattern(path, &rest);

	for (const char *c = path; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '\x7f')
			return "has blanks or control characters";
	if (strcspn(path, "()[]{}*^|\\") < length)
		return "is a pattern; only /x(/|$)(.*), /x/?(.*) and /x/(.*) are understood";
	return NULL;
}
