/* SPDX-License-Identifier: Apache-2.0 */
/* The election against a Lease that behaves as the API server's: stories of steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "user/agent/election.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

enum step_kind {
	END,
	RUN,   /* until a time, with every request answered at once */
	DARK,  /* the same, with no answer at all */
	OTHER, /* somebody else writes: text is its name, "" gives the Lease up */
	GONE,  /* somebody deletes the Lease */
	HOLDS, /* at this time, who allocates: 1 or 0 */
	ASKED, /* so many requests since the last ASKED */
	HOLDER,
	RELEASE,
};

struct step {
	enum step_kind kind;
	int64_t value;
	const char *text;
};

struct story {
	const char *name;
	struct step steps[16];
};

static const struct story stories[] = {
	{ "a Lease that is not there is made, and held",
	  { { RUN, 0, NULL }, { HOLDS, 1, NULL }, { HOLDER, 0, "me" }, { ASKED, 2, NULL } } },
	{ "it is renewed every two seconds",
	  { { RUN, 0, NULL },
	    { ASKED, 2, NULL },
	    { RUN, 60000, NULL },
	    { ASKED, 30, NULL },
	    { HOLDS, 1, NULL } } },
	{ "one that somebody holds and renews is left alone",
	  { { OTHER, 0, "she" },
	    { RUN, 9000, NULL },
	    { OTHER, 0, "she" },
	    { RUN, 18000, NULL },
	    { OTHER, 0, "she" },
	    { RUN, 27000, NULL },
	    { HOLDS, 0, NULL },
	    { HOLDER, 0, "she" } } },
	{ "one that is not renewed is taken after its duration, and not before",
	  { { OTHER, 0, "she" },
	    { RUN, 14999, NULL },
	    { HOLDS, 0, NULL },
	    { RUN, 15000, NULL },
	    { HOLDS, 1, NULL },
	    { HOLDER, 0, "me" } } },
	{ "one that was given up is taken at the next look",
	  { { OTHER, 0, "she" },
	    { RUN, 1000, NULL },
	    { OTHER, 0, "" },
	    { RUN, 4999, NULL },
	    { HOLDS, 0, NULL },
	    { RUN, 5000, NULL },
	    { HOLDS, 1, NULL } } },
	{ "a holder that reaches nobody gives up before others may begin",
	  { { RUN, 10000, NULL },
	    { DARK, 19999, NULL },
	    { HOLDS, 1, NULL },
	    { DARK, 20000, NULL },
	    { HOLDS, 0, NULL },
	    { DARK, 60000, NULL },
	    { HOLDS, 0, NULL } } },
	{ "and goes on when it is back in time",
	  { { RUN, 10000, NULL },
	    { DARK, 17000, NULL },
	    { RUN, 18000, NULL },
	    { DARK, 27000, NULL },
	    { HOLDS, 1, NULL } } },
	{ "a holder that was replaced does not hold",
	  { { RUN, 10000, NULL },
	    { OTHER, 0, "she" },
	    { RUN, 14000, NULL },
	    { HOLDS, 0, NULL },
	    { HOLDER, 0, "she" } } },
	{ "a Lease that somebody deletes is made again",
	  { { RUN, 10000, NULL },
	    { GONE, 0, NULL },
	    { RUN, 14000, NULL },
	    { HOLDS, 1, NULL },
	    { HOLDER, 0, "me" } } },
	{ "on a clean end the next one need not wait",
	  { { RUN, 10000, NULL }, { RELEASE, 0, NULL }, { HOLDER, 0, "" } } },
};

struct world {
	struct election election;
	json_t *lease; /* the server's */
	int version;
	int64_t now, asked;
};

static void lease_store(struct world *world, json_t *lease)
{
	cleanup_free char *version = xasprintf("%d", ++world->version);

	tree_set(lease, "metadata.resourceVersion", json_string(version));
	json_decref(world->lease);
	world->lease = lease;
}

/* As the API server has it: create conflicts with what is there, update with another version. */
static long server_answer(struct world *world, enum election_op op, const json_t *body)
{
	const char *theirs = tree_text(body, "metadata.resourceVersion");
	const char *ours = tree_text(world->lease, "metadata.resourceVersion");

	if (op == ELECTION_GET)
		return world->lease ? 200 : 404;
	if (op == ELECTION_UPDATE && !world->lease)
		return 404;
	if (op == ELECTION_CREATE ? world->lease != NULL : strcmp(theirs, ours) != 0)
		return 409;
	lease_store(world, json_deep_copy(body));
	return op == ELECTION_CREATE ? 201 : 200;
}

