/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares runs of the packet benchmark, and says what got worse: programs that grew, and ratios
 * whose quartiles lie apart. Absolute times are shown and never judged.
 *
 *	bench_compare [--sizes] BASE.json... -- RUN.json...
 *
 * --sizes judges programs alone. Of several files, written turn by turn, medians count.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 16
#define FOUND_SOMETHING 3

/* How much larger a program may get, and how much more the verifier may look at. */
#define GROWTH_SIZE 1.25
#define GROWTH_VERIFIED 2.00
#define GROWTH_RATIO 1.15

struct runs {
	json_t *files[FILES_MAX];
	size_t n;
};

static bool load(struct runs *runs, const char *name)
{
	json_error_t error;
	json_t *json = json_load_file(name, 0, &error);

	if (!json || runs->n == FILES_MAX) {
		fprintf(stderr, "bench_compare: %s:%d: %s\n", name, error.line,
			json ? "too many files" : error.text);
		return false;
	}
	runs->files[runs->n++] = json;
	return true;
}

static const char *string_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

/* The element of a file's list that has the same strings under all the keys. */
static json_t *find(json_t *file, const char *list, json_t *like, const char *const *keys)
{
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(file, list), i, one) {
		size_t k = 0;

		while (keys[k] && !strcmp(string_of(one, keys[k]), string_of(like, keys[k])))
			k++;
		if (!keys[k])
			return one;
	}
	return NULL;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median over the files of a case's figure; below 0: none has it. */
static double figure(const struct runs *runs, json_t *like, const char *what, const char *which)
{
	static const char *const keys[] = { "case", "stage", "flows", NULL };
	double values[FILES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < runs->n; i++) {
		json_t *one = find(runs->files[i], "cases", like, keys);
		json_t *value = json_object_get(json_object_get(one, what), which);

		if (value)
			values[n++] = json_number_value(value);
	}
	qsort(values, n, sizeof(*values), compare_double);
	return n ? values[n / 2] : -1;
}

static bool case_compare(const struct runs *base, const struct runs *run, json_t *one, bool judge)
{
	double was = figure(base, one, "net", "median"), is = figure(run, one, "net", "median");
	double ratio_was = figure(base, one, "ratio", "median");
	double ratio_is = figure(run, one, "ratio", "median");
	bool worse;

	if (was < 0 || is < 0 || ratio_was < 0 || ratio_is < 0)
		return false;
	worse = judge && ratio_is > ratio_was * GROWTH_RATIO &&
		figure(run, one, "ratio", "low") > figure(base, one, "ratio", "high");
	printf("  %-38s %-10s %5s %8.1f %8.1f %8.2f %8.2f %+7.0f%% %s\n", string_of(one, "case"),
	       string_of(one, "stage"), string_of(one, "flows"), was, is, ratio_was, ratio_is,
	       (ratio_is / ratio_was - 1) * 100, worse ? "SLOWER" : "");
	return worse;
}

static bool program_compare(json_t *was, json_t *is)
{
	static const struct {
		const char *key;
		double growth;
	} sizes[] = { { "translated", GROWTH_SIZE }, { "verified", GROWTH_VERIFIED } };
	bool worse = false;

	printf("  %-38s", string_of(is, "program"));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		double before = json_number_value(json_object_get(was, sizes[i].key));
		double after = json_number_value(json_object_get(is, sizes[i].key));

		printf(" %10.0f %10.0f", before, after);
		worse |= after > before * sizes[i].growth;
	}
	puts(worse ? "  GREW" : "");
	return worse;
}

static unsigned int programs_compare(const struct runs *base, const struct runs *run)
{
	static const char *const keys[] = { "program", NULL };
	unsigned int worse = 0;
	json_t *one, *was;
	size_t i;

	printf("\n%-40s %10s %10s %10s %10s\n", "PROGRAMS", "BASE INSNS", "INSNS", "BASE VERIF",
	       "VERIFIED");
	json_array_foreach (json_object_get(run->files[0], "programs"), i, one) {
		was = find(base->files[0], "programs", one, keys);
		if (was)
			worse += program_compare(was, one);
	}
	return worse;
}

int main(int argc, char **argv)
{
	struct runs base = { .n = 0 }, run = { .n = 0 }, *to = &base;
	bool sizes = false;
	unsigned int worse = 0;
	json_t *one;
	size_t i;

	for (int a = 1; a < argc; a++) {
		if (!strcmp(argv[a], "--sizes"))
			sizes = true;
		else if (!strcmp(argv[a], "--"))
			to = &run;
		else if (!load(to, argv[a]))
			return 1;
	}
	if (!base.n || !run.n) {
		fprintf(stderr, "usage: bench_compare [--sizes] BASE.json... -- RUN.json...\n");
		return 2;
	}
	printf("%-40s %-10s %5s %8s %8s %8s %8s %8s\n", "CASE", "STAGE", "FLOWS", "BASE NS", "NS",
	       "BASE /", "RATIO", "CHANGE");
	json_array_foreach (json_object_get(run.files[0], "cases"), i, one)
		worse += case_compare(&base, &run, one, !sizes);
	worse += programs_compare(&base, &run);
	printf("\n%u got worse\n", worse);
	for (i = 0; i < base.n; i++)
		json_decref(base.files[i]);
	for (i = 0; i < run.n; i++)
		json_decref(run.files[i]);
	return worse ? FOUND_SOMETHING : 0;
}
