/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/sync.h"

#include <errno.h>

#include "user/agent/client.h"
#include "user/agent/desired.h"
#include "user/agent/origin.h"
#include "user/agent/reconcile.h"
#include "user/dns/builtin.h"
#include "user/probe/memory.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* Longer than any sync takes: who holds the lock is writing the maps. */
#define SYNC_LOCK_WAIT_MS 30000

void sync_result_done(struct sync_result *result)
{
	for (size_t i = 0; i < result->n_warnings; i++)
		free(result->warnings[i]);
	free(result->warnings);
	*result = (struct sync_result){ 0 };
}

/* What the probes said when an agent ran the last time. */
static void readiness_recall(void *arg, struct store *store)
{
	const struct paths *paths = arg;
	struct memory memory;
	struct readiness readiness;

	memory_load(paths->run, &memory);
	readiness = memory_readiness(&memory);
	readiness_of_store(store, &readiness);
	memory_done(&memory);
}

/* Whoever has the objects is the only one who can say what the maps should hold. */
static void maps_leave(const struct origin *origin, struct sync_result *ret_result)
{
	*ret_result = (struct sync_result){ .n_warnings = 1 };
	ret_result->warnings = xcalloc(1, sizeof(*ret_result->warnings));
	ret_result->warnings[0] = xasprintf("the maps stay as they are: their objects are those of "
					    "%s, and no agent runs that would ask for them",
					    origin->server);
}

static int sync_here(const struct paths *paths, const struct config *config,
		     struct sync_result *ret_result, struct err *err)
{
	struct origin origin;
	struct reconcile reconcile;
	int rc;

	origin_read(paths, &origin);
	if (origin.server) {
		maps_leave(&origin, ret_result);
		origin_done(&origin);
		return 0;
	}
	reconcile_init(&reconcile, paths, config, &reconcile_io_node, SYNC_LOCK_WAIT_MS);
	reconcile.loaded = readiness_recall;
	reconcile.loaded_arg = (void *)paths;
	rc = reconcile_run(&reconcile, ret_result, err);
	reconcile_done(&reconcile);
	return rc;
}

static int sync_by(enum protocol_op op, const struct paths *paths, const struct config *config,
		   struct sync_result *ret_result, struct err *err)
{
	cleanup_json json_t *answer = NULL;
	int rc;

	rc = client_ask(paths, op, &answer, err);
	if (rc == -ENOENT)
		return sync_here(paths, config, ret_result, err);
	if (rc)
		return rc;
	return protocol_result_parse(answer, ret_result, err);
}

int sync_now(const struct paths *paths, const struct config *config, struct sync_result *ret_result,
	     struct err *err)
{
	return sync_by(PROTOCOL_SYNC, paths, config, ret_result, err);
}

int sync_reload(const struct paths *paths, const struct config *config,
		struct sync_result *ret_result, struct err *err)
{
	return sync_by(PROTOCOL_RELOAD, paths, config, ret_result, err);
}

int sync_plan(struct datapath *dp, struct store *store, const struct config *config, bool names,
	      struct plan *ret_plan, struct err *err)
{
	struct addr_list addresses = { 0 };
	struct desired desired = { 0 };
	struct actual actual = { 0 };
	int rc;

	rc = datapath_refresh_devices(dp, config, &addresses, err);
	if (rc)
		return rc;
	names = names && !store_is_cluster(store) && builtin_add(store, config);
	desired_resolve(store, config, &addresses, &desired);
	vec_free(&addresses);
	if (names && config->dns.kernel)
		builtin_mark(&desired, config);
	rc = datapath_snapshot(dp, &actual, err);
	if (!rc) {
		rc = plan_diff(&desired, &actual, ret_plan, err);
		actual_done(&actual);
	}
	desired_done(&desired);
	return rc;
}
