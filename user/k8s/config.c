/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lb/maps.h"
#include "user/k8s/config_parts.h"
#include "user/k8s/document.h"
#include "user/k8s/file.h"
#include "user/k8s/names.h"
#include "user/k8s/range.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define FLOWS_MIN 1024
#define FLOWS_MAX (1u << 26)
#define TIMEOUT_MAX 1000000

void config_check_keys(const struct field *map, const char *const *known)
{
	const char *key;
	json_t *value;

	if (!map->json)
		return;
	json_object_foreach (map->json, key, value) {
		struct field field = field_get(map, key);
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			field_fail(&field, "unknown key");
	}
}

size_t config_items(const struct field *field)
{
	if (!field->json)
		return 0;
	return json_is_string(field->json) ? 1 : field_items(field);
}

struct field config_item(const struct field *field, size_t i)
{
	return json_is_string(field->json) ? *field : field_at(field, i);
}

static void prefixes_read(const struct field *root, const char *key, struct prefix_list *list)
{
	struct field field = field_get(root, key);
	size_t n = config_items(&field);

	if (n)
		list->n = 0; /* what is given replaces the default */
	for (size_t i = 0; i < n; i++) {
		struct field item = config_item(&field, i);
		struct prefix prefix = { 0 };

		field_required(&item);
		if (field_prefix(&item, &prefix))
			vec_push(list, prefix);
	}
}

static void pools_read(const struct field *root, struct prefix_list *list)
{
	struct field field = field_get(root, "loadBalancerPools");
	size_t n = config_items(&field);

	for (size_t i = 0; i < n; i++) {
		struct field item = config_item(&field, i);
		const char *text = field_string(&item);
		struct prefix prefix;

		field_required(&item);
		if (text && strchr(text, '-')) {
			if (range_parse_addrs(text, list))
				field_invalid(&item, "must be a range of addresses of one family, "
						     "(e.g. 10.0.0.10-10.0.0.20)");
		} else if (field_prefix(&item, &prefix)) {
			vec_push(list, prefix);
		}
	}
}

static void addresses_read(const struct field *root, struct addr_list *list)
{
	struct field field = field_get(root, "nodeAddresses");
	size_t n = config_items(&field);

	for (size_t i = 0; i < n; i++) {
		struct field item = config_item(&field, i);
		struct lb_addr addr;

		field_required(&item);
		if (field_unicast(&item, &addr))
			vec_push(list, addr);
	}
}

static void ports_read(const struct field *root, const char *key, uint16_t *first, uint16_t *last)
{
	struct field field = field_get(root, key);
	const char *text = field_string(&field);

	if (text && range_parse_ports(text, first, last))
		field_invalid(&field, "must be a range of ports, (e.g. 30000-32767)");
}

static void timeouts_read(const struct field *root, struct flow_timeouts *timeouts)
{
	static const char *const keys[] = { "tcpHalfOpen", "tcpEstablished", "tcpClosing",
					    "udpOneWay",   "udpReplied",     NULL };
	uint32_t *values[] = { &timeouts->tcp_half_open, &timeouts->tcp_established,
			       &timeouts->tcp_closing, &timeouts->udp_one_way,
			       &timeouts->udp_replied };
	struct field map = field_get(root, "timeouts");

	if (field_map(&map))
		config_check_keys(&map, keys);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct field field = field_get(&map, keys[i]);

		*values[i] = (uint32_t)field_int(&field, 1, TIMEOUT_MAX, *values[i]);
	}
}

static void names_read(const struct field *root, struct config *config)
{
	struct field node_name = field_get(root, "nodeName");
	struct field zone = field_get(root, "zone");
	const char *node_text = field_name(&node_name, name_dns1123_subdomain);
	const char *zone_text = field_name(&zone, name_label_value);

	if (node_text) {
		free(config->node_name);
		config->node_name = xstrdup(node_text);
	}
	config->zone = zone_text ? xstrdup(zone_text) : NULL;
}

static void kind_check(const struct field *root)
{
	static const char *const versions[] = { "lbctl.io/v1", NULL };
	static const char *const kinds[] = { "Configuration", NULL };
	struct field version = field_get(root, "apiVersion");
	struct field kind = field_get(root, "kind");

	field_required(&version);
	field_word(&version, versions);
	field_required(&kind);
	field_word(&kind, kinds);
}

