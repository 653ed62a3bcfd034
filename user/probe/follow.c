/* SPDX-License-Identifier: Apache-2.0 */
/* The prober's targets after those of the store, and what it knows of them. Inside of prober. */
#include <stdlib.h>
#include <string.h>

#include "user/probe/entry.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

static int entry_compare(const void *key, const void *item)
{
	const struct entry *const *entry = item;

	return target_key_compare(key, &(*entry)->target.key);
}

struct entry *prober_find(const struct prober *prober, const struct target_key *key)
{
	struct entry **found = NULL;

	if (prober->n)
		found = bsearch(key, prober->items, prober->n, sizeof(*prober->items),
				entry_compare);
	return found ? *found : NULL;
}

/* -------------------------------------------------------------- one target -- */

static void entry_recall(struct entry *entry)
{
	const struct memory_item *item = NULL;

	if (entry->prober->memory)
		item = memory_find(entry->prober->memory, &entry->target.key,
				   entry->target.identity);
	if (!item)
		return;
	entry->verdict.value = item->value;
	entry->since = item->since;
	entry->not_before = 0;
	if (*item->reason)
		entry->reason = xstrdup(item->reason);
}

/* Takes the target over. */
static struct entry *entry_new(struct prober *prober, struct target *target)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));
	int64_t delay = (int64_t)target->probe->initial_delay * 1000;

	entry->prober = prober;
	entry->target = *target;
	entry->verdict = verdict_initial(target->key.probe);
	entry->pace = PACE_UNKNOWN;
	entry->since = time(NULL);
	/* Where nobody wrote when the container started, it does now. */
	if (delay && target->started)
		delay -= ((int64_t)time(NULL) - target->started) * 1000;
	entry->not_before = delay > 0 ? prober_clock() + delay : 0;
	entry_recall(entry);
	return entry;
}

/* The same pod: what its probes have made of it stays, also where they are others now. */
static bool entry_renew(struct entry *entry, struct target *target)
{
	bool same = probe_equal(entry->target.probe, target->probe);

	if (same) {
		target_done(target);
		return false;
	}
	entry_halt(entry);
	target_done(&entry->target);
	entry->target = *target;
	entry->verdict.run = 0;
	entry->pace = PACE_UNKNOWN;
	return true;
}

void entry_free(struct entry *entry)
{
	entry_halt(entry);
	target_done(&entry->target);
	free(entry->reason);
	free(entry);
}

/* ---------------------------------------------------------------------- all -- */

struct merge {
	struct prober *prober;
	struct entry **items;
	size_t n;
	size_t at;		   /* of the old ones */
	VEC(struct entry *) fresh; /* to be scheduled */
};

static void merge_target(struct merge *merge, struct target *target)
{
	struct prober *prober = merge->prober;
	struct entry *entry = NULL;
	int order = 1;

	while (merge->at < prober->n) {
		entry = prober->items[merge->at];
		order = target_key_compare(&entry->target.key, &target->key);
		if (order >= 0)
			break;
		entry_free(entry);
		merge->at++;
	}
	if (merge->at < prober->n && !order) {
		merge->at++;
		if (!strcmp(entry->target.identity, target->identity)) {
			if (entry_renew(entry, target))
				vec_push(&merge->fresh, entry);
			merge->items[merge->n++] = entry;
			return;
		}
		entry_free(entry);
	}
	entry = entry_new(prober, target);
	vec_push(&merge->fresh, entry);
	merge->items[merge->n++] = entry;
}

/* Sorted by key, a startup probe comes just before the others of its container. */
static void startups_link(struct prober *prober)
{
	struct entry *startup = NULL;

	for (size_t i = 0; i < prober->n; i++) {
		struct entry *entry = prober->items[i];
		struct target_key key = entry->target.key;

		key.probe = PROBE_STARTUP;
		if (entry->target.key.probe == PROBE_STARTUP)
			startup = entry;
		else if (startup && target_key_compare(&startup->target.key, &key) != 0)
			startup = NULL;
		entry->startup = entry == startup ? NULL : startup;
	}
}

static void fresh_schedule(struct merge *merge)
{
	int64_t now = prober_clock();

	for (size_t i = 0; i < merge->fresh.n; i++) {
		struct entry *entry = merge->fresh.items[i];
		int64_t due = now + schedule_jitter(entry->target.probe->period, merge->fresh.n,
						    (uint32_t)mrand48());

		if (due < entry->not_before)
			due = entry->not_before;
		if (entry->target.key.probe != PROBE_STARTUP ||
		    entry->verdict.value != PROBED_READY)
			entry_schedule(entry, due);
	}
}

static void journal_renew(struct prober *prober)
{
	journal_begin(&prober->journal);
	for (size_t i = 0; i < prober->n; i++)
		entry_remember(prober->items[i]);
	journal_end(&prober->journal);
}

