/* SPDX-License-Identifier: Apache-2.0 */
/* What may follow, by the table of commands and a small state. */
#include "tests/unit/cmd/place.h"

#include "user/cmd/complete.h"

static struct place place;

static void file_make(const char *name)
{
	cleanup_free char *path = xasprintf("%s/state/%s", place.root, name);

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	fclose(fopen(path, "w"));
}

/* words apart by single blanks; the candidates likewise. */
static char *candidates(const char *line)
{
	cleanup_free char *copy = xstrdup(line), *text = NULL;
	VEC(const char *) words = { 0 };
	size_t size, length = 0;
	char *result, *at = copy;
	FILE *out = open_memstream(&text, &size);

	while (at)
		vec_push(&words, strsep(&at, " "));
	complete_words(out, words.items, words.n);
	fclose(out);
	vec_free(&words);
	result = xcalloc(1, size + 1);
	for (char *rest, *row = strtok_r(text, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest))
		length += (size_t)sprintf(result + length, "%s%.*s", length ? " " : "",
					  (int)strcspn(row, "\t"), row);
	return result;
}

static const struct {
	const char *line, *candidates;
} cases[] = {
	{ "descr", "describe" },
	{ "no-such", "" },
	{ "no-such ", "" },
	{ "help versi", "version" },
	{ "get serv", "services" },
	{ "get sv", "svc" },
	{ "get al", "all" },
	{ "get svc ", "kubia" },
	{ "get svc kubia ", "kubia" },
	{ "get svc x", "" },
	{ "-n web get svc ", "web-1" },
	{ "get svc --namespace=web ", "web-1" },
	{ "get -A svc ku", "kubia" },
	{ "get ep ", "kubia" },
	{ "get nodes ", "node1" },
	{ "describe ku", "" },
	{ "get svc/ku", "svc/kubia" },
	{ "describe pods/p1 po/", "po/p1" },
	{ "get nonsense/ku", "" },
	{ "delete pods ", "p1" },
	{ "delete po p1 ", "p1" },
	{ "get svc -o ", "wide json yaml name" },
	{ "get svc -o j", "json" },
	{ "get svc --output j", "json" },
	{ "get svc --output=j", "--output=json" },
	{ "get --no-h", "--no-headers" },
	{ "get --names", "--namespace" },
	{ "get -- --no-h", "" },
	{ "get -n d", "default" },
	{ "apply --dry-run=c", "--dry-run=client" },
	{ "apply -f ", ":files" },
	{ "apply --dry-run -f x --outp", "--output" },
	{ "apply ", "" },
	{ "expose --session-affinity ", "None ClientIP" },
	{ "attach lo --mode g", "generic" },
	{ "attach --cgroup n", "none :files" },
	{ "attach lo l", "lo" },
	{ "show magl", "maglev" },
	{ "show svc ", "kubia" },
	{ "show flows ", "" },
	{ "doctor s", "svc" },
	{ "doctor svc ", "kubia" },
	{ "create s", "secret" },
	{ "create secret ", "tls" },
	{ "completion ", "bash zsh fish candidates" },
	{ "--root /nowhere get svc ", "" },
	{ "-", "--namespace --all-namespaces --root --config --help" },
};

static void test_candidates(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *found = candidates(cases[i].line);

		if (strcmp(found, cases[i].candidates) != 0)
			fail_msg("lbctl %s: %s", cases[i].line, found);
	}
}

/* No grammar of the table leads anywhere bad, whatever is typed. */
static void test_all_commands(void **state)
{
	static const char *const lines[] = { "",   " ",	  "svc ", "svc kubia ", "- ", "-- ",
					     "--", "--x", "--x=", "-o",		"= " };

	(void)state;
	for (const struct command *const *c = commands; *c; c++) {
		for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
			cleanup_free char *line = xasprintf("%s %s", (*c)->name, lines[i]);
			cleanup_free char *found = candidates(line);

			assert_non_null(found);
		}
		for (const struct option *o = (*c)->options; o && o->name; o++) {
			cleanup_free char *line = xasprintf("%s --%s", (*c)->name, o->name);
			cleanup_free char *found = candidates(line);
			cleanup_free char *word = xasprintf("--%s", o->name);

			assert_non_null(strstr(found, word));
		}
	}
}

static int root_make(void **state)
{
	(void)state;
	place_make(&place, NULL, 0);
	file_make("services/default/kubia.yaml");
	file_make("services/default/.kubia.yaml.tmp");
	file_make("services/web/web-1.yaml");
	file_make("pods/default/p1.yaml");
	file_make("nodes/node1.yaml");
	return 0;
}

static int root_remove(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_candidates),
		cmocka_unit_test(test_all_commands),
	};

	return cmocka_run_group_tests(tests, root_make, root_remove);
}
