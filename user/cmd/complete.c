/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands says what a command takes in the words of its help: "(KIND [NAME...] |
 * all)", "wide|json|yaml". Here these are read as the grammar that they are: words in capitals
 * stand for something, others for themselves, " | " parts what excludes each other.
 */
#include "user/cmd/complete.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/cmd/command.h"
#include "user/k8s/object.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

struct complete {
	FILE *out;
	const struct command *command; /* NULL: its name is what is missing */
	const struct option *option;   /* whose argument the last word is, or NULL */
	const char *root, *config, *ns;
	bool only_args; /* behind "--" */
	bool unknown;	/* the command is none: nothing can follow */
	VEC(const char *) args;
	enum k8s_kind kind;   /* of the objects whose names may follow; K8S_KINDS: of none */
	unsigned int offered; /* placeholders, as bits */
	bool files;
	const char *word;   /* the unfinished one, or its part behind "=" */
	const char *before; /* the part up to "=", or "" */
	size_t before_length;
};

static void offer(const struct complete *c, const char *word, size_t length, const char *meaning)
{
	size_t typed = strlen(c->word);

	if (length < typed || memcmp(word, c->word, typed) != 0)
		return;
	fprintf(c->out, "%.*s%.*s\t%s\n", (int)c->before_length, c->before, (int)length, word,
		meaning);
}

/* --------------------------------------------------------- what capitals mean -- */

static void offer_commands(struct complete *c)
{
	for (const struct command *const *item = commands; *item; item++)
		offer(c, (*item)->name, strlen((*item)->name), (*item)->summary);
}

static void offer_kinds(struct complete *c)
{
	for (size_t i = 0; i < K8S_KINDS; i++) {
		const struct k8s_kind_info *info = &k8s_kinds[i];

		offer(c, info->plural, strlen(info->plural), info->api_version);
		if (info->aliases[0] && *c->word)
			offer(c, info->aliases[0], strlen(info->aliases[0]), info->plural);
	}
}

/* The files or directories of a directory, without a suffix that all of them have. */
static void offer_entries(const struct complete *c, const char *dir, const char *suffix,
			  const char *meaning)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		size_t length = strlen(entry->d_name), end = strlen(suffix);

		if (*entry->d_name == '.' || length < end ||
		    strcmp(entry->d_name + length - end, suffix) != 0)
			continue;
		offer(c, entry->d_name, length - end, meaning);
	}
	if (stream)
		closedir(stream);
}

/* Names as the state's files have them: thousands cost nothing. */
static void offer_objects(const struct complete *c)
{
	const struct k8s_kind_info *info = &k8s_kinds[c->kind];
	cleanup_free char *dir = NULL;
	struct paths paths;

	/* Most of these are made from the Services of the same name. */
	if (c->kind == K8S_ENDPOINTS)
		info = &k8s_kinds[K8S_SERVICE];
	paths_init(&paths, c->root, c->config);
	dir = xasprintf("%s/%s%s%s", paths.state, info->plural, info->namespaced ? "/" : "",
			info->namespaced ? c->ns : "");
	offer_entries(c, dir, ".yaml", k8s_kinds[c->kind].kind);
	paths_done(&paths);
}

/* Each kind has a folder for each namespace that has one of it. Services are what there is of all.
 */
static void offer_namespaces(struct complete *c)
{
	cleanup_free char *dir = NULL;
	struct paths paths;

	paths_init(&paths, c->root, c->config);
	dir = xasprintf("%s/%s", paths.state, k8s_kinds[K8S_SERVICE].plural);
	offer_entries(c, dir, "", "Namespace");
	paths_done(&paths);
}

static void offer_devices(struct complete *c)
{
	offer_entries(c, "/sys/class/net", "", "device");
}

static void offer_files(struct complete *c)
{
	c->files = true;
}

static void offer_names(struct complete *c)
{
	if (c->kind != K8S_KINDS)
		offer_objects(c);
}

