/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmd/fixture.h"
#include "user/cmd/selector.h"

/* The object has app=kubia, tier=web, in=x, example.com/empty="". */
#define POD                                                                            \
	"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  labels:\n    app: kubia\n" \
	"    tier: web\n    in: x\n    example.com/empty: \"\"\n"                      \
	"spec:\n  containers:\n  - name: c\n    image: i\n"

static const struct row {
	const char *text;
	bool want;
} rows[] = {
	{ NULL, true },
	{ "", true },
	{ "  ", true },
	{ "app=kubia", true },
	{ "app==kubia", true },
	{ "app = kubia", true },
	{ "app=other", false },
	{ "none=kubia", false },
	{ "app!=other", true },
	{ "app != kubia", false },
	{ "none!=x", true },
	{ "app", true },
	{ "none", false },
	{ "!app", false },
	{ "! none", true },
	{ "app in (kubia,x)", true },
	{ "app in ( x , kubia )", true },
	{ "app in (x,y)", false },
	{ "none in (x)", false },
	{ "app notin (x,y)", true },
	{ "app notin (kubia)", false },
	{ "none notin (x)", true },
	{ "in in (x)", true },
	{ "in=x", true },
	{ "app=kubia,tier=web", true },
	{ "app=kubia,tier=db", false },
	{ "app in (a,kubia),tier notin (db),in,!none", true },
	{ "example.com/empty=", true },
	{ "example.com/empty", true },
	{ "app=", false },
	{ "app in ()", false },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	struct store *store = store_of(POD);
	struct selector selector;
	struct err err;

	assert_int_equal(selector_parse(row->text, &selector, &err), 0);
	assert_int_equal(selector_matches(&selector, store_find(store, K8S_POD, "default", "p")),
			 row->want);
	selector_done(&selector);
	store_free(store);
}

static const struct bad_row {
	const char *text, *error;
} bad_rows[] = {
	{ ",", "selector \",\": expected a label's key at \",\"" },
	{ "app=kubia,", "selector \"app=kubia,\": expected a label's key at its end" },
	{ "!", "selector \"!\": expected a label's key at its end" },
	{ "=x", "selector \"=x\": expected a label's key at \"=x\"" },
	{ "app kubia", "selector \"app kubia\": expected \",\" or an operator at \"kubia\"" },
	{ "app in kubia", "selector \"app in kubia\": expected \"(\" at \"kubia\"" },
	{ "app in (a", "selector \"app in (a\": expected \",\" or \")\" at its end" },
	{ "a=b=c", "selector \"a=b=c\": expected \",\" or an operator at \"=c\"" },
};

static void check_bad_row(void **state)
{
	const struct bad_row *row = *state;
	struct selector selector;
	struct err err;

	assert_int_equal(selector_parse(row->text, &selector, &err), -EINVAL);
	assert_string_equal(err.text, row->error);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(bad_rows)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] =
			(struct CMUnitTest){ .name = rows[i].text ? rows[i].text : "none given",
					     .test_func = check_row,
					     .initial_state = (void *)&rows[i] };
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = bad_rows[i].text,
						  .test_func = check_bad_row,
						  .initial_state = (void *)&bad_rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
