/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml at work, and its errors in words that point to the line. */
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

	for (size_t i = 0; i < p->yaml.problem_offset; i++)
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

int yaml_parse(const char *file, const char *text, size_t size, struct yaml_stream **ret_stream,
	       struct err *err)
{
	bool marked = size >= 3 && !memcmp(text, BYTE_ORDER_MARK, 3);
	struct parser p = { .text = text, .size = size, .build = { .file = file, .err = err } };
	int r;

	if (size > MAX_SIZE)
		return err_set(err, -EFBIG, "%s:1: larger than %u MiB", file, MAX_SIZE >> 20);
	if (marked) { /* libyaml would count it as a column */
		p.text += 3;
		p.size -= 3;
	}
	if (!yaml_parser_initialize(&p.yaml))
		return err_set(err, -ENOMEM, "%s:1: out of memory", file);
	p.build.stream = xcalloc(1, sizeof(*p.build.stream));
	yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)p.text, p.size);
	r = parse_events(&p);
	if (!r)
		*ret_stream = TAKE_PTR(p.build.stream);
	yaml_builder_done(&p.build);
	yaml_stream_free(p.build.stream);
	yaml_parser_delete(&p.yaml);
	return r;
}
