/* SPDX-License-Identifier: Apache-2.0 */
/* What HAProxy counts, by Ingress and Service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/ingress/cluster.h"
#include "user/ingress/counts.h"

#define HEAD "# pxname,svname,scur,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,\n"

/* "ns/ingress/service sessions/endpoints 1xx 2xx 3xx 4xx 5xx other", a line each. */
static char *counts_text(const struct ingress_counts *counts)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < counts->n; i++) {
		const struct ingress_count *count = &counts->items[i];

		fprintf(out, "%s/%s/%s %d/%d", count->ns, count->ingress, count->service,
			(int)count->sessions, (int)count->endpoints);
		for (size_t k = 0; k < INGRESS_CODES; k++)
			fprintf(out, " %d", (int)count->codes[k]);
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

static void test_add(void **state)
{
	static const struct {
		const char *name, *stats, *want;
	} cases[] = {
		{ "nothing", "", "" },
		{ "one", HEAD "d:i:s:0,BACKEND,2,0,5,1,0,0,0,\n", "d/i/s 2/0 0 5 1 0 0 0\n" },
		{ "two rules of one Service",
		  HEAD "d:i:s:0,BACKEND,2,0,5,1,0,0,0,\nd:i:s:default,BACKEND,1,0,1,0,0,0,9,\n",
		  "d/i/s 3/0 0 6 1 0 0 9\n" },
		{ "sorted", HEAD "e:i:s:0,BACKEND,0,0,1,0,0,0,0,\nd:j:s:0,BACKEND,0,0,2,0,0,0,0,\n",
		  "d/j/s 0/0 0 2 0 0 0 0\ne/i/s 0/0 0 1 0 0 0 0\n" },
		{ "nobody's", HEAD "nobody,BACKEND,0,0,0,0,7,0,0,\n", "// 0/0 0 0 0 7 0 0\n" },
		{ "others are none of ours",
		  HEAD "ingress,FRONTEND,1,0,1,0,0,0,0,\nMASTER,BACKEND,0,0,1,,,,\n", "" },
		{ "columns in another order", "# pxname,hrsp_2xx,new,scur,\nd:i:s:0,4,x,2,\n",
		  "d/i/s 2/0 0 4 0 0 0 0\n" },
		{ "cells that are no numbers, or missing", HEAD "d:i:s:0,BACKEND,x,,5\n",
		  "d/i/s 0/0 0 5 0 0 0 0\n" },
		{ "more cells than columns", "# pxname,hrsp_2xx\nd:i:s:0,4,5,6,7\n",
		  "d/i/s 0/0 0 4 0 0 0 0\n" },
		{ "names with too much in them", HEAD "a:b:c:d:e,BACKEND,0,0,1,0,0,0,0,\n", "" },
		{ "no head", "d:i:s:0,BACKEND,2,0,5,1,0,0,0,\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ingress_counts counts = { 0 };
		cleanup_free char *text = NULL;

		print_message("%s\n", cases[i].name);
		counts_add(&counts, cases[i].stats);
		text = counts_text(&counts);
		assert_string_equal(text, cases[i].want);
		counts_free(&counts);
	}
}

/* A worker after the other: requests add up, sessions are those of the last. */
static void test_workers(void **state)
{
	struct ingress_counts counts = { 0 }, copy;
	cleanup_free char *text = NULL;

	(void)state;
	counts_add(&counts, HEAD "d:i:s:0,BACKEND,2,0,5,1,0,0,0,\n");
	counts_copy(&counts, &copy);
	counts_add(&copy, HEAD "d:i:s:0,BACKEND,3,0,1,0,0,0,0,\nd:i:t:1,BACKEND,1,0,1,0,0,0,0,\n");
	text = counts_text(&copy);
	assert_string_equal(text, "d/i/s 3/0 0 6 1 0 0 0\nd/i/t 1/0 0 1 0 0 0 0\n");
	counts_free(&counts);
	counts_free(&copy);
}

/* What has no rule any more is forgotten; what has one is there before its first request. */
static void test_rule(void **state)
{
	struct store *store =
		cluster_new("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\n"
			    "spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}\n"
			    "---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\n"
			    "subsets: [{addresses: [{ip: 10.1.1.1}, {ip: 10.1.1.2}], "
			    "ports: [{port: 8080, name: http}]}]\n");
	struct ingress_counts counts = { 0 };
	cleanup_free char *text = NULL;
	struct ingress_rules rules;

	(void)state;
	counts_add(&counts, HEAD "default:gone:s:0,BACKEND,2,0,5,1,0,0,0,\n"
				 "nobody,BACKEND,0,0,0,0,1,0,0,\n");
	rules_make(store, NULL, &rules);
	counts_rule(&counts, &rules);
	text = counts_text(&counts);
	assert_string_equal(text, "// 0/0 0 0 0 1 0 0\ndefault/i/a 0/2 0 0 0 0 0 0\n");
	rules_done(&rules);
	counts_free(&counts);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
