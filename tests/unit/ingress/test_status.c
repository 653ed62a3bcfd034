/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent tells of Ingresses: events, addresses, and which of these it added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/ingress/cluster.h"
#include "user/ingress/status.h"
#include "user/util/tree.h"

#define WRONG                                               \
	"apiVersion: networking.k8s.io/v1\nkind: Ingress\n" \
	"metadata: {name: i, namespace: web}\n"             \
	"spec: {defaultBackend: {service: {name: gone, port: {number: 80}}}}\n"
#define CLASS                                                                 \
	"---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\n"         \
	"metadata: {name: c, annotations: {lbctl.io/proxy-protocol-from: x, " \
	"ingressclass.kubernetes.io/is-default-class: 'true'}}\n"             \
	"spec: {controller: lbctl.io/ingress}\n"

/* "KIND NAMESPACE/NAME REASON MESSAGE", a line each. */
static char *events_text(const json_t *status)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);
	json_t *event;

	json_array_foreach (json_object_get(status, "events"), i, event)
		fprintf(out, "%s %s/%s %s %s\n", tree_text(event, "involvedObject.kind"),
			tree_text(event, "metadata.namespace"),
			tree_text(event, "involvedObject.name"), tree_text(event, "reason"),
			tree_text(event, "message"));
	fclose(out);
	return text;
}

static json_t *status_of(const char *objects, const struct ingress_state *state,
			 const json_t *before, time_t now)
{
	struct store *store = cluster_new(objects);
	struct ingress_rules rules;
	json_t *status;

	rules_make(store, NULL, &rules);
	status = ingress_status_make(&rules, state, before, now);
	rules_done(&rules);
	store_free(store);
	return status;
}

static void test_events(void **state)
{
	static const struct {
		const char *name, *objects, *error, *events;
	} cases[] = {
		{ "a problem", WRONG, NULL,
		  "Ingress web/i Rejected service web/gone is not there\n" },
		{ "of a class, which has no namespace", WRONG CLASS, NULL,
		  "IngressClass default/c Rejected annotation lbctl.io/proxy-protocol-from: must "
		  "be "
		  "addresses and networks, with commas between; nobody is believed\n"
		  "Ingress web/i Rejected service web/gone is not there\n" },
		{ "HAProxy does not run", WRONG, "not installed",
		  "Ingress web/i Rejected service web/gone is not there\n"
		  "Ingress web/i Unserved not installed\n" },
	};
	struct addr_list none = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ingress_state now = { &none, &none, cases[i].error };
		cleanup_json json_t *status = status_of(cases[i].objects, &now, NULL, 1764400000);
		cleanup_free char *text = events_text(status);

		print_message("%s\n", cases[i].name);
		assert_string_equal(text, cases[i].events);
	}
}

/* One that lasts is the same event, as old as it is. */
static void test_lasting(void **state)
{
	struct addr_list none = { 0 };
	struct ingress_state now = { &none, &none, NULL };
	cleanup_json json_t *first = status_of(WRONG, &now, NULL, 1764400000);
	cleanup_json json_t *second = status_of(WRONG, &now, first, 1764500000);

	(void)state;
	assert_true(json_equal(first, second));
}

static void test_added(void **state)
{
	struct addr_list addresses = { 0 }, added = { 0 }, again;
	struct ingress_state now = { &addresses, &added, NULL };
	cleanup_json json_t *status = NULL, *broken = NULL;

	(void)state;
	addr_parse("192.0.2.1", vec_add(&addresses));
	addr_parse("2001:db8::80", vec_add(&addresses));
	addr_parse("2001:db8::80", vec_add(&added));
	status = status_of(WRONG, &now, NULL, 1764400000);
	ingress_status_added(status, &again);
	assert_int_equal(again.n, 1);
	assert_int_equal(addr_compare(&again.items[0], &added.items[0]), 0);
	vec_free(&again);
	broken = json_pack("{s:[i, s, s]}", "added", 1, "nothing", "192.0.2.7");
	ingress_status_added(broken, &again);
	assert_int_equal(again.n, 1);
	vec_free(&again);
	ingress_status_added(NULL, &again);
	assert_int_equal(again.n, 0);
	vec_free(&addresses);
	vec_free(&added);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_lasting),
		cmocka_unit_test(test_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
