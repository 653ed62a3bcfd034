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

const struct ingress_entry *rules_find(const struct ingress_rules *rules, const char *host,
				       const char *path)
{
	const char *chosen = host_choose(rules, host);
	const struct ingress_entry *best = NULL;

	for (size_t i = 0; i < rules->entries.n; i++) {
		const struct ingress_entry *entry = &rules->entries.items[i];

		if (strcmp(entry->host, chosen) != 0)
			continue;
		if (entry->exact && !strcmp(entry->path, path))
			return entry;
		if (!entry->exact && path_is_below(entry->path, path) &&
		    (!best || strlen(entry->path) > strlen(best->path)))
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