void prober_follow(struct prober *prober, const struct store *store)
{
	struct merge merge = { .prober = prober };
	struct target_list targets;

	targets_collect(store, prober->node, &targets);
	merge.items = xcalloc(targets.n, sizeof(*merge.items));
	for (size_t i = 0; i < targets.n; i++)
		merge_target(&merge, &targets.items[i]);
	for (; merge.at < prober->n; merge.at++)
		entry_free(prober->items[merge.at]);
	vec_free(&targets); /* what is in it was taken over */
	free(prober->items);
	prober->items = merge.items;
	prober->n = merge.n;
	startups_link(prober);
	fresh_schedule(&merge);
	if (prober->memory)
		memory_done(prober->memory);
	free(TAKE_PTR(prober->memory));
	if (journal_is_long(&prober->journal, prober->n)) {
		journal_renew(prober);
	} else {
		for (size_t i = 0; i < merge.fresh.n; i++)
			entry_remember(merge.fresh.items[i]);
	}
	vec_free(&merge.fresh);
	prober_arm(prober);
}

void prober_assume(struct prober *prober, bool (*serves)(void *arg, const struct lb_addr *addr),
		   void *arg)
{
	for (size_t i = 0; i < prober->n; i++) {
		struct entry *entry = prober->items[i];

		if (entry->ran || !serves(arg, &entry->target.addr))
			continue;
		entry->verdict.value = PROBED_READY;
		if (entry->target.key.probe == PROBE_STARTUP)
			schedule_drop(&prober->schedule, &entry->item);
		entry_remember(entry);
	}
}

/* ------------------------------------------------------------ as results -- */

static enum probed container_probed(void *arg, const struct object *pod,
				    const struct container *container)
{
	struct target_key key = { K8S_POD, pod->ns, pod->name,
				  container->name ? container->name : "", PROBE_STARTUP };
	const enum probed *values[2] = { NULL, NULL };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const struct entry *entry;

		key.probe = i ? PROBE_READINESS : PROBE_STARTUP;
		if (!container->probes[key.probe])
			continue;
		entry = prober_find(arg, &key);
		/* A startup probe of a pod that ends is dropped: it has done its work. */
		if (!entry && key.probe == PROBE_STARTUP && pod->pod->terminating)
			continue;
		if (!entry)
			return PROBED_NOT;
		values[i] = &entry->verdict.value;
	}
	return verdict_of_container(values[0], values[1]);
}

static enum probed endpoint_probed(void *arg, const struct object *service,
				   const struct lb_addr *addr)
{
	char text[ADDR_TEXT];
	struct target_key key = { K8S_SERVICE, service->ns, service->name, addr_format(addr, text),
				  PROBE_READINESS };
	const struct entry *entry = prober_find(arg, &key);

	return entry ? entry->verdict.value : PROBED_NOT;
}

struct readiness prober_readiness(struct prober *prober)
{
	return (struct readiness){ .container = container_probed,
				   .endpoint = endpoint_probed,
				   .arg = prober };
}

/* ------------------------------------------------------------------ status -- */

static json_t *entry_json(const struct entry *entry)
{
	static const char *const states[] = { "unknown", "ready", "unready" };
	static const char *const outcomes[] = { "success", "warning", "failure" };
	const struct target_key *key = &entry->target.key;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "kind",
			 k8s_kinds[key->kind].kind, "namespace", key->ns, "name", key->name, "part",
			 key->part, "probe", target_probe_word(key->probe), "state",
			 states[entry->verdict.value], "result",
			 entry->ran ? outcomes[entry->outcome] : "none", "microseconds",
			 (json_int_t)entry->latency);
}

json_t *prober_json(const struct prober *prober)
{
	json_t *list = json_array();
	size_t running = 0;

	for (size_t i = 0; i < prober->n; i++)
		json_array_append_new(list, entry_json(prober->items[i]));
	for (size_t i = 0; i < ARRAY_LEN(prober->lanes); i++)
		for (size_t j = 0; j < PACES; j++)
			running += prober->lanes[i].running[j];
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "running", (json_int_t)running, "runs",
			 (json_int_t)prober->runs, "failures", (json_int_t)prober->failures,
			 "timeouts", (json_int_t)prober->timeouts, "transitions",
			 (json_int_t)prober->transitions, "targets", list);
}

void prober_results(const struct prober *prober, struct prober_result_list *ret_results)
{
	*ret_results = (struct prober_result_list){ 0 };
	for (size_t i = 0; i < prober->n; i++) {
		const struct entry *entry = prober->items[i];
		struct prober_result *result;

		if (!entry->ran)
			continue;
		result = vec_add(ret_results);
		result->key = &entry->target.key;
		result->last = entry->outcome;
		result->latency = entry->latency;
		memcpy(result->runs, entry->runs, sizeof(result->runs));
	}
}