/* "svc/ku": the name is what is unfinished. */
static void offer_slashed(struct complete *c)
{
	const char *slash = strchr(c->word, '/');
	cleanup_free char *kind = slash ? strndup(c->word, (size_t)(slash - c->word)) : NULL;
	struct complete name = *c;

	name.kind = kind ? k8s_kind_find(kind) : K8S_KINDS;
	if (name.kind == K8S_KINDS)
		return;
	name.before = c->word;
	name.before_length = (size_t)(slash - c->word) + 1;
	name.word = slash + 1;
	offer_objects(&name);
}

/* Each at most once, though it may be a part of several alternatives. */
static void offer_placeholder(struct complete *c, const char *name, size_t length)
{
	static const struct {
		const char *name;
		void (*offer)(struct complete *c);
	} placeholders[] = {
		{ "COMMAND", offer_commands },	   { "KIND", offer_kinds },
		{ "NAME", offer_names },	   { "KIND/NAME", offer_slashed },
		{ "NAMESPACE", offer_namespaces }, { "DEV", offer_devices },
		{ "FILE", offer_files },	   { "DIR", offer_files },
		{ "PATH", offer_files },
	};

	for (size_t i = 0; i < ARRAY_LEN(placeholders); i++) {
		if (length != strlen(placeholders[i].name) ||
		    memcmp(name, placeholders[i].name, length) != 0 || c->offered & 1u << i)
			continue;
		c->offered |= 1u << i;
		placeholders[i].offer(c);
	}
}

/* ------------------------------------------------------------------- grammar -- */

/*
 * The next word of a grammar: *at moves behind it; what encloses and repeats it is left out, and so
 * is ",KIND...", which goes on within a word.
 */
static bool grammar_next(const char **at, const char *end, const char **ret_word,
			 size_t *ret_length, bool *ret_repeats)
{
	const char *word;

	do {
		word = *at;
		while (word < end && strchr(" ()[]", *word))
			word++;
		*at = word;
		while (*at < end && !strchr(" ()[]", **at))
			(*at)++;
	} while (word < end && *word == ',');
	*ret_word = word;
	*ret_length = (size_t)(*at - word);
	*ret_repeats = *ret_length > 3 && !memcmp(*at - 3, "...", 3);
	if (*ret_repeats)
		*ret_length -= 3;
	return word < end;
}

static bool is_placeholder(const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (islower((unsigned char)word[i]))
			return false;
	return true;
}

/* Whether a word is one of "svc|endpoints", or may be. */
static bool parts_have(const char *word, size_t length, const char *given)
{
	const char *end = word + length;

	while (word < end) {
		const char *bar = memchr(word, '|', (size_t)(end - word));
		size_t part = (size_t)((bar ? bar : end) - word);

		if (is_placeholder(word, part) ||
		    (strlen(given) == part && !memcmp(word, given, part)))
			return true;
		word += part + 1;
	}
	return false;
}

static void parts_offer(struct complete *c, const char *word, size_t length)
{
	const char *end = word + length;

	while (word < end) {
		const char *bar = memchr(word, '|', (size_t)(end - word));
		size_t part = (size_t)((bar ? bar : end) - word);

		if (is_placeholder(word, part))
			offer_placeholder(c, word, part);
		else
			offer(c, word, part, "");
		word += part + 1;
	}
}

/* One alternative of a command's arguments: offers what comes behind those that were given. */
static void alternative_offer(struct complete *c, const char *at, const char *end)
{
	bool repeats = false;
	const char *word;
	size_t length;

	c->kind = K8S_KINDS;
	for (size_t i = 0;; i++) {
		if (!repeats && !grammar_next(&at, end, &word, &length, &repeats))
			return;
		if (*word == '-') /* an option is not an argument */
			return;
		if (i == c->args.n)
			break;
		if (!parts_have(word, length, c->args.items[i]))
			return;
		if (c->kind == K8S_KINDS)
			c->kind = k8s_kind_find(c->args.items[i]);
	}
	parts_offer(c, word, length);
}

