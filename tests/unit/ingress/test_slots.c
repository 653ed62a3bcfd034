/* SPDX-License-Identifier: Apache-2.0 */
/* Pods in the places of HAProxy's configuration: who stays, who goes, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/ingress/cluster.h"
#include "user/ingress/slots.h"

#define INGRESS                                                        \
	"apiVersion: networking.k8s.io/v1\nkind: Ingress\n"            \
	"metadata: {name: i}\n"                                        \
	"spec:\n"                                                      \
	"  defaultBackend: {service: {name: h, port: {number: 80}}}\n" \
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: h}\n"    \
	"spec: {clusterIP: None, ports: [{port: 80}]}\n"
#define SLICE(endpoints)                                                            \
	"---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n"    \
	"  name: h\n  labels: {kubernetes.io/service-name: h}\naddressType: IPv4\n" \
	"ports: [{port: 8080, protocol: TCP}]\nendpoints: [" endpoints "]\n"
#define POD(n) "{addresses: [10.1.1." #n "]}"
#define SET(slot) "@!7 set server default:i:h:default/s" #slot " "

static void pools_of(const char *endpoints, const struct ingress_pools *before,
		     struct ingress_pools *ret_pools)
{
	struct store *store = cluster_new(endpoints);
	struct ingress_rules rules;

	rules_make(store, NULL, &rules);
	pools_make(&rules, before, ret_pools);
	rules_done(&rules);
	store_free(store);
}

/* From the endpoints before to those after, by the commands of one line. */
static const struct step_case {
	const char *name, *before, *after, *line;
} steps[] = {
	{ "nothing changes", SLICE(POD(1)), SLICE(POD(1)), NULL },
	{ "the order says nothing", SLICE(POD(1) "," POD(2)), SLICE(POD(2) "," POD(1)), NULL },
	{ "one comes", SLICE(POD(1)), SLICE(POD(1) "," POD(2)),
	  SET(2) "addr 10.1.1.2 port 8080;" SET(2) "weight 1;" SET(2) "state ready" },
	{ "one goes, the other stays where it is", SLICE(POD(1) "," POD(2)), SLICE(POD(2)),
	  SET(1) "state maint" },
	{ "one goes and another comes", SLICE(POD(1) "," POD(2)), SLICE(POD(3) "," POD(2)),
	  SET(1) "addr 10.1.1.3 port 8080" },
	{ "all go", SLICE(POD(1) "," POD(2)), SLICE(""),
	  SET(1) "state maint;" SET(2) "state maint" },
	{ "one that is not ready goes", SLICE(POD(1)),
	  SLICE("{addresses: [10.1.1.1], conditions: {ready: false}}"), SET(1) "state maint" },
	{ "a weight", SLICE(POD(1)),
	  "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
	  "metadata:\n  name: h\n  labels: {kubernetes.io/service-name: h}\n"
	  "  annotations: {lbctl.io/weight: '3'}\naddressType: IPv4\n"
	  "ports: [{port: 8080, protocol: TCP}]\nendpoints: [" POD(1) "]\n",
	  SET(1) "weight 3" },
};

static void test_step(void **state)
{
	const struct step_case *test = *state;
	cleanup_free char *before = xasprintf(INGRESS "%s", test->before);
	cleanup_free char *after = xasprintf(INGRESS "%s", test->after);
	cleanup_free char *again = NULL, *line = NULL;
	struct ingress_pools none = { 0 }, has, wanted, next = { 0 }, last = { 0 };

	pools_of(before, &none, &has);
	pools_of(after, &has, &wanted);
	line = pools_step(&has, &wanted, 7, &next);
	if (test->line) {
		assert_string_equal(line, test->line);
		again = pools_step(&next, &wanted, 7, &last);
	} else {
		assert_null(line);
	}
	assert_null(again);
	pools_free(&has);
	pools_free(&wanted);
	pools_free(&next);
}

/* endpoints 1 to n */
static void pools_of_many(unsigned int n, const struct ingress_pools *before,
			  struct ingress_pools *ret_pools)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(INGRESS "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n"
		      "  name: h\n  labels: {kubernetes.io/service-name: h}\naddressType: IPv4\n"
		      "ports: [{port: 8080, protocol: TCP}]\nendpoints:\n",
	      out);
	for (unsigned int i = 1; i <= n; i++)
		fprintf(out, "- {addresses: [10.2.%u.%u]}\n", i / 256, i % 256);
	fclose(out);
	pools_of(text, before, ret_pools);
	free(text);
}

/* Places become more when all are taken, and never fewer. */
static void test_places(void **state)
{
	static const struct {
		unsigned int endpoints, places;
	} cases[] = { { 1, 8 }, { 8, 8 }, { 9, 16 }, { 40, 64 }, { 2, 64 }, { 64, 64 } };
	struct ingress_pools pools = { 0 }, next;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		pools_of_many(cases[i].endpoints, &pools, &next);
		assert_int_equal(next.items[0].n, cases[i].places);
		pools_free(&pools);
		pools = next;
	}
	pools_free(&pools);
}

/* More than a line holds takes several, and comes to an end. */
static void test_lines(void **state)
{
	struct ingress_pools none = { 0 }, has, empty, wanted, next;
	unsigned int lines = 0;
	char *line;

	(void)state;
	pools_of_many(900, &none, &wanted);
	pools_copy(&wanted, true, &empty);
	has = empty;
	while ((line = pools_step(&has, &wanted, 7, &next))) {
		assert_true(strlen(line) < 16000);
		assert_null(strchr(line, '\n'));
		free(line);
		pools_free(&has);
		has = next;
		lines++;
	}
	assert_true(lines > 1 && lines < 100);
	assert_memory_equal(has.items[0].items, wanted.items[0].items,
			    900 * sizeof(*has.items[0].items));
	pools_free(&has);
	pools_free(&wanted);
}

static void test_taken(void **state)
{
	static const struct {
		const char *name, *answer;
		bool taken;
	} cases[] = {
		{ "nothing", "\n\n", true },
		{ "an address",
		  "IP changed from '0.0.0.0' to '10.1.1.2', port changed from '+0' to '8080' by "
		  "'stats socket command'\n\n\n",
		  true },
		{ "the same address",
		  "no need to change the addr, port changed from '80' to '81'\n", true },
		{ "no such server", "\nNo such server.\n\n", false },
		{ "a worker that is gone", "Can't find the target CLI!\n", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(pools_taken(cases[i].answer), cases[i].taken);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(steps) + 3];
	size_t n = 0;

	for (; n < ARRAY_LEN(steps); n++)
		tests[n] = (struct CMUnitTest){ steps[n].name, test_step, NULL, NULL,
						(void *)&steps[n] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_places);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_lines);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_taken);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
