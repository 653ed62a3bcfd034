/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/agent.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "user/agent/apisource.h"
#include "user/agent/health_server.h"
#include "user/agent/healthz.h"
#include "user/agent/ingress.h"
#include "user/agent/lb_status.h"
#include "user/agent/lock.h"
#include "user/agent/metrics.h"
#include "user/agent/metrics_server.h"
#include "user/agent/names.h"
#include "user/agent/netwatch.h"
#include "user/agent/notify.h"
#include "user/agent/origin.h"
#include "user/agent/pace.h"
#include "user/agent/probing.h"
#include "user/agent/reconcile.h"
#include "user/agent/server.h"
#include "user/agent/statewatch.h"
#include "user/agent/status.h"
#include "user/util/cleanup.h"
#include "user/util/log.h"
#include "user/util/vec.h"
#include "user/util/version.h"

#define CLIENT_IDLE_MS 10000
/* The loop stands still while it waits for another process that writes the maps. */
#define LOCK_WAIT_MS 2000
/* Two full syncs that failed, and all between them. */
#define HEALTHY_MS (2 * PACE_FULL)

struct agent {
	const struct paths *paths;
	const struct config *config;
	struct config reloaded; /* what config points to after the first SIGHUP */
	bool config_required;	/* the file was there once: its loss is an error */
	struct event_base *base;
	struct event *timer;
	struct event *signals[3];
	struct apisource *api; /* NULL: the state's directory has the objects */
	struct lb_status *lb_status;
	struct statewatch *statewatch;
	struct netwatch *netwatch;
	struct server *server;
	struct probing *probing;
	struct health_server *health;
	struct healthz *healthz;
	struct metrics_server *metrics;
	struct ingress_control *ingress;
	int64_t synced; /* when the last sync that succeeded did */
	struct names names;
	struct reconcile reconcile;
	struct pace pace;
	struct status status;
};

static int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

/* -------------------------------------------------------------------- sync -- */

static void timer_arm(struct agent *agent)
{
	int64_t wait = pace_wait(&agent->pace, clock_ms());
	struct timeval timeout = { .tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000 };

	event_add(agent->timer, &timeout);
}

static void state_watch(struct agent *agent, bool anew)
{
	struct err err;

	if (!agent->statewatch || !(agent->reconcile.stale & RECONCILE_STATE))
		return;
	/* Without watches the agent is late, not wrong. */
	if (statewatch_refresh(agent->statewatch, anew, &err))
		status_watch(&agent->status, err.text);
	else
		status_watch(&agent->status, NULL);
}

/* Without an API server load-balancer addresses are given when a Service is stored. */
static void services_changed(struct agent *agent)
{
	if (!agent->lb_status || !agent->reconcile.store || !agent->reconcile.feed.services_changed)
		return;
	agent->reconcile.feed.services_changed = false;
	lb_status_update(agent->lb_status, agent->reconcile.store, agent->config);
}

/* One sync, whoever asked for it. */
static int agent_sync(struct agent *agent, struct sync_result *ret_result, struct err *err)
{
	int64_t began_us = clock_us(), began = began_us / 1000;
	bool full = pace_is_full(&agent->pace, began);
	int rc;

	if (full) {
		agent->reconcile.stale = RECONCILE_ALL;
		/*
		 * Who retired a backend may have ended before it came to the sockets, and one
		 * that connected at that moment may have been late for the sweep.
		 */
		agent->reconcile.sweep_due = true;
	}
	state_watch(agent, full);
	rc = reconcile_run(&agent->reconcile, ret_result, err);
	histogram_add(&agent->status.durations, (uint64_t)(clock_us() - began_us));
	if (!rc)
		agent->synced = clock_ms();
	names_update(&agent->names, agent->config, agent->reconcile.store,
		     agent->reconcile.names_stale || full,
		     agent->reconcile.names_served ? agent->reconcile.dp : NULL);
	agent->reconcile.names_stale = false;
	ingress_control_update(agent->ingress, &agent->reconcile);
	services_changed(agent);
	metrics_server_update(agent->metrics, &agent->config->metrics);
	healthz_update(agent->healthz, &agent->config->health, agent->api);
	/* Waiting for the API server is no failure, and its own log tells of it. */
	if (rc != -EAGAIN)
		status_sync(&agent->status, &agent->reconcile, rc ? NULL : ret_result, err);
	pace_done(&agent->pace, began, clock_ms(), full, !rc);
	timer_arm(agent);
	return rc;
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct sync_result result = { 0 };
	struct err err;

	(void)fd;
	(void)what;
	/* The reason of a failure is in the status and, once, in the log. */
	if (!agent_sync(arg, &result, &err))
		sync_result_done(&result);
}

static void agent_request(struct agent *agent, unsigned int parts)
{
	agent->reconcile.stale |= parts;
	pace_request(&agent->pace, clock_ms());
	timer_arm(agent);
}

