/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "user/k8s/config_parts.h"
#include "user/k8s/names.h"
#include "user/util/vec.h"

#define DNS_PORT 53
/* _port._protocol.service.namespace.svc. has to fit in front of it. */
#define DOMAIN_MAX 63
/* Where clusters have their DNS service: the tenth address of the range. */
#define DNS_ADDRESS 10

static void domain_read(const struct field *dns, struct dns_config *config)
{
	struct field field = field_get(dns, "domain");
	const char *text = field_string(&field);
	size_t length = text ? strlen(text) : 0;
	char *domain;

	if (!text)
		return;
	domain = xstrdup(text);
	if (length > 1 && domain[length - 1] == '.')
		domain[--length] = '\0';
	for (char *c = domain; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (name_dns1123_subdomain(domain))
		field_invalid(&field, "%s", name_dns1123_subdomain(domain));
	else if (length > DOMAIN_MAX)
		field_invalid(&field, "must be no more than %d characters", DOMAIN_MAX);
	free(config->domain);
	config->domain = domain;
}

static void addresses_read(const struct field *dns, struct dns_config *config)
{
	struct field field = field_get(dns, "address");
	size_t n = config_items(&field);
	bool seen[2] = { false };

	for (size_t i = 0; i < n; i++) {
		struct field item = config_item(&field, i);
		struct lb_addr addr;

		field_required(&item);
		if (!field_unicast(&item, &addr))
			continue;
		if (seen[addr_is_v4(&addr)])
			field_fail(&item, "must not have a second address of one family");
		seen[addr_is_v4(&addr)] = true;
		vec_push(&config->addresses, addr);
	}
}

/* An address, or address:port as addr_port_format prints it. */
static bool server_parse(const char *text, struct addr_port *ret)
{
	if (!addr_port_parse(text, &ret->addr, &ret->port))
		return true;
	ret->port = htons(DNS_PORT);
	return !addr_parse(text, &ret->addr);
}

static void servers_read(const struct field *dns, const char *key, struct addr_port_list *list)
{
	struct field field = field_get(dns, key);
	size_t n = config_items(&field);

	for (size_t i = 0; i < n; i++) {
		struct field item = config_item(&field, i);
		const char *text = field_string(&item);
		struct addr_port server;

		field_required(&item);
		if (!text)
			continue;
		if (!server_parse(text, &server) || !server.port || addr_is_zero(&server.addr))
			field_invalid(&item, "must be an address, or address:port "
					     "(e.g. 127.0.0.1:53, [::1]:53)");
		else
			vec_push(list, server);
	}
}

void config_read_dns(const struct field *root, struct config *config)
{
	static const char *const keys[] = { "domain",	 "address", "listen",
					    "upstreams", "kernel",  NULL };
	struct field dns = field_get(root, "dns");
	struct field upstreams = field_get(&dns, "upstreams");
	struct field kernel = field_get(&dns, "kernel");

	if (!field_map(&dns))
		return;
	config_check_keys(&dns, keys);
	domain_read(&dns, &config->dns);
	addresses_read(&dns, &config->dns);
	servers_read(&dns, "listen", &config->dns.listen);
	servers_read(&dns, "upstreams", &config->dns.upstreams);
	config->dns.upstreams_given = upstreams.json;
	config->dns.kernel = field_bool(&kernel, config->dns.kernel);
}

void config_default_dns(struct config *config)
{
	bool seen[2] = { false };

	if (config->dns.addresses.n)
		return;
	for (size_t i = 0; i < config->service_cidrs.n; i++) {
		const struct prefix *prefix = &config->service_cidrs.items[i];

		if (seen[prefix->v4] || prefix_size(prefix) <= DNS_ADDRESS)
			continue;
		seen[prefix->v4] = true;
		vec_push(&config->dns.addresses, prefix_nth(prefix, DNS_ADDRESS));
	}
}
