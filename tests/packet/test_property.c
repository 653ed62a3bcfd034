/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters by lot: what the real programs answer in dry run is what the independent model says.
 * PROPERTY=N tries N packets instead of 100,000 (make property: a million), SEED=N begins with
 * others. A failure prints the cluster, the question, and the seed that gives both again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/model/asker.h"
#include "tests/packet/real.h"
#include "user/util/cleanup.h"

#define PACKETS 100000
#define QUESTIONS 10  /* of one world */
#define REAL_SHARE 10 /* one of so many answers is held against real packets */

static unsigned long long number_of(const char *name, unsigned long long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static struct {
	unsigned long fates[FATE_DROP + 1];
	unsigned long candidates, masqueraded, kept;
} seen;

static void count(const struct model_answer *answer)
{
	seen.fates[answer->fate]++;
	seen.candidates += answer->n_candidates;
	for (size_t i = 0; i < answer->n_candidates; i++) {
		seen.masqueraded += answer->candidates[i].masquerade;
		seen.kept += !answer->candidates[i].masquerade;
	}
}

static void fail_world(const struct world *world, const struct world_question *question,
		       uint64_t seed, const char *ours, const char *model)
{
	cleanup_free char *yaml = world_yaml(world);

	fprintf(stderr,
		"%snode %s, zone \"%s\", masqueradeAll %d, externalIPs %d, podCIDRs %zu, "
		"nodePortAddresses %s\n",
		yaml, world->node, world->zone, world->masquerade_all, world->serve_external_ips,
		world->pod_cidrs.n,
		world->node_port_addresses.n ? world->node_port_addresses.item[0] : "all");
	fail_msg("%s %s %s port %u (SEED=%llu)\nlbctl: %s\nmodel: %s",
		 *question->from ? question->from : "-", question->proto, question->to,
		 question->port, (unsigned long long)seed, ours, model);
}

static void check_world(struct asker *asker, uint64_t first_seed)
{
	static struct model_answer answer;
	static struct world world;
	uint64_t seed = first_seed;
	struct err err = { "" };

	world_random(&world, &seed);
	if (asker_take(asker, &world, &err))
		fail_world(&world, &(struct world_question){ 0 }, first_seed, err.text, "");
	for (int i = 0; i < QUESTIONS; i++) {
		char ours[ANSWER_TEXT], model[ANSWER_TEXT];
		struct world_question question;

		question_random(&world, &seed, &question);
		model_ask(&world, &question, &answer);
		model_text(&answer, model);
		if (asker_ask(asker, &question, ours, &err))
			fail_world(&world, &question, first_seed, err.text, model);
		if (strcmp(ours, model) != 0)
			fail_world(&world, &question, first_seed, ours, model);
		count(&answer);
	}
}

/* Sockets take too long for it; the tables try them. */
static int check_some(void *arg, struct explain *explain, const struct explain_question *question,
		      const struct explain_answer *answer, struct err *err)
{
	static unsigned int turn;

	if (question->origin == EXPLAIN_NODE || turn++ % REAL_SHARE)
		return 0;
	return real_check(arg, explain, question, answer, err);
}

static void test_worlds(void **state)
{
	const struct asker_check check = { .run = check_some };
	unsigned long long packets = number_of("PROPERTY", PACKETS);
	uint64_t seed = number_of("SEED", 1);
	struct asker *asker = asker_new(&check);

	(void)state;
	real_init();
	for (unsigned long long i = 0; i < packets; i += QUESTIONS)
		check_world(asker, seed + i / QUESTIONS);
	real_done();
	asker_free(asker);
	printf("pass %lu, forward %lu, reject %lu, drop %lu; candidates %lu, masqueraded %lu\n",
	       seen.fates[FATE_PASS], seen.fates[FATE_FORWARD], seen.fates[FATE_REJECT],
	       seen.fates[FATE_DROP], seen.candidates, seen.masqueraded);
	/* Lots that always fall the same way would prove nothing. */
	if (packets >= PACKETS) {
		for (int i = FATE_PASS; i <= FATE_DROP; i++)
			assert_in_range(seen.fates[i], packets / 50, packets);
		assert_in_range(seen.masqueraded, packets / 10, packets * 100);
		assert_in_range(seen.kept, packets / 10, packets * 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worlds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
