/* SPDX-License-Identifier: Apache-2.0 */
/* What the status says, and that the log tells changes once. */
#include "tests/unit/agent/temp.h"

#include "user/agent/status.h"

/* Sends standard error to a file until log_stop, which returns what came. */
static int stderr_was;

static void log_start(void)
{
	cleanup_fclose FILE *file = tmpfile();

	assert_non_null(file);
	stderr_was = dup(STDERR_FILENO);
	dup2(fileno(file), STDERR_FILENO);
}

static void log_stop(char *text, size_t size)
{
	ssize_t n = pread(STDERR_FILENO, text, size - 1, 0);

	dup2(stderr_was, STDERR_FILENO);
	close(stderr_was);
	assert_true(n >= 0);
	text[n] = '\0';
}

struct step {
	const char *error; /* the sync failed so */
	const char *warnings[3];
	bool attached;
	size_t operations;
};

struct log_case {
	const char *name;
	struct step steps[4];
	size_t n;
	const char *log;
};

#define ATTACHED "the datapath is attached\n"

static const struct log_case cases[] = {
	{ "nothing to do",
	  { { .attached = true }, { .attached = true }, { .attached = true } },
	  3,
	  ATTACHED },
	{ "attached later",
	  { { .attached = false }, { .attached = false }, { .attached = true } },
	  3,
	  "no datapath: lbctl attach DEVICE loads it\n" ATTACHED },
	{ "changes",
	  { { .attached = true, .operations = 3 }, { .attached = true } },
	  2,
	  ATTACHED "maps changed in 3 places; services: 2, backends: 5\n" },
	{ "a failure is told once, and its end",
	  { { .error = "full" }, { .error = "full" }, { .attached = true } },
	  3,
	  "error: sync failed: full\nsync works again\n" ATTACHED },
	{ "another failure is news",
	  { { .error = "full" }, { .error = "gone" }, { .error = "full" } },
	  3,
	  "error: sync failed: full\nerror: sync failed: gone\nerror: sync failed: full\n" },
	{ "a warning is told when it appears",
	  { { .attached = true, .warnings = { "b", "a" } },
	    { .attached = true, .warnings = { "a", "b", "c" } },
	    { .attached = true },
	    { .attached = true, .warnings = { "a" } } },
	  4,
	  ATTACHED "warning: a\nwarning: b\nwarning: c\nwarning: a\n" },
};

static void step_take(struct status *status, const struct step *step)
{
	struct reconcile reconcile = { .services = 2, .backends = 5 };
	struct sync_result result = {
		.attached = step->attached,
		.operations = step->operations,
		.warnings = (char **)step->warnings,
	};
	struct err err = { "" };

	while (result.n_warnings < ARRAY_LEN(step->warnings) && step->warnings[result.n_warnings])
		result.n_warnings++;
	if (step->error)
		strcpy(err.text, step->error);
	status_sync(status, &reconcile, step->error ? NULL : &result, &err);
}

static void test_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct status status;
		char text[1024];

		status_init(&status);
		log_start();
		for (size_t j = 0; j < cases[i].n; j++)
			step_take(&status, &cases[i].steps[j]);
		log_stop(text, sizeof(text));
		status_done(&status);
		if (strcmp(text, cases[i].log) != 0)
			fail_msg("%s: %s", cases[i].name, text);
	}
}

static void test_json(void **state)
{
	static const struct step ok = { .attached = true, .operations = 4, .warnings = { "w" } };
	static const struct step failed = { .error = "full" };
	cleanup_json json_t *json = NULL;
	struct status status;
	char text[1024];

	(void)state;
	status_init(&status);
	log_start();
	json = status_json(&status, json_null());
	assert_true(json_is_null(json_object_get(json, "lastSync")));
	json_decref(TAKE_PTR(json));
	step_take(&status, &ok);
	step_take(&status, &failed);
	json = status_json(&status, json_null());
	log_stop(text, sizeof(text));
	status_done(&status);
	assert_true(json_is_true(json_object_get(json, "ok")));
	assert_true(json_is_true(json_object_get(json, "attached")));
	assert_int_equal(json_integer_value(json_object_get(json, "pid")), getpid());
	assert_int_equal(json_integer_value(json_object_get(json, "services")), 2);
	assert_int_equal(json_integer_value(json_object_get(json, "backends")), 5);
	assert_int_equal(json_integer_value(json_object_get(json, "syncs")), 2);
	assert_int_equal(json_integer_value(json_object_get(json, "operations")), 4);
	assert_string_equal(json_string_value(json_object_get(json, "error")), "full");
	assert_int_equal(strlen(json_string_value(json_object_get(json, "lastSync"))), 20);
	assert_int_equal(json_array_size(json_object_get(json, "warnings")), 1);
	assert_int_equal(json_array_size(json_object_get(json, "silentBackends")), 0);
}

static void test_neighbours(void **state)
{
	static const struct step ok = { .attached = true };
	cleanup_json json_t *json = NULL;
	struct lb_addr one, two;
	struct status status;
	char text[1024];

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1", &one), 0);
	assert_int_equal(addr_parse("2001:db8::2", &two), 0);
	status_init(&status);
	log_start();
	status_neighbour(&status, &one, true);
	status_neighbour(&status, &one, false);
	status_neighbour(&status, &two, false);
	status_neighbour(&status, &one, false);
	status_neighbour(&status, &one, true);
	json = status_json(&status, json_null());
	/* Neither is a backend: nothing is left to tell. */
	step_take(&status, &ok);
	log_stop(text, sizeof(text));
	assert_int_equal(status.silent.n, 0);
	status_done(&status);
	assert_int_equal(json_array_size(json_object_get(json, "silentBackends")), 1);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(json, "silentBackends"), 0)),
		"2001:db8::2");
	assert_string_equal(
		text,
		"warning: backend 192.0.2.1 does not answer: no neighbour has this address\n"
		"warning: backend 2001:db8::2 does not answer: no neighbour has this address\n"
		"backend 192.0.2.1 answers again\n" ATTACHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
