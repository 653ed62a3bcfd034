/* SPDX-License-Identifier: Apache-2.0 */
/* What a request meets. */
#include <string.h>

#include "user/ingress/path.h"
#include "user/ingress/rules.h"

/* The host of the rules that a name is looked up in: itself, its wildcard, or all. */
static const char *host_choose(const struct ingress_rules *rules, const char *name)
{
	const char *wildcard = NULL;

	for (size_t i = 0; i < rules->entries.n; i++) {
		const char *host = rules->entries.items[i].host;

		if (!strcmp(host, name))
			return host;
		if (*host && rules_host_matches(host, name))
			wildcard = host;
	}
	return wildcard ? wildcard : "";
}

bool rules_has_regex(const struct ingress_rules *rules, const char *host)
{
	for (size_t i = 0; i < rules->entries.n; i++)
		if (rules->entries.items[i].match == INGRESS_REGEX &&
		    !strcmp(rules->entries.items[i].host, host))
			return true;
	return false;
}

size_t rules_length(const struct ingress_rules *rules, const struct ingress_entry *entry)
{
	const char *path = rules->routes.items[entry->route].path;

	return path ? strlen(path) : 0;
}

/* Of equally long ones the first. */
static bool entry_is_better(const struct ingress_rules *rules, const struct ingress_entry *entry,
			    const struct ingress_entry *best, bool regex)
{
	if (!best)
		return true;
	return regex ? rules_length(rules, entry) > rules_length(rules, best)
		     : strlen(entry->path) > strlen(best->path);
}

static bool entry_matches(const struct ingress_entry *entry, const char *path)
{
	return entry->match == INGRESS_REGEX ? path_matches(entry->path, path)
					     : path_is_below(entry->path, path);
}

const struct ingress_entry *rules_find(const struct ingress_rules *rules, const char *host,
				       const char *path)
{
	const char *chosen = host_choose(rules, host);
	const struct ingress_entry *best = NULL;
	bool regex = rules_has_regex(rules, chosen);

	for (size_t i = 0; i < rules->entries.n; i++) {
		const struct ingress_entry *entry = &rules->entries.items[i];

		if (strcmp(entry->host, chosen) != 0)
			continue;
		if (entry->match == INGRESS_EXACT && !strcmp(entry->path, path))
			return entry;
		if (entry->match != INGRESS_EXACT && entry_is_better(rules, entry, best, regex) &&
		    entry_matches(entry, path))
			best = entry;
	}
	return best;
}

/* As HAProxy: a name before a wildcard, the first of equals. */
const struct ingress_certificate *rules_certificate(const struct ingress_rules *rules,
						    const char *host)
{
	const struct ingress_certificate *wildcard = NULL;

	for (size_t i = 0; i < rules->certificates.n; i++) {
		const struct ingress_certificate *certificate = &rules->certificates.items[i];

		for (size_t k = 0; k < certificate->n_hosts; k++) {
			if (!strcmp(certificate->hosts[k], host))
				return certificate;
			if (!wildcard && rules_host_matches(certificate->hosts[k], host))
				wildcard = certificate;
		}
	}
	return wildcard;
}
