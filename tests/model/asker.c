/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/asker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "lb/maps.h"
#include "user/agent/desired.h"
#include "user/k8s/config.h"
#include "user/k8s/manifest.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define MAX_LOADED 8
#define SLOTS (1u << 16)
#define CLIENT_PORT 49152

/* The programs take part of the configuration when they are loaded. */
struct loaded {
	char *key;
	struct explain *explain;
};

struct asker {
	struct loaded loaded[MAX_LOADED];
	size_t n;
	struct explain *now;
	struct world world;
	const struct asker_check *check;
};

struct asker *asker_new(const struct asker_check *check)
{
	struct asker *asker = xcalloc(1, sizeof(*asker));

	asker->check = check;
	return asker;
}

void asker_free(struct asker *asker)
{
	for (size_t i = 0; i < asker->n; i++) {
		explain_close(asker->loaded[i].explain);
		free(asker->loaded[i].key);
	}
	free(asker);
}

/* ------------------------------------------------------------------ world -- */

static int add_prefixes(const struct texts *texts, struct prefix_list *list, struct err *err)
{
	for (size_t i = 0; i < texts->n; i++)
		if (prefix_parse(texts->item[i], vec_add(list)))
			return err_set(err, -EINVAL, "%s is no network", texts->item[i]);
	return 0;
}

static int config_make(const struct world *world, struct config *config, struct err *err)
{
	int r = config_load("/nowhere", false, config, err);

	if (r)
		return r;
	free(config->node_name);
	config->node_name = xstrdup(world->node);
	config->zone = *world->zone ? xstrdup(world->zone) : NULL;
	config->masquerade_all = world->masquerade_all;
	config->external_ips = world->serve_external_ips;
	r = add_prefixes(&world->pod_cidrs, &config->pod_cidrs, err);
	r = r ?: add_prefixes(&world->node_port_addresses, &config->node_port_addresses, err);
	for (size_t i = 0; i < world->node_addresses.n && !r; i++)
		if (addr_parse(world->node_addresses.item[i], vec_add(&config->node_addresses)))
			r = err_set(err, -EINVAL, "%s is no address",
				    world->node_addresses.item[i]);
	if (r)
		config_done(config);
	return r;
}

static char *loaded_key(const struct world *world)
{
	char *key = xasprintf("%d", world->masquerade_all);

	for (size_t i = 0; i < world->pod_cidrs.n + world->node_addresses.n; i++) {
		cleanup_free char *before = key;
		size_t addresses = world->node_addresses.n;

		key = xasprintf("%s %s", before,
				i < addresses ? world->node_addresses.item[i]
					      : world->pod_cidrs.item[i - addresses]);
	}
	return key;
}

static int programs_find(struct asker *asker, const struct world *world,
			 const struct config *config, struct err *err)
{
	cleanup_free char *key = loaded_key(world);
	struct loaded *loaded;
	int r;

	for (size_t i = 0; i < asker->n; i++) {
		if (!strcmp(asker->loaded[i].key, key)) {
			asker->now = asker->loaded[i].explain;
			return 0;
		}
	}
	if (asker->n == MAX_LOADED)
		return err_set(err, -E2BIG, "more configurations than programs are kept for");
	loaded = &asker->loaded[asker->n];
	r = explain_open_empty(config, SLOTS, &loaded->explain, err);
	if (r)
		return r;
	loaded->key = TAKE_PTR(key);
	asker->now = loaded->explain;
	asker->n++;
	return 0;
}

static int store_fill(const struct world *world, struct store *store, struct err *err)
{
	cleanup_free char *yaml = world_yaml(world);
	struct object_list list = { 0 };
	int r = manifest_parse("world.yaml", yaml, strlen(yaml), "default", &list, err);

	if (!r)
		store_load(store, &list);
	return r;
}

static int maps_fill(struct asker *asker, const struct store *store, const struct config *config,
		     struct err *err)
{
	const struct actual empty = { .n_slots = SLOTS,
				      .max_services = LB_MAX_SERVICES,
				      .max_frontends = LB_MAX_FRONTENDS,
				      .max_backends = LB_MAX_BACKENDS,
				      .max_ranges = LB_MAX_SOURCE_RANGES };
	struct desired desired;
	struct plan plan;
	int r;

	desired_resolve(store, config, &config->node_addresses, &desired);
	r = plan_diff(&desired, &empty, &plan, err);
	if (!r) {
		r = explain_fill(asker->now, &plan, err);
		plan_done(&plan);
	}
	desired_done(&desired);
	return r;
}

int asker_take(struct asker *asker, const struct world *world, struct err *err)
{
	struct config config = { 0 };
	struct store *store = store_new();
	int r = config_make(world, &config, err);

	if (!r) {
		r = store_fill(world, store, err);
		r = r ?: programs_find(asker, world, &config, err);
		r = r ?: maps_fill(asker, store, &config, err);
		config_done(&config);
	}
	store_free(store);
	asker->world = *world;
	return r;
}

/* --------------------------------------------------------------- question -- */

