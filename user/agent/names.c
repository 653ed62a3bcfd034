/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/names.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "user/datapath/names.h"
#include "user/dns/builtin.h"
#include "user/dns/local.h"
#include "user/dns/table.h"
#include "user/util/cleanup.h"
#include "user/util/log.h"
#include "user/util/vec.h"

static void cluster_addresses(const struct config *config, struct addr_port_list *list)
{
	for (size_t i = 0; i < config->dns.addresses.n; i++)
		vec_push(list, ((struct addr_port){ config->dns.addresses.items[i],
						    htons(BUILTIN_PORT) }));
}

static struct addr_port_list wanted_list(const struct config *config, bool cluster)
{
	struct addr_port_list list = { 0 };

	if (cluster)
		cluster_addresses(config, &list);
	for (size_t i = 0; i < config->dns.listen.n; i++)
		vec_push(&list, config->dns.listen.items[i]);
	return list;
}

static int addresses_add(struct names *names, const struct config *config, struct err *err)
{
	for (size_t i = 0; i < config->dns.addresses.n; i++) {
		const struct lb_addr *addr = &config->dns.addresses.items[i];
		int code = local_add(addr, err);

		if (code)
			return code;
		vec_push(&names->added, *addr);
	}
	return 0;
}

static int names_open(struct names *names, const struct config *config,
		      const struct addr_port_list *wanted, bool cluster, struct err *err)
{
	struct addr_port_list own = { 0 };
	int code = cluster ? addresses_add(names, config, err) : 0;

	/* The cluster's address is this server also while it is not served. */
	cluster_addresses(config, &own);
	for (size_t i = 0; i < config->dns.listen.n; i++)
		vec_push(&own, config->dns.listen.items[i]);
	if (!code)
		code = dns_server_open(config, wanted, &own, &names->server, err);
	vec_free(&own);
	return code;
}

static void error_tell(char **told, const char *what, const char *error)
{
	if (error && (!*told || strcmp(*told, error) != 0))
		log_warn("%s: %s", what, error);
	free(*told);
	*told = error ? xstrdup(error) : NULL;
}

static void server_update(struct names *names, const struct config *config, bool cluster)
{
	struct addr_port_list wanted = wanted_list(config, cluster);
	struct err err;

	if (addr_port_lists_equal(&wanted, &names->listening)) {
		vec_free(&wanted);
		return;
	}
	names_close(names);
	if (names_open(names, config, &wanted, cluster, &err)) {
		error_tell(&names->error, "DNS is not served", err.text);
		vec_free(&wanted);
		names_close(names);
		return;
	}
	error_tell(&names->error, NULL, NULL);
	names->listening = wanted;
}

static bool zone_has(void *arg, const struct lb_dns_key *key)
{
	return table_has(arg, key);
}

/* The packet programs get the zone that the server has, unless they have it. */
static void kernel_update(struct names *names, struct datapath *dp)
{
	struct datapath_names wanted = {
		.meta = table_meta(names->zone, dns_server_forwards(names->server)),
		.has = zone_has,
		.arg = names->zone,
	};
	struct table_entries table;
	struct err err;
	int code;

	if (datapath_names_are(dp, &wanted.meta))
		return;
	table_make(names->zone, &table);
	wanted.keys = table.keys;
	wanted.values = table.values;
	wanted.n = table.n;
	code = datapath_set_names(dp, &wanted, &err);
	error_tell(&names->kernel_error, "names are not answered in the kernel",
		   code ? err.text : NULL);
	table_done(&table);
}

static void zone_update(struct names *names, const struct config *config, const struct store *store)
{
	struct zone *zone = zone_new(store, config, (uint32_t)time(NULL));

	if (names->zone && zone_equal(names->zone, zone)) {
		zone_free(zone);
		return;
	}
	/* Each zone has a serial of its own: by it the maps are known to be old. */
	if (names->zone && names->zone->serial >= zone->serial)
		zone_serial_set(zone, names->zone->serial + 1);
	zone_free(names->zone);
	names->zone = zone_share(zone);
	dns_server_set_zone(names->server, zone);
}

void names_update(struct names *names, const struct config *config, const struct store *store,
		  bool stale, struct datapath *dp)
{
	server_update(names, config, dp);
	if (!names->server || !store)
		return;
	if (stale || !names->zone)
		zone_update(names, config, store);
	if (dp && config->dns.kernel)
		kernel_update(names, dp);
}

void names_close(struct names *names)
{
	if (names->server)
		dns_server_close(names->server);
	for (size_t i = 0; i < names->added.n; i++)
		(void)local_remove(&names->added.items[i]);
	vec_free(&names->added);
	vec_free(&names->listening);
	zone_free(names->zone);
	names->server = NULL;
	names->zone = NULL;
}

void names_done(struct names *names)
{
	names_close(names);
	free(names->error);
	free(names->kernel_error);
	names->error = names->kernel_error = NULL;
}
