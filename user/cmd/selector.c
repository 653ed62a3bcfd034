/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/selector.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

struct reader {
	const char *text; /* the whole, for errors */
	const char *at;
	struct err *err;
};

static int fail(const struct reader *reader, const char *what)
{
	if (!*reader->at)
		return err_set(reader->err, -EINVAL, "selector \"%s\": %s at its end", reader->text,
			       what);
	return err_set(reader->err, -EINVAL, "selector \"%s\": %s at \"%s\"", reader->text, what,
		       reader->at);
}

static void skip_blanks(struct reader *reader)
{
	while (isspace((unsigned char)*reader->at))
		reader->at++;
}

/* Steps over the symbol when it is next. */
static bool accept_text(struct reader *reader, const char *symbol)
{
	size_t length = strlen(symbol);

	skip_blanks(reader);
	if (strncmp(reader->at, symbol, length) != 0)
		return false;
	reader->at += length;
	return true;
}

static size_t word_length(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) ||
	       (text[length] && strchr("-_./", text[length])))
		length++;
	return length;
}

/* Steps over a keyword; "input" is not the keyword "in". */
static bool accept_word(struct reader *reader, const char *word)
{
	skip_blanks(reader);
	if (word_length(reader->at) != strlen(word))
		return false;
	return accept_text(reader, word);
}

/* The next word, "" when there is none. */
static char *take_word(struct reader *reader)
{
	size_t length;
	char *word;

	skip_blanks(reader);
	length = word_length(reader->at);
	word = xmalloc(length + 1);
	memcpy(word, reader->at, length);
	word[length] = '\0';
	reader->at += length;
	return word;
}

static void add_value(struct reader *reader, struct selector_term *term)
{
	/* vec_add is a macro over members named items; here they are values. */
	term->values = vec_grow(term->values, term->n, &term->room, sizeof(*term->values));
	term->values[term->n++] = take_word(reader);
}

static int read_set(struct reader *reader, struct selector_term *term)
{
	if (!accept_text(reader, "("))
		return fail(reader, "expected \"(\"");
	do
		add_value(reader, term);
	while (accept_text(reader, ","));
	if (!accept_text(reader, ")"))
		return fail(reader, "expected \",\" or \")\"");
	return 0;
}

static int read_term(struct reader *reader, struct selector_term *term)
{
	bool absent = accept_text(reader, "!");

	term->key = take_word(reader);
	if (!*term->key)
		return fail(reader, "expected a label's key");
	if (absent) {
		term->operator= SELECTOR_ABSENT;
	} else if (accept_text(reader, "!=")) {
		term->operator= SELECTOR_NOT_IN;
		add_value(reader, term);
	} else if (accept_text(reader, "==") || accept_text(reader, "=")) {
		term->operator= SELECTOR_IN;
		add_value(reader, term);
	} else if (accept_word(reader, "in")) {
		term->operator= SELECTOR_IN;
		return read_set(reader, term);
	} else if (accept_word(reader, "notin")) {
		term->operator= SELECTOR_NOT_IN;
		return read_set(reader, term);
	} else {
		term->operator= SELECTOR_EXISTS;
	}
	return 0;
}

static int read_terms(struct reader *reader, struct selector *selector)
{
	skip_blanks(reader);
	if (!*reader->at)
		return 0;
	do {
		int code = read_term(reader, vec_add(selector));

		if (code)
			return code;
	} while (accept_text(reader, ","));
	skip_blanks(reader);
	return *reader->at ? fail(reader, "expected \",\" or an operator") : 0;
}

int selector_parse(const char *text, struct selector *ret_selector, struct err *err)
{
	struct reader reader = { .text = text, .at = text ? text : "", .err = err };
	struct selector selector = { 0 };
	int code = read_terms(&reader, &selector);

	if (code)
		selector_done(&selector);
	else
		*ret_selector = selector;
	return code;
}

static bool term_matches(const struct selector_term *term, const char *value)
{
	bool in = false;

	for (size_t i = 0; value && i < term->n; i++)
		in |= !strcmp(term->values[i], value);
	switch (term->operator) {
	case SELECTOR_IN:
		return in;
	case SELECTOR_NOT_IN:
		return !in; /* an object without the label matches too, as in Kubernetes */
	case SELECTOR_EXISTS:
		return value;
	case SELECTOR_ABSENT:
		return !value;
	}
	return false;
}

bool selector_matches(const struct selector *selector, const struct object *object)
{
	for (size_t i = 0; i < selector->n; i++) {
		const struct selector_term *term = &selector->items[i];

		if (!term_matches(term, object_label(object, term->key)))
			return false;
	}
	return true;
}

void selector_done(struct selector *selector)
{
	for (size_t i = 0; i < selector->n; i++) {
		struct selector_term *term = &selector->items[i];

		free(term->key);
		for (size_t j = 0; j < term->n; j++)
			free(term->values[j]);
		free(term->values);
	}
	vec_free(selector);
}
