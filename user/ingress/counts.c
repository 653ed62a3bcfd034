/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/counts.h"

#include <errno.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/num.h"
#include "user/util/vec.h"

static int count_compare(const void *a, const void *b)
{
	const struct ingress_count *x = a, *y = b;
	int order = strcmp(x->ns, y->ns);

	if (!order)
		order = strcmp(x->ingress, y->ingress);
	return order ? order : strcmp(x->service, y->service);
}

static void counts_sort(struct ingress_counts *counts)
{
	if (counts->n)
		qsort(counts->items, counts->n, sizeof(*counts->items), count_compare);
}

/* Of the first n, which are sorted; what is added goes behind them. */
static struct ingress_count *count_of(struct ingress_counts *counts, size_t n, const char *ns,
				      const char *ingress, const char *service)
{
	struct ingress_count key = { .ns = (char *)ns,
				     .ingress = (char *)ingress,
				     .service = (char *)service };
	struct ingress_count *count = NULL;

	if (n)
		count = bsearch(&key, counts->items, n, sizeof(key), count_compare);
	for (size_t i = n; i < counts->n && !count; i++)
		if (!count_compare(&counts->items[i], &key))
			count = &counts->items[i];
	if (count)
		return count;
	count = vec_add(counts);
	count->ns = xstrdup(ns);
	count->ingress = xstrdup(ingress);
	count->service = xstrdup(service);
	return count;
}

static void count_free(struct ingress_count *count)
{
	free(count->ns);
	free(count->ingress);
	free(count->service);
}

void counts_free(struct ingress_counts *counts)
{
	for (size_t i = 0; i < counts->n; i++)
		count_free(&counts->items[i]);
	vec_free(counts);
}

void counts_copy(const struct ingress_counts *counts, struct ingress_counts *ret_counts)
{
	struct ingress_counts copy = { 0 };

	for (size_t i = 0; i < counts->n; i++) {
		struct ingress_count item = counts->items[i];

		item.ns = xstrdup(item.ns);
		item.ingress = xstrdup(item.ingress);
		item.service = xstrdup(item.service);
		vec_push(&copy, item);
	}
	*ret_counts = copy;
}

/* ------------------------------------------------------------- from HAProxy -- */

enum column {
	COLUMN_BACKEND,
	COLUMN_SESSIONS,
	COLUMN_CODES,
	COLUMNS = COLUMN_CODES + INGRESS_CODES
};

static const char *const columns[COLUMNS] = {
	"# pxname", "scur",	"hrsp_1xx", "hrsp_2xx",
	"hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other",
};

static size_t column_find(const char *word)
{
	size_t i = 0;

	while (i < COLUMNS && strcmp(columns[i], word) != 0)
		i++;
	return i;
}

/* "NAMESPACE:INGRESS:SERVICE:NUMBER", or the backend of those without a rule. */
static struct ingress_count *count_named(struct ingress_counts *counts, size_t n, char *backend)
{
	char *words[4] = { "", "", "", "" };
	size_t i = 0;

	if (!strcmp(backend, RULES_NOBODY))
		return count_of(counts, n, "", "", "");
	for (char *next; i < ARRAY_LEN(words) && (next = strsep(&backend, ":")); i++)
		words[i] = next;
	return i == ARRAY_LEN(words) && !backend ? count_of(counts, n, words[0], words[1], words[2])
						 : NULL;
}

static void row_add(struct ingress_counts *counts, size_t n, char *const *cells)
{
	struct ingress_count *count =
		cells[COLUMN_BACKEND] ? count_named(counts, n, cells[COLUMN_BACKEND]) : NULL;
	uint64_t value;

	if (!count)
		return;
	if (cells[COLUMN_SESSIONS] && !num_parse(cells[COLUMN_SESSIONS], 0, UINT32_MAX, &value))
		count->sessions += value;
	for (size_t i = 0; i < INGRESS_CODES; i++) {
		const char *cell = cells[COLUMN_CODES + i];

		if (cell && !num_parse(cell, 0, UINT64_MAX / 2, &value))
			count->codes[i] += value;
	}
}

void counts_add(struct ingress_counts *counts, const char *stats)
{
	cleanup_free char *copy = xstrdup(stats);
	VEC(size_t) which = { 0 }; /* of the columns, in their order */
	size_t n = counts->n;
	char *rest = copy, *line, *cell;

	for (size_t i = 0; i < n; i++)
		counts->items[i].sessions = 0;
	while ((line = strsep(&rest, "\n"))) {
		char *cells[COLUMNS + 1] = { 0 };
		bool head = *line == '#';

		if (head)
			vec_free(&which);
		for (size_t i = 0; (cell = strsep(&line, ",")); i++) {
			if (head)
				vec_push(&which, column_find(cell));
			else if (i < which.n)
				cells[which.items[i]] = cell;
		}
		if (!head)
			row_add(counts, n, cells);
	}
	vec_free(&which);
	counts_sort(counts);
}

/* --------------------------------------------------------------- from rules -- */

void counts_rule(struct ingress_counts *counts, const struct ingress_rules *rules)
{
	size_t n = counts->n, kept = 0;

	for (size_t i = 0; i < n; i++)
		counts->items[i].ruled = false;
	for (size_t i = 0; i < rules->routes.n; i++) {
		const struct ingress_route *route = &rules->routes.items[i];
		const char *service = route->backend->service;
		struct ingress_count *count =
			count_of(counts, n, route->ingress->ns, route->ingress->name,
				 service ? service : "");

		count->endpoints = route->ready;
		count->ruled = true;
	}
	for (size_t i = 0; i < counts->n; i++) {
		if (counts->items[i].ruled || !*counts->items[i].ns)
			counts->items[kept++] = counts->items[i];
		else
			count_free(&counts->items[i]);
	}
	counts->n = kept;
	counts_sort(counts);
}

static struct ingress_fact *fact_of(struct ingress_facts *facts, const struct object *object,
				    const char *reason)
{
	struct ingress_fact *fact;

	for (size_t i = 0; i < facts->n; i++) {
		fact = &facts->items[i];
		if (fact->reason == reason && !strcmp(fact->ns, object->ns) &&
		    !strcmp(fact->name, object->name))
			return fact;
	}
	fact = vec_add(facts);
	*fact = (struct ingress_fact){ xstrdup(object->ns), xstrdup(object->name), reason, 0 };
	return fact;
}

void facts_problems(const struct ingress_rules *rules, struct ingress_facts *ret_facts)
{
	struct ingress_facts facts = { 0 };

	for (size_t i = 0; i < rules->problems.n; i++) {
		const struct ingress_problem *problem = &rules->problems.items[i];

		fact_of(&facts, problem->object, rules_reason_word(problem->reason))->value++;
	}
	*ret_facts = facts;
}

void facts_certificates(const struct ingress_rules *rules, struct ingress_facts *ret_facts)
{
	struct ingress_facts facts = { 0 };

	for (size_t i = 0; i < rules->certificates.n; i++) {
		const struct ingress_certificate *certificate = &rules->certificates.items[i];

		fact_of(&facts, certificate->secret, NULL)->value = (uint64_t)certificate->end;
	}
	*ret_facts = facts;
}

void facts_free(struct ingress_facts *facts)
{
	for (size_t i = 0; i < facts->n; i++) {
		free(facts->items[i].ns);
		free(facts->items[i].name);
	}
	vec_free(facts);
}
