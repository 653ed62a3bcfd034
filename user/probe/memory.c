/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/memory.h"

#include <string.h>

#include "user/probe/journal.h"
#include "user/probe/verdict.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

static const char *const states[] = {
	[PROBED_NOT] = "unknown", [PROBED_READY] = "ready", [PROBED_UNREADY] = "unready"
};

json_t *memory_json(const struct memory_item *item)
{
	const struct target_key *key = &item->key;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "kind",
			 k8s_kinds[key->kind].kind, "namespace", key->ns, "name", key->name, "part",
			 key->part, "probe", target_probe_word(key->probe), "identity",
			 item->identity, "state", states[item->value], "reason", item->reason,
			 "since", (json_int_t)item->since);
}

/* The index of text among words, n when it is none of them. */
static size_t word_find(const char *const *words, size_t n, const char *text)
{
	size_t i = 0;

	while (i < n && strcmp(words[i], text) != 0)
		i++;
	return i;
}

static void line_take(void *arg, const json_t *line)
{
	static const char *const names[] = { "namespace", "name",  "part", "identity",
					     "reason",	  "state", "probe" };
	const char *texts[ARRAY_LEN(names)], *kind = tree_text(line, "kind");
	struct memory *memory = arg;
	struct memory_item item = { .since = tree_int(line, "since"), .order = memory->n };
	size_t state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		texts[i] = tree_text(line, names[i]);
		if (!texts[i])
			return;
	}
	state = word_find(states, ARRAY_LEN(states), texts[5]);
	while (item.key.probe < PROBE_KINDS &&
	       strcmp(target_probe_word(item.key.probe), texts[6]) != 0)
		item.key.probe++;
	item.key.kind = kind && !strcmp(kind, k8s_kinds[K8S_SERVICE].kind) ? K8S_SERVICE : K8S_POD;
	if (state == ARRAY_LEN(states) || item.key.probe == PROBE_KINDS)
		return;
	item.value = (enum probed)state;
	item.key.ns = xstrdup(texts[0]);
	item.key.name = xstrdup(texts[1]);
	item.key.part = xstrdup(texts[2]);
	item.identity = xstrdup(texts[3]);
	item.reason = xstrdup(texts[4]);
	vec_push(memory, item);
}

static void item_done(const struct memory_item *item)
{
	free((char *)item->key.ns);
	free((char *)item->key.name);
	free((char *)item->key.part);
	free((char *)item->identity);
	free((char *)item->reason);
}

static int item_compare(const void *a, const void *b)
{
	const struct memory_item *x = a, *y = b;
	int order = target_key_compare(&x->key, &y->key);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

void memory_load(const char *run, struct memory *ret_memory)
{
	struct memory memory = { 0 };
	size_t kept = 0;

	journal_read(run, MEMORY_FILE, line_take, &memory);
	if (memory.n)
		qsort(memory.items, memory.n, sizeof(*memory.items), item_compare);
	for (size_t i = 0; i < memory.n; i++) {
		if (kept && !target_key_compare(&memory.items[kept - 1].key, &memory.items[i].key))
			item_done(&memory.items[--kept]);
		memory.items[kept++] = memory.items[i];
	}
	memory.n = kept;
	*ret_memory = memory;
}

bool memory_exists(const char *run)
{
	cleanup_free char *path = xasprintf("%s/%s", run, MEMORY_FILE);

	return !access(path, F_OK);
}

void memory_done(struct memory *memory)
{
	for (size_t i = 0; i < memory->n; i++)
		item_done(&memory->items[i]);
	vec_free(memory);
}

static int key_compare(const void *a, const void *b)
{
	return target_key_compare(a, &((const struct memory_item *)b)->key);
}

const struct memory_item *memory_find(const struct memory *memory, const struct target_key *key,
				      const char *identity)
{
	const struct memory_item *item = NULL;

	if (memory->n)
		item = bsearch(key, memory->items, memory->n, sizeof(*memory->items), key_compare);
	return item && !strcmp(item->identity, identity) ? item : NULL;
}

/* ------------------------------------------------------------ as results -- */

static enum probed container_probed(void *arg, const struct object *pod,
				    const struct container *container)
{
	cleanup_free char *identity = target_identity(pod, container);
	struct target_key key = { K8S_POD, pod->ns, pod->name,
				  container->name ? container->name : "", PROBE_STARTUP };
	const enum probed *values[2] = { NULL, NULL };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const struct memory_item *item;

		key.probe = i ? PROBE_READINESS : PROBE_STARTUP;
		if (!container->probes[key.probe])
			continue;
		item = memory_find(arg, &key, identity);
		if (!item)
			return PROBED_NOT;
		values[i] = &item->value;
	}
	return verdict_of_container(values[0], values[1]);
}

/* Of the readiness probe, or of the startup probe that it waits for. */
static const char *container_reason(void *arg, const struct object *pod,
				    const struct container *container)
{
	cleanup_free char *identity = target_identity(pod, container);
	struct target_key key = { K8S_POD, pod->ns, pod->name,
				  container->name ? container->name : "", PROBE_READINESS };
	const struct memory_item *item = memory_find(arg, &key, identity);

	if (!item || !*item->reason) {
		key.probe = PROBE_STARTUP;
		item = memory_find(arg, &key, identity);
	}
	return item && *item->reason ? item->reason : NULL;
}

static enum probed endpoint_probed(void *arg, const struct object *service,
				   const struct lb_addr *addr)
{
	char text[ADDR_TEXT];
	struct target_key key = { K8S_SERVICE, service->ns, service->name, addr_format(addr, text),
				  PROBE_READINESS };
	const struct memory_item *item = memory_find(arg, &key, "");

	return item ? item->value : PROBED_NOT;
}

struct readiness memory_readiness(const struct memory *memory)
{
	return (struct readiness){ .container = container_probed,
				   .endpoint = endpoint_probed,
				   .reason = container_reason,
				   .arg = (void *)memory };
}