static void run(struct world *world, int64_t until, bool dark)
{
	struct timespec wall = { .tv_sec = 1767225600 };

	while (world->election.due_ms <= until) {
		struct election *election = &world->election;
		cleanup_json json_t *body = NULL, *copy = NULL;
		enum election_op op;
		long status = 0;

		world->now = election->due_ms > world->now ? election->due_ms : world->now;
		op = election_next(election, world->now, &wall, &body);
		if (!dark)
			status = server_answer(world, op, body);
		copy = json_deep_copy(world->lease);
		world->asked++;
		election_answered(election, op, status, status < 300 ? copy : NULL, world->now,
				  world->now, 0);
	}
	world->now = until;
}

static void other_writes(struct world *world, const char *name)
{
	json_t *lease = world->lease ? json_deep_copy(world->lease) : json_object();

	tree_set(lease, "spec.holderIdentity", json_string(name));
	tree_set(lease, "spec.leaseDurationSeconds", json_integer(15));
	lease_store(world, lease);
}

static void release(struct world *world)
{
	struct timespec wall = { .tv_sec = 1767225600 };
	cleanup_json json_t *body = election_release(&world->election, world->now, &wall);

	assert_non_null(body);
	assert_int_equal(server_answer(world, ELECTION_UPDATE, body), 200);
}

static void step_run(struct world *world, const char *name, const struct step *step)
{
	const char *holder = tree_text(world->lease, "spec.holderIdentity");

	switch (step->kind) {
	case RUN:
	case DARK:
		run(world, step->value, step->kind == DARK);
		break;
	case OTHER:
		other_writes(world, step->text);
		break;
	case GONE:
		json_decref(world->lease);
		world->lease = NULL;
		break;
	case HOLDS:
		if (election_holds(&world->election, world->now) != step->value)
			fail_msg("%s: at %ld it %s", name, (long)world->now,
				 step->value ? "does not hold" : "holds");
		break;
	case ASKED:
		if (world->asked != step->value)
			fail_msg("%s: %ld requests", name, (long)world->asked);
		world->asked = 0;
		break;
	case HOLDER:
		if (strcmp(holder, step->text) != 0)
			fail_msg("%s: held by \"%s\"", name, holder);
		break;
	case RELEASE:
		release(world);
		break;
	default:
		break;
	}
}

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
		struct world world = { 0 };

		election_init(&world.election, "kube-system", "lbctl", "me");
		for (const struct step *step = stories[i].steps; step->kind != END; step++)
			step_run(&world, stories[i].name, step);
		election_done(&world.election);
		json_decref(world.lease);
	}
}

/* Two, by turns, for an hour in which either is cut off now and then: never do both hold. */
static void test_never_two(void **state)
{
	struct world worlds[2] = { 0 };
	unsigned int lot = 1;
	int held = 0;

	(void)state;
	election_init(&worlds[0].election, "kube-system", "lbctl", "me");
	election_init(&worlds[1].election, "kube-system", "lbctl", "she");
	for (int64_t now = 0; now < 3600000; now += 500) {
		int who = now / 500 % 2;
		bool dark = (lot = lot * 1103515245 + 12345) >> 16 & 1 && now / 30000 % 2;

		worlds[who].lease = worlds[1 - who].lease;
		worlds[who].version = worlds[1 - who].version;
		run(&worlds[who], now, dark);
		worlds[1 - who].lease = worlds[who].lease;
		worlds[1 - who].version = worlds[who].version;
		assert_false(election_holds(&worlds[0].election, now) &&
			     election_holds(&worlds[1].election, now));
		held += election_holds(&worlds[0].election, now) ||
			election_holds(&worlds[1].election, now);
	}
	assert_true(held > 5000);
	election_done(&worlds[0].election);
	election_done(&worlds[1].election);
	json_decref(worlds[0].lease);
}

/* The fields that kubectl and other implementations read. */
static void test_fields(void **state)
{
	struct world world = { 0 };
	cleanup_free char *text = NULL;

	(void)state;
	election_init(&world.election, "kube-system", "lbctl", "me");
	other_writes(&world, "she");
	run(&world, 20000, false);
	json_object_del(world.lease, "metadata");
	text = json_dumps(world.lease, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"spec\":{\"acquireTime\":\"2026-01-01T00:00:00.000000Z\","
				  "\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,"
				  "\"leaseTransitions\":1,"
				  "\"renewTime\":\"2026-01-01T00:00:00.000000Z\"}}");
	election_done(&world.election);
	json_decref(world.lease);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_never_two),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