static void offer_args(struct complete *c)
{
	const char *at = c->command->args ? c->command->args : "";

	for (;;) {
		const char *bar = strstr(at, " | ");

		alternative_offer(c, at, bar ? bar : at + strlen(at));
		if (!bar)
			return;
		at = bar + 3;
	}
}

/* ------------------------------------------------------------------- options -- */

static void offer_options(const struct complete *c, const struct option *options)
{
	for (; options && options->name; options++) {
		cleanup_free char *word = xasprintf("--%s", options->name);

		offer(c, word, strlen(word), options->help);
	}
}

static void offer_values(struct complete *c)
{
	const char *argument = c->option->argument;
	size_t length = strlen(argument);

	if (*argument == '[') { /* "[=none|client]" */
		argument += 2;
		length -= 3;
	}
	parts_offer(c, argument, length);
}

static const struct option *option_find(const struct complete *c, const char *word, size_t length)
{
	const struct option *tables[] = { c->command ? c->command->options : NULL,
					  cli_global_options };

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct option *o = tables[i]; o && o->name; o++)
			if ((length > 2 && strlen(o->name) == length - 2 &&
			     !memcmp(word + 2, o->name, length - 2)) ||
			    (length == 2 && o->letter && word[1] == o->letter))
				return o;
	return NULL;
}

static void value_take(struct complete *c, const struct option *option, const char *value)
{
	if (!strcmp(option->name, "root"))
		c->root = value;
	else if (!strcmp(option->name, "config"))
		c->config = value;
	else if (!strcmp(option->name, "namespace"))
		c->ns = value;
}

/* A whole option in front of the unfinished word; returns how many words it took. */
static size_t option_take(struct complete *c, const char *const *words, size_t n)
{
	const char *equals = strchr(words[0], '=');
	size_t length = equals ? (size_t)(equals - words[0]) : strlen(words[0]);
	const struct option *option = option_find(c, words[0], length);

	if (!option || !option->argument || (!equals && *option->argument == '['))
		return 1;
	if (!equals && n == 1)
		c->option = option; /* its argument is what is missing */
	else
		value_take(c, option, equals ? equals + 1 : words[1]);
	return equals ? 1 : 2;
}

static void words_take(struct complete *c, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n;) {
		if (c->only_args || words[i][0] != '-' || !words[i][1]) {
			if (c->command)
				vec_push(&c->args, words[i]);
			else
				c->command = command_find(words[i]);
			c->unknown = !c->command;
			if (c->unknown)
				return;
			i++;
		} else if (!strcmp(words[i], "--")) {
			c->only_args = true;
			i++;
		} else {
			i += option_take(c, words + i, n - i);
		}
	}
}

/* "--output=js": the value is what is unfinished. */
static void word_split(struct complete *c)
{
	const char *equals = strchr(c->word, '=');

	if (c->option || c->only_args || strncmp(c->word, "--", 2) != 0 || !equals)
		return;
	c->option = option_find(c, c->word, (size_t)(equals - c->word));
	if (!c->option || !c->option->argument) {
		c->option = NULL;
		return;
	}
	c->before = c->word;
	c->before_length = (size_t)(equals - c->word) + 1;
	c->word = equals + 1;
}

void complete_words(FILE *out, const char *const *words, size_t n)
{
	struct complete c = { .out = out,
			      .root = getenv("LBCTL_ROOT"),
			      .ns = "default",
			      .kind = K8S_KINDS,
			      .before = "",
			      .word = n ? words[n - 1] : "" };

	words_take(&c, words, n ? n - 1 : 0);
	word_split(&c);
	if (c.option) {
		offer_values(&c);
	} else if (*c.word == '-' && !c.only_args) {
		offer_options(&c, c.command ? c.command->options : NULL);
		offer_options(&c, cli_global_options);
	} else if (c.command) {
		offer_args(&c);
	} else if (!c.unknown) {
		offer_commands(&c);
	}
	if (c.files)
		fputs(COMPLETE_FILES "\n", out);
	vec_free(&c.args);
}
