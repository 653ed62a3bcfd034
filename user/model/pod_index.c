/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/pod_index.h"

#include <string.h>

#include "user/model/hash.h"
#include "user/util/vec.h"

/* A pod under one of its labels. */
struct pod_entry {
	const struct object *pod;
	const struct label *label;
	uint32_t next; /* the chain goes on there; 0: ends. Entry 0 is unused */
};

struct pod_bucket {
	uint32_t first;
	uint32_t n;
};

struct pod_index {
	struct pod_bucket *buckets;
	size_t mask;
	struct pod_entry *items;
	size_t n, room;
};

static size_t label_slot(const struct pod_index *index, const char *ns, const char *key,
			 const char *value)
{
	uint64_t hash = hash_text(hash_text(hash_text(HASH_START, ns), key), value);

	return hash_finish(hash) & index->mask;
}

static void pod_index_add(struct pod_index *index, const struct object *pod)
{
	for (size_t i = 0; i < pod->pod->n_labels; i++) {
		const struct label *label = &pod->pod->labels[i];
		struct pod_bucket *bucket =
			&index->buckets[label_slot(index, pod->ns, label->key, label->value)];

		vec_push(index,
			 ((struct pod_entry){ .pod = pod, .label = label, .next = bucket->first }));
		bucket->first = (uint32_t)index->n - 1;
		bucket->n++;
	}
}

struct pod_index *pod_index_new(struct object *const *pods, size_t n)
{
	struct pod_index *index = xcalloc(1, sizeof(*index));
	size_t size = 64;

	while (size < n * 4)
		size *= 2;
	index->mask = size - 1;
	index->buckets = xcalloc(size, sizeof(*index->buckets));
	(void)vec_add(index);
	/* Backwards: chains grow at their head, and are to be read in the order of names. */
	for (size_t i = n; i > 0; i--)
		pod_index_add(index, pods[i - 1]);
	return index;
}

void pod_index_free(struct pod_index *index)
{
	if (!index)
		return;
	free(index->buckets);
	free(index->items);
	free(index);
}

/* The rarest label, and the chain of the pods that may have it. */
static const struct label *rarest_label(const struct pod_index *index, const char *ns,
					const struct label *labels, size_t n, uint32_t *ret_first)
{
	const struct label *best = NULL;
	uint32_t best_n = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pod_bucket *bucket =
			&index->buckets[label_slot(index, ns, labels[i].key, labels[i].value)];

		if (best && bucket->n >= best_n)
			continue;
		best = &labels[i];
		best_n = bucket->n;
		*ret_first = bucket->first;
	}
	return best;
}

void pod_index_each(const struct pod_index *index, const char *ns, const struct label *labels,
		    size_t n,
		    void (*visit)(void *arg, const struct object *pod, const struct label *known),
		    void *arg)
{
	uint32_t at = 0;
	const struct label *label = rarest_label(index, ns, labels, n, &at);

	for (; at; at = index->items[at].next) {
		const struct pod_entry *entry = &index->items[at];

		/* Other labels meet in the chain, and the same label in other namespaces. */
		if (!strcmp(entry->label->key, label->key) &&
		    !strcmp(entry->label->value, label->value) && !strcmp(entry->pod->ns, ns))
			visit(arg, entry->pod, label);
	}
}
