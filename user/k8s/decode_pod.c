/* SPDX-License-Identifier: Apache-2.0 */
/* Pod: where it is, what it listens on, whether it is ready. */
#include <string.h>

#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

struct port_list {
	struct container_port *items;
	size_t n, room;
};

static void port_decode(const struct field *item, struct container_port *port)
{
	struct field name = field_get(item, "name");
	struct field number = field_get(item, "containerPort");
	struct field host_port = field_get(item, "hostPort");

	field_required(&number);
	port->name = field_name(&name, name_port);
	port->port = (uint16_t)field_int(&number, 1, 65535, 0);
	port->proto = protocol_decode(item);
	field_port(&host_port);
}

static void container_decode(const struct field *item, struct port_list *ports, struct pod *pod)
{
	struct field list = field_get(item, "ports");
	struct field probe = field_get(item, "readinessProbe");
	cleanup_json json_t *names = json_object();
	size_t n = field_items(&list);

	pod->has_probe |= field_map(&probe);
	for (size_t i = 0; i < n; i++) {
		struct container_port *port = vec_add(ports);
		struct field port_item = field_at(&list, i);
		struct field name = field_get(&port_item, "name");

		port_decode(&port_item, port);
		if (!port->name)
			continue;
		if (json_object_get(names, port->name))
			field_duplicate(&name);
		json_object_set_new(names, port->name, json_true());
	}
}

static void containers_decode(const struct field *spec, struct pod *pod)
{
	struct field list = field_get(spec, "containers");
	cleanup_json json_t *names = json_object();
	size_t n = field_items(&list);
	struct port_list ports = { 0 };

	if (!n)
		field_fail(&list, "Required value");
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		struct field name = field_get(&item, "name");
		const char *text = field_name(&name, name_dns1123_label);

		field_required(&name);
		if (text && json_object_get(names, text))
			field_duplicate(&name);
		if (text)
			json_object_set_new(names, text, json_true());
		container_decode(&item, &ports, pod);
	}
	pod->ports = ports.items;
	pod->n_ports = ports.n;
}

static void ips_decode(const struct field *status, struct pod *pod)
{
	struct field single = field_get(status, "podIP");
	struct field list = field_get(status, "podIPs");
	size_t n = field_limited(&list, ARRAY_LEN(pod->ips));
	struct lb_addr one;
	bool given = field_addr(&single, &one);

	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		struct field ip = field_get(&item, "ip");

		field_required(&ip);
		pod->n_ips += field_addr(&ip, &pod->ips[i]);
	}
	if (!n && given)
		pod->ips[pod->n_ips++] = one;
	else if (given && pod->n_ips && addr_compare(&one, &pod->ips[0]) != 0)
		field_invalid(&single, "must match `podIPs[0].ip`");
	if (pod->n_ips == 2 && addr_is_v4(&pod->ips[0]) == addr_is_v4(&pod->ips[1]))
		field_fail(&list,
			   "Invalid value: may specify no more than one IP for each IP family");
}

static void conditions_decode(const struct field *status, struct pod *pod)
{
	static const char *const values[] = { "False", "True", "Unknown", NULL };
	struct field list = field_get(status, "conditions");
	size_t n = field_items(&list);

	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		struct field type = field_get(&item, "type");
		struct field value = field_get(&item, "status");
		const char *type_text = field_string(&type);
		const char *value_text = field_word(&value, values);

		field_required(&type);
		field_required(&value);
		if (!type_text || strcmp(type_text, "Ready") != 0)
			continue;
		pod->has_ready = true;
		pod->ready = value_text && !strcmp(value_text, "True");
	}
}

struct pod *pod_decode(const struct field *root)
{
	struct pod *pod = xcalloc(1, sizeof(*pod));
	struct field metadata = field_get(root, "metadata");
	struct field deleted = field_get(&metadata, "deletionTimestamp");
	struct field spec = field_get(root, "spec");
	struct field node_name = field_get(&spec, "nodeName");
	struct field hostname = field_get(&spec, "hostname");
	struct field subdomain = field_get(&spec, "subdomain");
	struct field status = field_get(root, "status");
	struct field phase = field_get(&status, "phase");

	containers_decode(&spec, pod);
	pod->node_name = field_name(&node_name, name_dns1123_subdomain);
	pod->hostname = field_name(&hostname, name_dns1123_label);
	pod->subdomain = field_name(&subdomain, name_dns1123_label);
	pod->phase = field_string(&phase);
	pod->terminating = field_string(&deleted);
	ips_decode(&status, pod);
	conditions_decode(&status, pod);
	return pod;
}

void pod_free(struct pod *pod)
{
	if (!pod)
		return;
	free(pod->ports);
	free(pod);
}
