/* SPDX-License-Identifier: Apache-2.0 */
/* Service: the fields that lbctl works with. Its rules as a whole are in check_service.c. */
#include <netinet/in.h>
#include <string.h>

#include "user/k8s/check_service.h"
#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define AFFINITY_DEFAULT 10800
#define AFFINITY_MAX 86400
#define ANNOTATION_PROBE "lbctl.io/probe"

static const char *const policies[] = { "Cluster", "Local", NULL };

uint8_t protocol_decode(const struct field *port)
{
	static const char *const names[] = { "SCTP", "TCP", "UDP", NULL };
	struct field protocol = field_get(port, "protocol");
	const char *name = field_word(&protocol, names);

	if (!name || !strcmp(name, "TCP"))
		return IPPROTO_TCP;
	return !strcmp(name, "UDP") ? IPPROTO_UDP : IPPROTO_SCTP;
}

static enum service_type type_decode(const struct field *spec)
{
	static const char *const names[] = { "ClusterIP", "ExternalName", "LoadBalancer",
					     "NodePort", NULL };
	static const enum service_type types[] = { SERVICE_CLUSTER_IP, SERVICE_EXTERNAL_NAME,
						   SERVICE_LOAD_BALANCER, SERVICE_NODE_PORT };
	struct field type = field_get(spec, "type");
	const char *name = field_word(&type, names);

	for (size_t i = 0; name && names[i]; i++)
		if (!strcmp(name, names[i]))
			return types[i];
	return SERVICE_CLUSTER_IP;
}

static void selector_decode(const struct field *spec, struct service *service)
{
	struct field selector = field_get(spec, "selector");

	field_string_map(&selector, name_qualified, name_label_value);
	service->selector = labels_decode(&selector, &service->n_selector);
}

/* A number, or the name of a container's port; a string of digits is neither. */
static void target_decode(const struct field *item, struct service_port *port)
{
	struct field target = field_get(item, "targetPort");

	port->target_port = port->port;
	if (json_is_string(target.json))
		port->target_name = field_name(&target, name_port);
	else
		port->target_port = (uint16_t)field_int(&target, 1, 65535, port->port);
}

static void port_decode(const struct field *item, struct service_port *port)
{
	struct field name = field_get(item, "name");
	struct field number = field_get(item, "port");
	struct field node_port = field_get(item, "nodePort");
	struct field app_protocol = field_get(item, "appProtocol");
	const char *text = field_name(&name, name_dns1123_label);

	port->name = text ? text : "";
	port->proto = protocol_decode(item);
	field_required(&number);
	port->port = (uint16_t)field_int(&number, 1, 65535, 0);
	target_decode(item, port);
	port->node_port = field_port(&node_port);
	port->app_protocol = field_name(&app_protocol, name_qualified);
}

static void ports_decode(const struct field *spec, struct service *service)
{
	struct field ports = field_get(spec, "ports");

	service->n_ports = field_items(&ports);
	service->ports = xcalloc(service->n_ports, sizeof(*service->ports));
	for (size_t i = 0; i < service->n_ports; i++) {
		struct field item = field_at(&ports, i);

		port_decode(&item, &service->ports[i]);
	}
}

static void cluster_ips_decode(const struct field *spec, struct service *service)
{
	struct field list = field_get(spec, "clusterIPs");
	struct field single = field_get(spec, "clusterIP");
	size_t n = field_limited(&list, ARRAY_LEN(service->cluster_ips));
	const char *text = field_string(&single);

	if (!n && text) {
		service->headless = !strcmp(text, "None");
		if (!service->headless)
			service->n_cluster_ips = field_addr(&single, &service->cluster_ips[0]);
	}
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);

		text = field_string(&item);
		if (text && !strcmp(text, "None"))
			service->headless = true;
		else if (field_addr(&item, &service->cluster_ips[i]))
			service->n_cluster_ips++;
		else
			field_required(&item);
	}
}

static void families_decode(const struct field *spec, struct service *service)
{
	static const char *const families[] = { "IPv4", "IPv6", NULL };
	static const char *const family_policies[] = { "PreferDualStack", "RequireDualStack",
						       "SingleStack", NULL };
	struct field list = field_get(spec, "ipFamilies");
	struct field policy = field_get(spec, "ipFamilyPolicy");

	service->n_families = field_limited(&list, ARRAY_LEN(service->families_v4));
	for (size_t i = 0; i < service->n_families; i++) {
		struct field item = field_at(&list, i);
		const char *family = field_word(&item, families);

		field_required(&item);
		service->families_v4[i] = family && !strcmp(family, "IPv4");
	}
	service->family_policy = field_word(&policy, family_policies);
}

static void external_ips_decode(const struct field *spec, struct service *service)
{
	struct field list = field_get(spec, "externalIPs");

	service->n_external_ips = field_items(&list);
	service->external_ips = xcalloc(service->n_external_ips, sizeof(*service->external_ips));
	for (size_t i = 0; i < service->n_external_ips; i++) {
		struct field item = field_at(&list, i);

		field_required(&item);
		field_unicast(&item, &service->external_ips[i]);
	}
}

