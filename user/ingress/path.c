/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/path.h"

/* The library that HAProxy has: what compiles here does so there. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
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

/* ----------------------------------------------------------------- expressions -- */

bool path_is_regex(const char *path)
{
	unsigned int rest;
	size_t length = path_pattern(path, &rest);

	return strcspn(path, "()[]{}*^|\\+?$") < length;
}

static pcre2_code *regex_compile(const char *regex)
{
	int error;
	PCRE2_SIZE at;

	return pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
			     PCRE2_ANCHORED | PCRE2_CASELESS, &error, &at, NULL);
}

bool path_matches(const char *regex, const char *path)
{
	pcre2_code *code = regex_compile(regex);
	pcre2_match_data *match = code ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;
	bool matches =
		match && pcre2_match(code, (PCRE2_SPTR)path, strlen(path), 0, 0, match, NULL) >= 0;

	pcre2_match_data_free(match);
	pcre2_code_free(code);
	return matches;
}

static bool regex_is_right(const char *regex)
{
	pcre2_code *code = regex_compile(regex);

	pcre2_code_free(code);
	return code;
}

const char *path_wrong(const char *path, bool regex)
{
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '\x7f')
			return "has blanks or control characters";
	if (regex)
		return regex_is_right(path) ? NULL : "is no regular expression of PCRE";
	if (path_is_regex(path) && path[strcspn(path, "()[]{}*^|\\")])
		return "is a pattern; it needs use-regex and pathType ImplementationSpecific";
	return NULL;
}
