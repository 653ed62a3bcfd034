/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' text format, checked by its rules. */
#ifndef TEST_EXPOSITION_H
#define TEST_EXPOSITION_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

struct lines {
	char **items;
	size_t n, room;
};

static bool lines_have(const struct lines *lines, const char *text)
{
	for (size_t i = 0; i < lines->n; i++)
		if (!strcmp(lines->items[i], text))
			return true;
	return false;
}

static void lines_done(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->items[i]);
	vec_free(lines);
}

/* The end of a metric's or label's name, NULL: there is none. */
static const char *name_end(const char *at)
{
	size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789");

	return length && (*at < '0' || *at > '9') ? at + length : NULL;
}

/* Behind {key="value",…}; NULL: it is not that. */
static const char *labels_end(const char *at)
{
	do {
		at = name_end(at + 1);
		if (!at || *at++ != '=' || *at++ != '"')
			return NULL;
		for (; *at && *at != '"'; at++)
			if (*at == '\\' && !strchr("\\\"n", *++at))
				return NULL;
		if (*at++ != '"')
			return NULL;
	} while (*at == ',');
	return *at == '}' ? at + 1 : NULL;
}

struct checker {
	struct lines families, series;
	char family[128], type[16];
	bool help; /* the line before was the family's HELP */
};

static const char *head_check(struct checker *checker, const char *line)
{
	char name[128], rest[256];

	if (sscanf(line, "# HELP %127s %255[^\n]", name, rest) == 2) {
		if (lines_have(&checker->families, name))
			return "a family twice";
		vec_push(&checker->families, xstrdup(name));
		strcpy(checker->family, name);
		checker->help = true;
		return NULL;
	}
	if (!checker->help || sscanf(line, "# TYPE %127s %15s", name, checker->type) != 2 ||
	    strcmp(name, checker->family) != 0)
		return "no TYPE behind HELP";
	checker->help = false;
	if (strcmp(checker->type, "counter") != 0 && strcmp(checker->type, "gauge") != 0 &&
	    strcmp(checker->type, "histogram") != 0)
		return "unknown type";
	return NULL;
}

/* A histogram's series have endings of their own. */
static bool name_is_of_family(const struct checker *checker, const char *name, size_t length)
{
	static const char *const endings[] = { "_bucket", "_sum", "_count" };
	size_t family = strlen(checker->family);

	if (length < family || memcmp(name, checker->family, family) != 0)
		return false;
	if (strcmp(checker->type, "histogram") != 0)
		return length == family;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (length == family + strlen(endings[i]) &&
		    !memcmp(name + family, endings[i], strlen(endings[i])))
			return true;
	return false;
}

static const char *series_check(struct checker *checker, const char *line)
{
	const char *end = name_end(line);
	char *series, *number_end;
	size_t length = end ? (size_t)(end - line) : 0;
	size_t total = strlen("_total");
	bool twice;

	if (!end || checker->help || !name_is_of_family(checker, line, length))
		return "not of the family";
	if ((!memcmp(end - total, "_total", total)) != !strcmp(checker->type, "counter"))
		return "counters, and nothing else, end in _total";
	if (*end == '{')
		end = labels_end(end);
	if (!end || *end != ' ')
		return "bad labels";
	series = strndup(line, (size_t)(end - line));
	twice = lines_have(&checker->series, series);
	vec_push(&checker->series, series);
	if (twice)
		return "a series twice";
	(void)strtod(end + 1, &number_end);
	return number_end > end + 1 && !*number_end ? NULL : "bad value";
}

/* What is wrong with the text, NULL: nothing. */
static const char *format_check(const char *text, size_t *ret_series)
{
	cleanup_free char *copy = xstrdup(text);
	struct checker checker = { 0 };
	const char *wrong = *text && text[strlen(text) - 1] != '\n' ? "no end of line" : NULL;
	char *rest, *line = strtok_r(copy, "\n", &rest);

	for (; line && !wrong; line = strtok_r(NULL, "\n", &rest))
		wrong = *line == '#' ? head_check(&checker, line) : series_check(&checker, line);
	*ret_series = checker.series.n;
	lines_done(&checker.families);
	lines_done(&checker.series);
	return wrong;
}

#endif
