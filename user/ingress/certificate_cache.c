/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/certificate_cache.h"

#include <errno.h>
#include <string.h>

#include "user/ingress/certificate.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

static void entry_clear(struct certificate_entry *entry)
{
	free(entry->chain);
	free(entry->key);
	free(entry->pem);
	free(entry->error);
	entry->chain = entry->key = entry->pem = entry->error = NULL;
}

static void entry_free(struct certificate_entry *entry)
{
	entry_clear(entry);
	free(entry->ns);
	free(entry->name);
}

static int entry_compare(const struct certificate_entry *entry, const struct object *secret)
{
	int order = strcmp(entry->ns, secret->ns);

	return order ? order : strcmp(entry->name, secret->name);
}

/* The place of the secret's entry, or the one where it would be. */
static size_t entry_place(const struct certificate_cache *cache, const struct object *secret)
{
	size_t first = 0, n = cache->n;

	while (n) {
		size_t half = n / 2;

		if (entry_compare(&cache->items[first + half], secret) < 0) {
			first += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return first;
}

static struct certificate_entry *entry_of(struct certificate_cache *cache,
					  const struct object *secret)
{
	size_t place = entry_place(cache, secret);
	struct certificate_entry *entry;

	if (place < cache->n && !entry_compare(&cache->items[place], secret))
		return &cache->items[place];
	vec_add(cache);
	entry = &cache->items[place];
	memmove(entry + 1, entry, (cache->n - 1 - place) * sizeof(*entry));
	*entry = (struct certificate_entry){ .ns = xstrdup(secret->ns),
					     .name = xstrdup(secret->name) };
	return entry;
}

static const char *data_of(const struct object *secret, const char *key)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(secret->json, "data"), key));

	return text ? text : "";
}

static int certificate_read_now(const struct object *secret, char **ret_pem, time_t *ret_end,
				struct err *err)
{
	int code = certificate_of_secret(secret, ret_pem, err);

	if (!code)
		*ret_end = certificate_end(*ret_pem);
	return code;
}

static void entry_read(struct certificate_entry *entry, const struct object *secret)
{
	struct err err;

	entry_clear(entry);
	entry->chain = xstrdup(data_of(secret, "tls.crt"));
	entry->key = xstrdup(data_of(secret, "tls.key"));
	if (certificate_read_now(secret, &entry->pem, &entry->end, &err))
		entry->error = xstrdup(err.text);
}

int certificate_remembered(struct certificate_cache *cache, const struct object *secret,
			   char **ret_pem, time_t *ret_end, struct err *err)
{
	struct certificate_entry *entry;

	if (!cache)
		return certificate_read_now(secret, ret_pem, ret_end, err);
	entry = entry_of(cache, secret);
	if (!entry->chain || strcmp(entry->chain, data_of(secret, "tls.crt")) != 0 ||
	    strcmp(entry->key, data_of(secret, "tls.key")) != 0)
		entry_read(entry, secret);
	entry->used = true;
	if (!entry->pem)
		return err_set(err, -EINVAL, "%s", entry->error);
	*ret_pem = xstrdup(entry->pem);
	*ret_end = entry->end;
	return 0;
}

void certificate_cache_sweep(struct certificate_cache *cache)
{
	size_t kept = 0;

	for (size_t i = 0; i < cache->n; i++) {
		struct certificate_entry *entry = &cache->items[i];

		if (!entry->used) {
			entry_free(entry);
			continue;
		}
		entry->used = false;
		cache->items[kept++] = *entry;
	}
	cache->n = kept;
}

void certificate_cache_free(struct certificate_cache *cache)
{
	for (size_t i = 0; i < cache->n; i++)
		entry_free(&cache->items[i]);
	vec_free(cache);
}
