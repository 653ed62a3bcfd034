/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/temp.h"

#include <event2/event.h>

#include "user/agent/statewatch.h"

struct watched {
	struct event_base *base;
	struct statewatch *watch;
	unsigned int changes;
};

static void count(void *arg)
{
	struct watched *watched = arg;

	watched->changes++;
}

static void watched_open(struct watched *watched, const struct temp *temp)
{
	*watched = (struct watched){ .base = event_base_new() };
	assert_int_equal(statewatch_open(watched->base, temp->paths.state, count, watched,
					 &watched->watch, NULL),
			 0);
	assert_int_equal(statewatch_refresh(watched->watch, false, NULL), 0);
}

static void watched_close(struct watched *watched)
{
	statewatch_close(watched->watch);
	event_base_free(watched->base);
}

/* Everything that happened so far has been told; refreshes as the agent does. */
static bool watched_changed(struct watched *watched)
{
	unsigned int before = watched->changes;

	event_base_loop(watched->base, EVLOOP_NONBLOCK);
	assert_int_equal(statewatch_refresh(watched->watch, false, NULL), 0);
	return watched->changes != before;
}

/* A shell line, run in the root, and whether it changes the state. */
struct watch_case {
	const char *name;
	const char *before; /* the watch begins */
	const char *then;
	bool changes;
};

#define TREE "mkdir -p state/services/default state/nodes; echo a >state/services/default/a.yaml; "

static const struct watch_case cases[] = {
	{ "nothing", TREE, "true", false },
	{ "a new file", TREE, "echo b >state/services/default/b.yaml", true },
	{ "a changed file", TREE, "echo b >>state/services/default/a.yaml", true },
	{ "a removed file", TREE, "rm state/services/default/a.yaml", true },
	{ "a file renamed into place", TREE "echo b >tmp", "mv tmp state/services/default/a.yaml",
	  true },
	{ "a file renamed away", TREE, "mv state/services/default/a.yaml b", true },
	{ "JSON", TREE, "echo b >state/nodes/n.json", true },
	{ "an editor's hidden file", TREE, "echo b >state/services/default/.a.yaml.swp", false },
	{ "an editor's backup", TREE, "echo b >state/services/default/a.yaml~", false },
	{ "the writers' lock", TREE, "echo >state/.lock", false },
	{ "a file that is only read", TREE, "cat state/services/default/a.yaml >copy", false },
	{ "a new namespace", TREE, "mkdir state/services/prod", true },
	{ "a removed namespace", TREE "mkdir state/services/prod", "rmdir state/services/prod",
	  true },
	{ "a namespace moved away", TREE, "mv state/services/default old", true },
	{ "beside the state", TREE, "mkdir run; echo >run/agent.sock; echo >config.yaml", false },
	{ "the state appears", "true", "mkdir state", true },
	{ "the state goes", "mkdir state", "rmdir state", true },
	{ "the state is a link to a directory", "mkdir real; ln -s real state",
	  "echo a >real/a.yaml", true },
	{ "the link is replaced", "mkdir one two; ln -s one state",
	  "ln -s two new; mv -T new state", true },
};

static void shell(const struct temp *temp, const char *line)
{
	cleanup_free char *command = xasprintf("cd %s || exit 1\n%s", temp->root, line);

	assert_int_equal(system(command), 0);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct watch_case *c = &cases[i];
		struct watched watched;
		void *own = NULL;

		assert_int_equal(temp_setup(&own), 0);
		shell(own, c->before);
		watched_open(&watched, own);
		shell(own, c->then);
		if (watched_changed(&watched) != c->changes)
			fail_msg("%s: %s", c->name, c->changes ? "not noticed" : "changed nothing");
		watched_close(&watched);
		assert_int_equal(temp_teardown(&own), 0);
	}
}

/* Each step is only seen when the one before it was understood. */
static void test_follows_step_by_step(void **state)
{
	static const char *const steps[] = {
		"mkdir a",
		"mkdir a/b",
		"mkdir a/b/state",
		"mkdir a/b/state/services",
		"mkdir a/b/state/services/prod",
		"echo x >a/b/state/services/prod/x.yaml",
		"rm -r a/b/state",
		"mkdir other other/services; ln -s ../../other a/b/state",
		"echo x >other/services/x.yaml",
		"echo y >other/services/y.yaml",
	};
	struct temp *temp = *state;
	struct watched watched;

	free(temp->paths.state);
	temp->paths.state = xasprintf("%s/a/b/state", temp->root);
	watched_open(&watched, temp);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		shell(temp, steps[i]);
		if (!watched_changed(&watched))
			fail_msg("not noticed: %s", steps[i]);
		if (watched_changed(&watched))
			fail_msg("noticed twice: %s", steps[i]);
	}
	watched_close(&watched);
}

/* A directory and what is in it come before the watch can: refresh must find both. */
static void test_whole_tree_at_once(void **state)
{
	struct temp *temp = *state;
	struct watched watched;

	watched_open(&watched, temp);
	shell(temp, "mkdir -p state/services/a/b; echo x >state/services/a/b/x.yaml");
	assert_true(watched_changed(&watched));
	shell(temp, "echo y >state/services/a/b/x.yaml");
	assert_true(watched_changed(&watched));
	watched_close(&watched);
}

/* The periodic look: a link behind the link was turned elsewhere, which nobody tells. */
static void test_anew(void **state)
{
	struct temp *temp = *state;
	struct watched watched;

	shell(temp, "mkdir one two; ln -s one current; mkdir deep; ln -s ../current deep/state");
	free(temp->paths.state);
	temp->paths.state = xasprintf("%s/deep/state", temp->root);
	watched_open(&watched, temp);
	shell(temp, "ln -sfn two current");
	assert_int_equal(statewatch_refresh(watched.watch, true, NULL), 0);
	shell(temp, "echo x >two/x.yaml");
	assert_true(watched_changed(&watched));
	watched_close(&watched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		temp_test(test_follows_step_by_step),
		temp_test(test_whole_tree_at_once),
		temp_test(test_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
