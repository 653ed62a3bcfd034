/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/probing.h"

#include <time.h>

#include "user/probe/memory.h"
#include "user/util/log.h"
#include "user/util/vec.h"

struct probing {
	struct prober *prober;
	struct reconcile *reconcile;
	struct event *timer;
	bool forgotten; /* nothing is written down, and nothing was probed yet */
	int64_t rested; /* microseconds: not before, so that syncing leaves half of the time */
	void (*sync)(void *arg);
	void *arg;
};

static int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct probing *probing = arg;
	int64_t began = clock_us(), ended;

	(void)fd;
	(void)what;
	probing->sync(probing->arg);
	ended = clock_us();
	probing->rested = ended + (ended - began);
}

/* All results of one round of the loop are synced together, behind it. */
static void sync_request(struct probing *probing)
{
	int64_t wait = probing->rested - clock_us();
	struct timeval timeout = { 0 };

	if (wait > 0)
		timeout = (struct timeval){ wait / 1000000, wait % 1000000 };
	if (!evtimer_pending(probing->timer, NULL))
		evtimer_add(probing->timer, &timeout);
}

static void verdict_changed(void *arg, const struct target_key *key)
{
	struct probing *probing = arg;
	const struct store *store = probing->reconcile->store;
	struct readiness readiness = prober_readiness(probing->prober);
	const struct object *object;

	object = store ? store_find(store, key->kind, key->ns, key->name) : NULL;
	if (!object)
		return;
	readiness_of_object(store, object, &readiness);
	reconcile_touch(probing->reconcile, object);
	sync_request(probing);
}

static void verdict_told(void *arg, const struct prober_news *news)
{
	const struct target_key *key = news->key;
	const char *kind = k8s_kinds[key->kind].singular, *word = target_probe_word(key->probe);

	(void)arg;
	if (news->good)
		log_info("%s %s/%s: %s probe of %s succeeds", kind, key->ns, key->name, word,
			 key->part);
	else
		log_warn("%s %s/%s: %s probe of %s fails: %s", kind, key->ns, key->name, word,
			 key->part, news->text);
}

static bool backend_serves(void *arg, const struct lb_addr *addr)
{
	const struct actual *actual = arg;

	for (size_t i = 0; i < actual->n_backends; i++) {
		const struct lb_backend *backend = &actual->backends[i].value;

		if (backend->service &&
		    !(backend->flags & (LB_BACKEND_DRAINING | LB_BACKEND_GONE)) &&
		    !addr_compare(&backend->addr, addr))
			return true;
	}
	return false;
}

/* The run directory was lost, or an agent that did not probe filled the maps: they tell, too. */
static void maps_recall(struct probing *probing)
{
	const struct reconcile *reconcile = probing->reconcile;
	struct actual actual;
	struct datapath *dp;
	struct err err;

	if (reconcile->io->open(reconcile->paths, &dp, &err))
		return;
	if (!reconcile->io->snapshot(dp, &actual, &err)) {
		prober_assume(probing->prober, backend_serves, &actual);
		actual_done(&actual);
	}
	reconcile->io->close(dp);
}

static void objects_loaded(void *arg, struct store *store)
{
	struct probing *probing = arg;
	struct readiness readiness;

	prober_follow(probing->prober, store);
	if (probing->forgotten)
		maps_recall(probing);
	probing->forgotten = false;
	readiness = prober_readiness(probing->prober);
	readiness_of_store(store, &readiness);
}

struct probing *probing_open(struct event_base *base, const struct paths *paths,
			     const struct config *config, struct reconcile *reconcile,
			     void (*sync)(void *arg), void *arg)
{
	static const struct prober_events events = { verdict_changed, verdict_told };
	struct probing *probing = xcalloc(1, sizeof(*probing));

	probing->reconcile = reconcile;
	probing->sync = sync;
	probing->arg = arg;
	probing->timer = evtimer_new(base, timer_due, probing);
	probing->forgotten = !memory_exists(paths->run);
	probing->prober = prober_open(base, paths->run, config->node_name, &events, probing);
	reconcile->loaded = objects_loaded;
	reconcile->loaded_arg = probing;
	return probing;
}

void probing_close(struct probing *probing)
{
	if (!probing)
		return;
	prober_close(probing->prober);
	event_free(probing->timer);
	free(probing);
}

json_t *probing_json(const struct probing *probing)
{
	return prober_json(probing->prober);
}

void probing_results(const struct probing *probing, struct prober_result_list *ret_results)
{
	prober_results(probing->prober, ret_results);
}