static int question_make(const struct asker *asker, const struct world_question *from,
			 struct explain_question *question, struct err *err)
{
	*question = (struct explain_question){
		.origin = EXPLAIN_NODE,
		.proto = !strcmp(from->proto, "TCP")   ? IPPROTO_TCP
			 : !strcmp(from->proto, "UDP") ? IPPROTO_UDP
						       : IPPROTO_SCTP,
		.from_port = htons(CLIENT_PORT),
		.to_port = htons((uint16_t)from->port),
	};
	if (addr_parse(from->to, &question->to))
		return err_set(err, -EINVAL, "%s is no address", from->to);
	if (!*from->from) {
		question->from = explain_node_source(asker->now, &question->to);
		return 0;
	}
	if (addr_parse(from->from, &question->from))
		return err_set(err, -EINVAL, "%s is no address", from->from);
	question->origin = explain_origin(asker->now, &question->from);
	return 0;
}

static void add_candidate(char **at, const char *addr, unsigned int port, bool local,
			  bool masquerade)
{
	char alias[TEXT], number[16] = "";

	if (port != 8080)
		snprintf(number, sizeof(number), ":%u", port);
	*at += sprintf(*at, " %s%s%s%s", alias_of(addr, alias), number, local ? "l" : "",
		       masquerade ? "m" : "");
}

/* The one backend that was chosen must be a candidate, and be treated as one. */
static int answer_check(const struct explain_answer *answer, struct err *err)
{
	const struct explain_candidate *chosen = explain_chosen(answer);

	if (answer->note.verdict != LB_EXPLAIN_FORWARD)
		return 0;
	if (!chosen)
		return err_set(err, -EPROTO, "chosen was what is no candidate");
	if (chosen->masquerade != answer->note.masquerade ||
	    addr_compare(&chosen->value.addr, &answer->note.new_daddr) ||
	    chosen->value.port != answer->note.new_dport)
		return err_set(err, -EPROTO, "what was chosen is treated in another way");
	return 0;
}

static void answer_text(const struct explain_answer *answer, char *text)
{
	static const char *const verdicts[] = { "none", "pass", "forward", "reject", "drop" };
	char *at = text + sprintf(text, "%s", verdicts[answer->note.verdict]);

	if (answer->matched)
		at += sprintf(at, " %s", answer->name.name);
	for (size_t i = 0; i < answer->n_candidates; i++) {
		const struct lb_backend *value = &answer->candidates[i].value;
		char addr[ADDR_TEXT];

		add_candidate(&at, addr_format(&value->addr, addr), ntohs(value->port),
			      value->flags & LB_BACKEND_LOCAL, answer->candidates[i].masquerade);
	}
}

static int ask_once(struct asker *asker, const struct explain_question *question, const char *hook,
		    char *text, struct err *err)
{
	struct explain_answer answer;
	int r = explain_ask(asker->now, question, &answer, err);

	if (r)
		return r;
	if (strcmp(answer.hook, hook) != 0)
		r = err_set(err, -EPROTO, "asked was %s instead of %s", answer.hook, hook);
	r = r ?: answer_check(&answer, err);
	if (!r && asker->check)
		r = asker->check->run(asker->check->arg, asker->now, question, &answer, err);
	answer_text(&answer, text);
	explain_answer_done(&answer);
	return r;
}

/* A pod's packets may arrive at the NIC, and a NIC may have TC alone: both say the same. */
static int ask_packet(struct asker *asker, struct explain_question *question, char *text,
		      struct err *err)
{
	char by_tc[ANSWER_TEXT];
	int r;

	question->origin = EXPLAIN_OUTSIDE;
	r = ask_once(asker, question, "xdp", text, err);
	question->origin = EXPLAIN_POD;
	r = r ?: ask_once(asker, question, "tc", by_tc, err);
	if (!r && strcmp(text, by_tc) != 0)
		r = err_set(err, -EPROTO, "XDP says \"%s\", TC says \"%s\"", text, by_tc);
	return r;
}

int asker_ask(struct asker *asker, const struct world_question *question, char *ret_text,
	      struct err *err)
{
	static const char *const origins[] = {
		[EXPLAIN_OUTSIDE] = "outside", [EXPLAIN_POD] = "pod", [EXPLAIN_NODE] = "node"
	};
	const char *origin = model_origin(&asker->world, question);
	struct explain_question asked;
	int r = question_make(asker, question, &asked, err);

	if (r)
		return r;
	if (strcmp(origins[asked.origin], origin) != 0)
		return err_set(err, -EPROTO, "%s is taken for %s, not for %s", question->from,
			       origins[asked.origin], origin);
	if (asked.origin == EXPLAIN_NODE)
		return ask_once(asker, &asked, "socket", ret_text, err);
	return ask_packet(asker, &asked, ret_text, err);
}

void model_text(const struct model_answer *answer, char *text)
{
	static const char *const fates[] = { "pass", "forward", "reject", "drop" };
	char *at = text + sprintf(text, "%s", fates[answer->fate]);

	if (answer->service)
		at += sprintf(at, " %s", answer->service->name);
	for (size_t i = 0; i < answer->n_candidates; i++) {
		const struct model_candidate *candidate = &answer->candidates[i];

		add_candidate(&at, candidate->addr, candidate->port, candidate->local,
			      candidate->masquerade);
	}
}
