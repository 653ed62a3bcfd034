/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/ingress.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/agent/ingress_addresses.h"
#include "user/ingress/certificate.h"
#include "user/ingress/proxy.h"
#include "user/ingress/status.h"
#include "user/model/hash.h"
#include "user/util/cleanup.h"
#include "user/util/log.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define IPV6_FILE "/proc/net/if_inet6" /* is not there where the kernel has no IPv6 */
#define RETRY_SECONDS 10	       /* while HAProxy does not run: somebody may install it */

struct ingress_control {
	void (*changed)(void *arg);
	void *arg;
	const char *run;
	struct proxy *proxy;
	char *default_pem; /* NULL: not needed yet */
	uint64_t rendered; /* hash of what HAProxy was given, but for its pods; 0: nothing */
	struct ingress_pools pools;
	time_t tried;
	char *error;
	json_t *status;		      /* as it was written; NULL: none */
	struct ingress_counts counts; /* of workers that were relieved */
	struct ingress_facts problems, certificates;
	struct certificate_cache certificates_read;
	uint64_t reloads, errors;
	struct addr_list added; /* to the loopback device */
};

static void proxy_changed(void *arg, const char *error)
{
	struct ingress_control *control = arg;
	bool other = error ? !control->error || strcmp(control->error, error) != 0
			   : control->error != NULL;

	if (error && other)
		log_error("ingress: %s", error);
	else if (!error)
		log_info("ingress: HAProxy has the rules");
	control->reloads += !error;
	control->errors += error != NULL;
	free(control->error);
	control->error = error ? xstrdup(error) : NULL;
	if (other)
		control->changed(control->arg);
}

/* What it answers after this is not counted: few requests, since only old connections are left. */
static void proxy_relieved(void *arg)
{
	struct ingress_control *control = arg;
	cleanup_free char *stats = proxy_stats(control->proxy);

	if (stats)
		counts_add(&control->counts, stats);
}

static void proxy_lost(void *arg)
{
	struct ingress_control *control = arg;

	control->rendered = 0;
	control->changed(control->arg);
}

struct ingress_control *ingress_control_open(struct event_base *base, const struct paths *paths,
					     void (*changed)(void *arg), void *arg)
{
	static const struct proxy_events events = { proxy_changed, proxy_relieved, proxy_lost };
	struct ingress_control *control = xcalloc(1, sizeof(*control));
	cleanup_json json_t *former = ingress_status_read(paths->run);

	control->changed = changed;
	control->arg = arg;
	control->run = paths->run;
	ingress_status_added(former, &control->added);
	control->proxy = proxy_open(base, paths->run, &events, control);
	return control;
}

static void status_drop(struct ingress_control *control)
{
	ingress_addresses_remove(&control->added);
	ingress_status_remove(control->run);
	json_decref(control->status);
	control->status = NULL;
}

void ingress_control_close(struct ingress_control *control)
{
	if (!control)
		return;
	proxy_close(control->proxy);
	status_drop(control);
	pools_free(&control->pools);
	counts_free(&control->counts);
	facts_free(&control->problems);
	facts_free(&control->certificates);
	certificate_cache_free(&control->certificates_read);
	free(control->default_pem);
	free(control->error);
	free(control);
}

/* ------------------------------------------------------------------- status -- */

static const struct addr_list *addresses_of(const struct reconcile *reconcile)
{
	const struct config *config = reconcile->config;

	if (config->ingress.addresses.n)
		return &config->ingress.addresses;
	return config->node_addresses.n ? &config->node_addresses : &reconcile->addresses;
}

static void problems_log(const json_t *before, const json_t *now)
{
	const json_t *events = json_object_get(before, "events");
	json_t *event, *known;
	size_t i, k;

	json_array_foreach (json_object_get(now, "events"), i, event) {
		bool told = false;

		json_array_foreach ((json_t *)events, k, known)
			told = told || json_equal(event, known);
		if (!told)
			log_warn("ingress %s/%s: %s",
				 json_string_value(json_object_get(
					 json_object_get(event, "involvedObject"), "namespace")),
				 json_string_value(json_object_get(
					 json_object_get(event, "involvedObject"), "name")),
				 json_string_value(json_object_get(event, "message")));
	}
}

