/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml at work, and its errors in words that point to the line. */
#include <ctype.h>
#include <errno.h>

#include "user/k8s/yaml_build.h"
#include "user/util/cleanup.h"

#define MAX_SIZE (64u << 20)
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct parser {
	const char *text;
	size_t size;
	yaml_parser_t yaml;
	struct yaml_builder build;
};

/* Errors of bytes have an offset, not a line. */
static int reader_error(struct parser *p)
{
	unsigned int line = 1;

	for (size_t i = 0; i < p->yaml.problem_offset && i < p->size; i++)
		line += p->text[i] == '\n';
	if (strstr(p->yaml.problem, "UTF-8"))
		return yaml_build_fail(&p->build, line, "not UTF-8: %s", p->yaml.problem);
	return yaml_build_fail(&p->build, line, "%s", p->yaml.problem);
}

static bool indented_by_tab(const struct parser *p, unsigned int line)
{
	const char *at = p->text, *end = p->text + p->size;

	while (--line && at) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	while (at && at < end && *at == ' ')
		at++;
	return at && at < end && *at == '\t';
}

/* The end of the text counts as one more line for libyaml; errors point to the last. */
static unsigned int line_inside(const struct parser *p, unsigned int line)
{
	unsigned int last = 1;

	for (size_t i = 0; i + 1 < p->size && last < line; i++)
		last += p->text[i] == '\n';
	return line < last ? line : last;
}

static int syntax_error(struct parser *p)
{
	unsigned int line = line_inside(p, (unsigned int)p->yaml.problem_mark.line + 1);
	unsigned int start = line_inside(p, (unsigned int)p->yaml.context_mark.line + 1);

	if (p->yaml.error == YAML_MEMORY_ERROR || !p->yaml.problem)
		return yaml_build_fail(&p->build, line, "out of memory");
	if (p->yaml.error == YAML_READER_ERROR)
		return reader_error(p);
	if (strstr(p->yaml.problem, "tab character") ||
	    (strstr(p->yaml.problem, "cannot start any token") && indented_by_tab(p, line)))
		return yaml_build_fail(&p->build, line,
				       "a tab is used for indentation; YAML wants spaces");
	if (p->yaml.context && start != line)
		return yaml_build_fail(&p->build, line, "%s, %s from line %u on", p->yaml.problem,
				       p->yaml.context, start);
	if (p->yaml.context)
		return yaml_build_fail(&p->build, line, "%s, %s", p->yaml.problem, p->yaml.context);
	return yaml_build_fail(&p->build, line, "%s", p->yaml.problem);
}

/* ----------------------------------------------------------------- JSON -- */

static bool is_json(const char *text, size_t size)
{
	size_t i = 0;

	while (i < size && strchr(" \t\r\n", text[i]) && text[i])
		i++;
	return i < size && (text[i] == '{' || text[i] == '[');
}

/* An escape \uXXXX with digits in [first, first + 0x3ff]; how far from first. */
static bool surrogate(const char *text, const char *end, unsigned int first, unsigned int *ret_low)
{
	unsigned int value = 0;

	if (end - text < 6 || text[0] != '\\' || text[1] != 'u')
		return false;
	for (int i = 2; i < 6; i++) {
		int digit = tolower((unsigned char)text[i]);

		if (!isxdigit(digit))
			return false;
		value = value << 4 |
			(unsigned int)(isdigit(digit) ? digit - '0' : digit - 'a' + 10);
	}
	*ret_low = value - first;
	return value >= first && value <= first + 0x3ff;
}

/*
 * JSON writes characters beyond 16 bits as two escapes, YAML as one that is shorter:
 * text is a copy, changed in place. Returns the new size.
 */
static size_t surrogates_join(char *text, size_t size)
{
	const char *from = text, *end = text + size;
	char *to = text;

	while (from < end) {
		unsigned int high, low;
		char joined[12];

		if (surrogate(from, end, 0xd800, &high) && surrogate(from + 6, end, 0xdc00, &low)) {
			snprintf(joined, sizeof(joined), "\\U%08X", 0x10000 + (high << 10) + low);
			memcpy(to, joined, 10);
			to += 10;
			from += 12;
			continue;
		}
		if (*from == '\\' && from + 1 < end)
			*to++ = *from++; /* what a backslash escapes is no start of an escape */
		*to++ = *from++;
	}
	*to = '\0';
	return (size_t)(to - text);
}

static int parse_events(struct parser *p)
{
	yaml_event_t event;
	bool end = false;
	int r = 0;

	while (!r && !end) {
		if (!yaml_parser_parse(&p->yaml, &event))
			return syntax_error(p);
		end = event.type == YAML_STREAM_END_EVENT;
		r = yaml_build(&p->build, &event);
		yaml_event_delete(&event);
	}
	return r;
}

static int parse_text(struct parser *p)
{
	int r;

	if (!yaml_parser_initialize(&p->yaml))
		return yaml_build_fail(&p->build, 1, "out of memory");
	yaml_parser_set_encoding(&p->yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p->yaml, (const unsigned char *)p->text, p->size);
	r = parse_events(p);
	yaml_parser_delete(&p->yaml);
	return r;
}

int yaml_parse(const char *file, const char *text, size_t size, struct yaml_stream **ret_stream,
	       struct err *err)
{
	struct parser p = { .text = text, .size = size, .build = { .file = file, .err = err } };
	cleanup_free char *copy = NULL;
	int r;

	if (size > MAX_SIZE)
		return err_set(err, -EFBIG, "%s:1: larger than %u MiB", file, MAX_SIZE >> 20);
	if (size >= 3 && !memcmp(text, BYTE_ORDER_MARK, 3)) { /* libyaml would count a column */
		p.text += 3;
		p.size -= 3;
	}
	if (is_json(p.text, p.size)) {
		copy = xmalloc(p.size + 1);
		memcpy(copy, p.text, p.size);
		p.size = surrogates_join(copy, p.size);
		p.text = copy;
	}
	p.build.stream = xcalloc(1, sizeof(*p.build.stream));
	r = parse_text(&p);
	if (!r)
		*ret_stream = TAKE_PTR(p.build.stream);
	yaml_builder_done(&p.build);
	yaml_stream_free(p.build.stream);
	return r;
}