/* Probes have changed what is ready. The objects are in memory, and say so already. */
static void readiness_changed(void *arg)
{
	timer_due(-1, 0, arg);
}

/* ------------------------------------------------------------ health ports -- */

static bool maps_are_right(void *arg)
{
	const struct agent *agent = arg;

	return agent->status.attached && clock_ms() - agent->synced <= HEALTHY_MS;
}

static struct healthz_state health_state(void *arg)
{
	const struct agent *agent = arg;
	const struct store *store = agent->reconcile.store;
	const char *name = agent->config->node_name;

	return (struct healthz_state){
		.healthy = maps_are_right(arg),
		.eligible = !store || node_is_eligible(store_find(store, K8S_NODE, "", name)),
		.updated = agent->status.last_sync,
	};
}

static void endpoints_resolved(void *arg, const struct desired *desired)
{
	struct agent *agent = arg;
	struct health_check_list checks;
	struct addr_list addresses;

	health_checks_collect(agent->reconcile.store, desired, &checks);
	health_addresses(agent->config, &agent->reconcile.addresses, &addresses);
	health_server_update(agent->health, &checks, &addresses);
}

/* ----------------------------------------------------------------- metrics -- */

static int metrics_collect(void *arg, char **ret_text, size_t *ret_size, struct err *err)
{
	const struct agent *agent = arg;
	const struct reconcile *reconcile = &agent->reconcile;
	struct metrics metrics = { .version = version_text(),
				   .config = &agent->config->metrics,
				   .status = &agent->status,
				   .now = time(NULL) };
	struct source_report reports[SOURCE_KINDS];
	struct datapath_flow_counts flows;
	struct prober_result_list results;
	struct ingress_metrics ingress = { 0 };
	struct datapath_stats stats;
	struct dns_counts dns;
	FILE *out;

	if (reconcile->dp && reconcile->have_actual) {
		int rc = datapath_count_flows(reconcile->dp, &flows, err);

		rc = rc ?: datapath_read_stats(reconcile->dp, &reconcile->actual, &stats, err);
		if (rc)
			return rc;
		metrics.actual = &reconcile->actual;
		metrics.stats = &stats;
		metrics.flows = &flows;
	}
	if (agent->names.server) {
		dns = dns_server_counts(agent->names.server);
		metrics.dns = &dns;
	}
	if (ingress_control_metrics(agent->ingress, &ingress))
		metrics.ingress = &ingress;
	metrics.api = reports;
	metrics.n_api = apisource_reports(agent->api, reports);
	probing_results(agent->probing, &results);
	metrics.results = results.items;
	metrics.n_results = results.n;
	out = open_memstream(ret_text, ret_size);
	metrics_write(out, &metrics);
	fclose(out);
	vec_free(&results);
	counts_free(&ingress.counts);
	if (metrics.actual)
		datapath_stats_done(&stats);
	return 0;
}

/* ------------------------------------------------------------------ events -- */

static void state_changed(void *arg)
{
	agent_request(arg, RECONCILE_STATE);
}

static void ingress_changed(void *arg)
{
	agent_request(arg, 0);
}

static void net_changed(void *arg, unsigned int changes)
{
	unsigned int parts = RECONCILE_DEVICES;

	if (changes & NETWATCH_LINK)
		parts |= RECONCILE_PODS;
	if (changes & NETWATCH_LOST)
		parts = RECONCILE_ALL;
	agent_request(arg, parts);
}

static void neighbour_changed(void *arg, const struct lb_addr *addr, bool answers)
{
	struct agent *agent = arg;

	if (answers || reconcile_has_backend(&agent->reconcile, addr))
		status_neighbour(&agent->status, addr, answers);
}

static json_t *client_answer(void *arg, enum protocol_op op)
{
	struct sync_result result = { 0 };
	struct agent *agent = arg;
	json_t *answer;
	struct err err;

	if (op == PROTOCOL_STATUS) {
		answer = status_json(&agent->status, probing_json(agent->probing));
		json_object_set_new(answer, "api", apisource_json(agent->api));
		json_object_set_new(answer, "loadBalancers", lb_status_json(agent->lb_status));
		return answer;
	}
	/* The client has just changed the state: its news may not have come through inotify. */
	agent->reconcile.stale |= op == PROTOCOL_RELOAD ? RECONCILE_ALL : RECONCILE_STATE;
	if (agent_sync(agent, &result, &err))
		return protocol_error(&err);
	answer = protocol_result(&result);
	sync_result_done(&result);
	return answer;
}

static void config_reload(struct agent *agent)
{
	struct config config;
	struct err err;

	notify_reloading();
	if (config_load(agent->paths->config, agent->config_required, &config, &err)) {
		log_error("configuration kept as it was: %s", err.text);
	} else {
		names_close(&agent->names);
		config_done(&agent->reloaded);
		agent->reloaded = config;
		agent->config = &agent->reloaded;
		agent->reconcile.feed.services_changed = true; /* what they may get has */
		reconcile_configure(&agent->reconcile, agent->config);
		log_info("configuration read anew; what the programs hold of it (flows, timeouts, "
			 "snatPorts, podCIDRs, masqueradeAll) changes with the next attach");
		agent_request(agent, RECONCILE_ALL);
	}
	notify_send("READY=1");
}