static void status_update(struct ingress_control *control, const struct reconcile *reconcile,
			  const struct ingress_rules *rules)
{
	struct ingress_state state = { addresses_of(reconcile), &control->added, control->error };
	json_t *status = ingress_status_make(rules, &state, control->status, time(NULL));
	struct err err;

	if (control->status && json_equal(status, control->status)) {
		json_decref(status);
		return;
	}
	problems_log(control->status, status);
	json_decref(control->status);
	control->status = status;
	if (ingress_status_write(control->run, status, &err))
		log_warn("ingress: %s", err.text);
}

/* -------------------------------------------------------------------- rules -- */

static uint64_t files_hash(const struct ingress_files *files)
{
	uint64_t hash = HASH_START;

	for (size_t i = 0; i < files->n; i++)
		hash = hash_text(hash_text(hash, files->items[i].name), files->items[i].text);
	return hash;
}

static bool files_due(struct ingress_control *control, uint64_t hash)
{
	return hash != control->rendered ||
	       (!proxy_is_running(control->proxy) && time(NULL) - control->tried >= RETRY_SECONDS);
}

/*
 * Which pods are in the places is left out of the hash: that is told to a running HAProxy, and goes
 * into its files only with the next reload.
 */
static uint64_t rules_hash(const struct ingress_rules *rules, const struct ingress_pools *pools,
			   const struct ingress_listen *listen, const char *default_pem)
{
	struct ingress_pools places;
	struct ingress_files files;
	uint64_t hash;

	pools_copy(pools, true, &places);
	render_files(rules, &places, listen, default_pem, &files);
	hash = files_hash(&files);
	render_files_free(&files);
	pools_free(&places);
	return hash;
}

static void rules_give(struct ingress_control *control, const struct ingress_rules *rules,
		       const struct ingress_listen *listen)
{
	struct ingress_files files;

	render_files(rules, &control->pools, listen, control->default_pem, &files);
	control->tried = time(NULL);
	proxy_update(control->proxy, &files, &control->pools);
	render_files_free(&files);
}

static void rules_use(struct ingress_control *control, const struct config *config,
		      const struct ingress_rules *rules)
{
	struct ingress_listen listen = {
		.addresses = config->ingress.addresses,
		.v4_only = access(IPV6_FILE, F_OK) != 0,
		.http_port = config->ingress.http_port,
		.https_port = config->ingress.https_port,
	};
	struct ingress_pools pools;
	struct err err;
	uint64_t hash;

	if (!control->default_pem && certificate_self_signed(&control->default_pem, &err)) {
		proxy_changed(control, err.text);
		return;
	}
	if (ingress_addresses_update(&control->added, &config->ingress.addresses, &err))
		proxy_changed(control, err.text);
	pools_make(rules, &control->pools, &pools);
	pools_free(&control->pools);
	control->pools = pools;
	hash = rules_hash(rules, &pools, &listen, control->default_pem);
	if (files_due(control, hash)) {
		control->rendered = hash;
		rules_give(control, rules, &listen);
	}
	proxy_fill(control->proxy, &pools);
}

static void facts_update(struct ingress_control *control, const struct ingress_rules *rules)
{
	counts_rule(&control->counts, rules);
	facts_free(&control->problems);
	facts_free(&control->certificates);
	facts_problems(rules, &control->problems);
	facts_certificates(rules, &control->certificates);
}

bool ingress_control_metrics(struct ingress_control *control, struct ingress_metrics *ret_metrics)
{
	cleanup_free char *stats = NULL;

	if (!control->rendered)
		return false;
	*ret_metrics = (struct ingress_metrics){
		.up = proxy_is_running(control->proxy),
		.reloads = control->reloads,
		.errors = control->errors,
		.problems = &control->problems,
		.certificates = &control->certificates,
	};
	counts_copy(&control->counts, &ret_metrics->counts);
	stats = proxy_stats(control->proxy);
	if (stats)
		counts_add(&ret_metrics->counts, stats);
	return true;
}

void ingress_control_update(struct ingress_control *control, const struct reconcile *reconcile)
{
	struct ingress_rules rules;

	if (!reconcile->store)
		return;
	rules_make(reconcile->store, &control->certificates_read, &rules);
	facts_update(control, &rules);
	if (rules.ours.n) {
		rules_use(control, reconcile->config, &rules);
		status_update(control, reconcile, &rules);
	} else if (control->rendered || proxy_is_running(control->proxy)) {
		proxy_stop(control->proxy);
		pools_free(&control->pools);
		control->rendered = 0;
		status_drop(control);
		log_info("ingress: no rules any more, HAProxy ends");
	}
	rules_done(&rules);
}