static void root_read(const struct field *root, void *arg)
{
	static const char *const keys[] = {
		"apiVersion",
		"kind",
		"nodeName",
		"zone",
		"nodeAddresses",
		"podCIDRs",
		"serviceCIDR",
		"nodePortRange",
		"nodePortAddresses",
		"externalIPs",
		"masqueradeAll",
		"icmpEcho",
		"loadBalancerPools",
		"loadBalancerDefault",
		"snatPorts",
		"flows",
		"timeouts",
		"dns",
		"ingress",
		"metrics",
		"health",
		NULL,
	};
	struct field external_ips = field_get(root, "externalIPs");
	struct field masquerade_all = field_get(root, "masqueradeAll");
	struct field icmp_echo = field_get(root, "icmpEcho");
	struct field balancer_default = field_get(root, "loadBalancerDefault");
	struct field snat = field_get(root, "snatPorts");
	struct field flows = field_get(root, "flows");
	struct config *config = arg;

	config_check_keys(root, keys);
	kind_check(root);
	names_read(root, config);
	addresses_read(root, &config->node_addresses);
	prefixes_read(root, "podCIDRs", &config->pod_cidrs);
	prefixes_read(root, "serviceCIDR", &config->service_cidrs);
	prefixes_read(root, "nodePortAddresses", &config->node_port_addresses);
	pools_read(root, &config->load_balancer_pools);
	ports_read(root, "nodePortRange", &config->node_port_first, &config->node_port_last);
	ports_read(root, "snatPorts", &config->snat_first, &config->snat_last);
	config->external_ips = field_bool(&external_ips, config->external_ips);
	config->masquerade_all = field_bool(&masquerade_all, config->masquerade_all);
	config->icmp_echo = field_bool(&icmp_echo, config->icmp_echo);
	config->load_balancer_default =
		field_bool(&balancer_default, config->load_balancer_default);
	config->flows = (uint32_t)field_int(&flows, FLOWS_MIN, FLOWS_MAX, config->flows);
	timeouts_read(root, &config->timeouts);
	config_read_dns(root, config);
	config_read_ingress(root, config);
	config_read_metrics(root, config);
	config_read_health(root, config);
	/* A masqueraded flow on a node port would be taken for a request to it. */
	if (config->snat_first <= config->node_port_last &&
	    config->node_port_first <= config->snat_last)
		field_fail(&snat, "must not overlap nodePortRange (%u-%u)", config->node_port_first,
			   config->node_port_last);
}

static int defaults_set(struct config *config, struct err *err)
{
	static const char *const service_cidrs[] = { "10.96.0.0/12", "fd00:10:96::/112" };
	const char *node = getenv("NODE_NAME"); /* what a DaemonSet is told */
	char host[256];

	if (gethostname(host, sizeof(host)))
		return err_sys(err, -errno, "host name");
	host[sizeof(host) - 1] = '\0';
	*config = (struct config){
		.node_name = xstrdup(node && *node ? node : host),
		.node_port_first = 30000,
		.node_port_last = 32767,
		.icmp_echo = true,
		.snat_first = 10000,
		.snat_last = 29999,
		.flows = LB_DEFAULT_FLOWS,
		.timeouts = { .tcp_half_open = 60,
			      .tcp_established = 86400,
			      .tcp_closing = 30,
			      .udp_one_way = 30,
			      .udp_replied = 180 },
		.dns = { .domain = xstrdup("cluster.local"), .kernel = true },
		.ingress = { .http_port = 80, .https_port = 443 },
		.metrics = { .per_backend = true, .max_series = 10000 },
	};
	for (size_t i = 0; i < ARRAY_LEN(service_cidrs); i++) {
		int r = prefix_parse(service_cidrs[i], vec_add(&config->service_cidrs));

		if (r)
			return r;
	}
	return 0;
}

/* ret_errors NULL: the first is enough. */
static int config_read(const char *file, bool required, struct config *config,
		       struct document_errors *ret_errors, struct err *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = defaults_set(config, err);

	r = r ?: file_read(file, &text, &size, err);
	if (!r)
		return document_check(file, text, size, root_read, config, ret_errors, err);
	return r == -ENOENT && !required ? 0 : r;
}

int config_load(const char *file, bool required, struct config *ret_config, struct err *err)
{
	struct config config = { 0 };
	int r = config_read(file, required, &config, NULL, err);

	if (!r)
		config_default_dns(&config);
	if (r)
		config_done(&config);
	else
		*ret_config = config;
	return r;
}

int config_check(const char *file, bool required, void (*tell)(void *arg, const char *text),
		 void *arg)
{
	struct document_errors errors = { 0 };
	struct config config = { 0 };
	struct err err;
	int r = config_read(file, required, &config, &errors, &err);

	for (size_t i = 0; i < errors.n; i++)
		tell(arg, errors.items[i].text);
	if (r && !errors.n)
		tell(arg, err.text);
	document_errors_done(&errors);
	config_done(&config);
	return r;
}

void config_done(struct config *config)
{
	free(config->node_name);
	free(config->zone);
	vec_free(&config->node_addresses);
	vec_free(&config->pod_cidrs);
	vec_free(&config->service_cidrs);
	vec_free(&config->node_port_addresses);
	vec_free(&config->load_balancer_pools);
	free(config->dns.domain);
	vec_free(&config->dns.addresses);
	vec_free(&config->dns.listen);
	vec_free(&config->dns.upstreams);
	vec_free(&config->ingress.addresses);
	vec_free(&config->health.listen);
	*config = (struct config){ 0 };
}

bool addr_lists_equal(const struct addr_list *a, const struct addr_list *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->items, b->items, a->n * sizeof(*a->items)));
}

bool addr_port_lists_equal(const struct addr_port_list *a, const struct addr_port_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->items[i].port != b->items[i].port ||
		    addr_compare(&a->items[i].addr, &b->items[i].addr))
			return false;
	return true;
}