/* Blanks around a range and zeros in front of its numbers are accepted, as they always were. */
static void range_decode(const struct field *item, struct prefix *prefix)
{
	const char *text = field_string(item);
	bool v4 = text && !strchr(text, ':');
	char plain[64];
	size_t used = 0;

	for (; text && *text && used + 1 < sizeof(plain); text++) {
		bool first = !used || strchr("./", plain[used - 1]);

		if (*text == ' ')
			continue;
		if (v4 && first && *text == '0' && text[1] >= '0' && text[1] <= '9')
			continue;
		plain[used++] = *text;
	}
	plain[used] = '\0';
	if (prefix_parse(plain, prefix))
		field_invalid(item, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or "
				    "2001:db8::/64)");
}

static void source_ranges_decode(const struct field *spec, struct service *service)
{
	struct field list = field_get(spec, "loadBalancerSourceRanges");

	service->n_source_ranges = field_items(&list);
	service->source_ranges = xcalloc(service->n_source_ranges, sizeof(*service->source_ranges));
	for (size_t i = 0; i < service->n_source_ranges; i++) {
		struct field item = field_at(&list, i);

		range_decode(&item, &service->source_ranges[i]);
	}
}

static void affinity_decode(const struct field *spec, struct service *service)
{
	static const char *const kinds[] = { "ClientIP", "None", NULL };
	struct field affinity = field_get(spec, "sessionAffinity");
	struct field config = field_get(spec, "sessionAffinityConfig");
	struct field client_ip = field_get(&config, "clientIP");
	struct field timeout = field_get(&client_ip, "timeoutSeconds");
	const char *kind = field_word(&affinity, kinds);

	service->affinity_client_ip = kind && !strcmp(kind, "ClientIP");
	if (!service->affinity_client_ip) {
		if (config.json)
			field_forbidden(&config, "must not be set when session affinity is None");
		return;
	}
	service->affinity_seconds =
		(uint32_t)field_int(&timeout, 1, AFFINITY_MAX, AFFINITY_DEFAULT);
}

static void traffic_decode(const struct field *spec, struct service *service)
{
	static const char *const distributions[] = { "PreferClose", "PreferSameNode",
						     "PreferSameZone", NULL };
	struct field external = field_get(spec, "externalTrafficPolicy");
	struct field internal = field_get(spec, "internalTrafficPolicy");
	struct field health = field_get(spec, "healthCheckNodePort");
	struct field distribution = field_get(spec, "trafficDistribution");
	struct field not_ready = field_get(spec, "publishNotReadyAddresses");
	const char *external_text = field_word(&external, policies);
	const char *internal_text = field_word(&internal, policies);

	service->external_local = external_text && !strcmp(external_text, "Local");
	service->internal_local = internal_text && !strcmp(internal_text, "Local");
	service->health_check_node_port = field_port(&health);
	service->traffic_distribution = field_word(&distribution, distributions);
	service->publish_not_ready = field_bool(&not_ready, false);
}

static void status_decode(const struct field *root, struct service *service)
{
	static const char *const modes[] = { "Proxy", "VIP", NULL };
	struct field status = field_get(root, "status");
	struct field load_balancer = field_get(&status, "loadBalancer");
	struct field list = field_get(&load_balancer, "ingress");

	service->n_ingress = field_items(&list);
	service->ingress = xcalloc(service->n_ingress, sizeof(*service->ingress));
	for (size_t i = 0; i < service->n_ingress; i++) {
		struct lb_ingress *ingress = &service->ingress[i];
		struct field item = field_at(&list, i);
		struct field ip = field_get(&item, "ip");
		struct field hostname = field_get(&item, "hostname");
		struct field mode = field_get(&item, "ipMode");
		const char *mode_text = field_word(&mode, modes);

		field_addr(&ip, &ingress->addr);
		ingress->hostname = field_name(&hostname, name_dns1123_subdomain);
		ingress->proxy = mode_text && !strcmp(mode_text, "Proxy");
	}
}

struct service *service_decode(const struct field *root)
{
	struct service *service = xcalloc(1, sizeof(*service));
	struct field metadata = field_get(root, "metadata");
	struct field annotations = field_get(&metadata, "annotations");
	struct field probe = field_entry(&annotations, ANNOTATION_PROBE);
	struct field spec = field_get(root, "spec");
	struct field external_name = field_get(&spec, "externalName");
	struct field load_balancer_ip = field_get(&spec, "loadBalancerIP");
	struct field load_balancer_class = field_get(&spec, "loadBalancerClass");

	field_required(&spec);
	service->type = type_decode(&spec);
	cluster_ips_decode(&spec, service);
	ports_decode(&spec, service);
	selector_decode(&spec, service);
	families_decode(&spec, service);
	external_ips_decode(&spec, service);
	field_addr(&load_balancer_ip, &service->load_balancer_ip);
	service->load_balancer_class = field_string(&load_balancer_class);
	source_ranges_decode(&spec, service);
	affinity_decode(&spec, service);
	traffic_decode(&spec, service);
	service->external_name = field_string(&external_name);
	status_decode(root, service);
	service->probe = probe_decode_text(&probe);
	if (!root->reading->code)
		service_check(&spec, service);
	return service;
}

void service_free(struct service *service)
{
	if (!service)
		return;
	free(service->selector);
	free(service->ports);
	free(service->external_ips);
	free(service->ingress);
	free(service->source_ranges);
	probe_free(service->probe);
	free(service->texts);
	free(service);
}