static void signal_caught(evutil_socket_t number, short what, void *arg)
{
	struct agent *agent = arg;

	(void)what;
	if (number == SIGHUP)
		config_reload(agent);
	else
		event_base_loopbreak(agent->base);
}

/* -------------------------------------------------------------- life cycle -- */

/* A node without inotify or rtnetlink still works, by the periodic sync. */
static void watches_open(struct agent *agent)
{
	static const struct netwatch_events events = { net_changed, neighbour_changed };
	struct err err;

	if (!agent->api && statewatch_open(agent->base, agent->paths->state, state_changed, agent,
					   &agent->statewatch, &err))
		log_warn("changes of %s are seen late: %s", agent->paths->state, err.text);
	if (netwatch_open(agent->base, &events, agent, &agent->netwatch, &err))
		log_warn("changes of devices are seen late: %s", err.text);
}

static int agent_open(struct agent *agent, struct kubeconfig *kubeconfig, struct err *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

	agent->base = event_base_new();
	if (!agent->base)
		return err_set(err, -EIO, "no event loop");
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		agent->signals[i] = evsignal_new(agent->base, signals[i], signal_caught, agent);
		event_add(agent->signals[i], NULL);
	}
	agent->timer = evtimer_new(agent->base, timer_due, agent);
	if (kubeconfig)
		agent->api = apisource_open(agent->base, kubeconfig, &agent->reconcile,
					    state_changed, agent);
	if (agent->api)
		agent->lb_status =
			lb_status_open(agent->base, apisource_client(agent->api), agent->config);
	watches_open(agent);
	agent->probing = probing_open(agent->base, agent->paths, agent->config, &agent->reconcile,
				      readiness_changed, agent);
	agent->health = health_server_new(agent->base, maps_are_right, agent);
	agent->healthz = healthz_new(agent->base, health_state, agent);
	agent->metrics = metrics_server_new(agent->base, metrics_collect, agent);
	agent->ingress = ingress_control_open(agent->base, agent->paths, ingress_changed, agent);
	agent->reconcile.resolved = endpoints_resolved;
	agent->reconcile.resolved_arg = agent;
	return server_open(agent->base, agent->paths, CLIENT_IDLE_MS, client_answer, agent,
			   &agent->server, err);
}

static void agent_close(struct agent *agent)
{
	lb_status_close(agent->lb_status);
	names_done(&agent->names);
	server_close(agent->server);
	apisource_close(agent->api);
	probing_close(agent->probing);
	health_server_free(agent->health);
	healthz_free(agent->healthz);
	metrics_server_free(agent->metrics);
	ingress_control_close(agent->ingress);
	netwatch_close(agent->netwatch);
	statewatch_close(agent->statewatch);
	if (agent->timer)
		event_free(agent->timer);
	for (size_t i = 0; i < ARRAY_LEN(agent->signals); i++)
		if (agent->signals[i])
			event_free(agent->signals[i]);
	if (agent->base)
		event_base_free(agent->base);
	reconcile_done(&agent->reconcile);
	status_done(&agent->status);
	config_done(&agent->reloaded);
}

static void agent_loop(struct agent *agent)
{
	/* The first sync comes before READY, so that who waits for that finds the maps right. */
	pace_init(&agent->pace, clock_ms());
	timer_due(-1, 0, agent);
	log_info("serving %s, %s%s", agent->paths->socket,
		 agent->api ? "objects by API" : "state in ",
		 agent->api ? "" : agent->paths->state);
	notify_send("READY=1");
	event_base_dispatch(agent->base);
	notify_send("STOPPING=1");
	log_info("ended by a signal; the datapath goes on");
}

int agent_run(const struct paths *paths, const struct config *config, struct kubeconfig *kubeconfig,
	      FILE *record, struct err *err)
{
	cleanup_close int lock = lock_agent(paths, err);
	struct agent agent = {
		.paths = paths,
		.config = config,
		.config_required = access(paths->config, F_OK) == 0,
	};
	int rc;

	if (lock < 0) {
		rc = lock;
		goto out;
	}
	/* A client that went away is noticed by its socket. */
	signal(SIGPIPE, SIG_IGN);
	reconcile_init(&agent.reconcile, paths, config, &reconcile_io_node, LOCK_WAIT_MS);
	agent.reconcile.serve_names = true;
	agent.reconcile.record = record;
	status_init(&agent.status);
	rc = origin_write(paths, kubeconfig, err);
	if (!rc)
		rc = agent_open(&agent, kubeconfig, err);
	if (!rc)
		agent_loop(&agent);
	agent_close(&agent);
out:
	if (kubeconfig)
		kubeconfig_done(kubeconfig);
	return rc;
}
