/* SPDX-License-Identifier: Apache-2.0 */
/* Pod: where it is, what it listens on, how it is probed, whether it is ready. */
#include <string.h>

#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/util/cleanup.h"
#include "user/util/num.h"
#include "user/util/vec.h"

#define WEIGHT_MAX 100

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

static void probes_decode(const struct field *item, const struct container_port *ports,
			  size_t n_ports, struct container *container)
{
	static const char *const keys[] = { [PROBE_STARTUP] = "startupProbe",
					    [PROBE_READINESS] = "readinessProbe",
					    [PROBE_LIVENESS] = "livenessProbe" };

	for (enum probe_kind kind = 0; kind < PROBE_KINDS; kind++) {
		struct field probe = field_get(item, keys[kind]);

		container->probes[kind] = probe_decode(&probe, kind, ports, n_ports);
	}
}

/* What is not given stays as it was: a container's word counts before its pod's. */
static void user_decode(const struct field *item, int64_t *user, int64_t *group)
{
	struct field context = field_get(item, "securityContext");
	struct field run_as_user = field_get(&context, "runAsUser");
	struct field run_as_group = field_get(&context, "runAsGroup");

	*user = field_int(&run_as_user, 0, INT32_MAX, *user);
	*group = field_int(&run_as_group, 0, INT32_MAX, *group);
}

static void container_decode(const struct field *item, struct port_list *ports,
			     struct container *container)
{
	struct field list = field_get(item, "ports");
	cleanup_json json_t *names = json_object();
	size_t n = field_items(&list), first = ports->n;

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
	probes_decode(item, n ? ports->items + first : NULL, n, container);
	user_decode(item, &container->run_as_user, &container->run_as_group);
}

static void containers_decode(const struct field *spec, struct pod *pod)
{
	struct field list = field_get(spec, "containers");
	cleanup_json json_t *names = json_object();
	size_t n = field_items(&list);
	struct port_list ports = { 0 };
	int64_t user = -1, group = -1;

	if (!n)
		field_fail(&list, "Required value");
	user_decode(spec, &user, &group);
	pod->containers = xcalloc(n, sizeof(*pod->containers));
	pod->n_containers = n;
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		struct field name = field_get(&item, "name");
		const char *text = field_name(&name, name_dns1123_label);

		field_required(&name);
		if (text && json_object_get(names, text))
			field_duplicate(&name);
		if (text)
			json_object_set_new(names, text, json_true());
		pod->containers[i] = (struct container){ .name = text,
							 .run_as_user = user,
							 .run_as_group = group };
		container_decode(&item, &ports, &pod->containers[i]);
		pod->has_probe |= pod->containers[i].probes[PROBE_READINESS] ||
				  pod->containers[i].probes[PROBE_STARTUP];
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

static bool condition_is_true(const struct field *status, const char *type)
{
	struct field list = field_get(status, "conditions");
	size_t n = field_items(&list);

	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		struct field other = field_get(&item, "type");
		struct field value = field_get(&item, "status");
		const char *type_text = field_string(&other), *text = field_string(&value);

		if (type_text && text && !strcmp(type_text, type))
			return !strcmp(text, "True");
	}
	return false;
}

static void gates_decode(const struct field *spec, const struct field *status, struct pod *pod)
{
	struct field list = field_get(spec, "readinessGates");
	size_t n = field_items(&list);

	pod->gates_open = true;
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		struct field type = field_get(&item, "conditionType");
		const char *text = field_name(&type, name_qualified);

		field_required(&type);
		pod->gates_open = pod->gates_open && text && condition_is_true(status, text);
	}
}

uint16_t weight_decode(const struct field *metadata)
{
	struct field annotations = field_get(metadata, "annotations");
	struct field weight = field_entry(&annotations, "lbctl.io/weight");
	const char *text = field_string(&weight);
	uint64_t number = 0;

	if (text && num_parse(text, 1, WEIGHT_MAX, &number))
		field_invalid(&weight, "must be between 1 and %d, inclusive", WEIGHT_MAX);
	return (uint16_t)number;
}

struct pod *pod_decode(const struct field *root)
{
	struct pod *pod = xcalloc(1, sizeof(*pod));
	struct field metadata = field_get(root, "metadata");
	struct field labels = field_get(&metadata, "labels");
	struct field deleted = field_get(&metadata, "deletionTimestamp");
	struct field spec = field_get(root, "spec");
	struct field node_name = field_get(&spec, "nodeName");
	struct field hostname = field_get(&spec, "hostname");
	struct field subdomain = field_get(&spec, "subdomain");
	struct field status = field_get(root, "status");
	struct field phase = field_get(&status, "phase");

	pod->labels = labels_decode(&labels, &pod->n_labels);
	containers_decode(&spec, pod);
	pod->node_name = field_name(&node_name, name_dns1123_subdomain);
	pod->hostname = field_name(&hostname, name_dns1123_label);
	pod->subdomain = field_name(&subdomain, name_dns1123_label);
	pod->phase = field_string(&phase);
	pod->terminating = field_string(&deleted);
	pod->weight = weight_decode(&metadata);
	ips_decode(&status, pod);
	conditions_decode(&status, pod);
	gates_decode(&spec, &status, pod);
	return pod;
}

void pod_containers_free(struct pod *pod)
{
	for (size_t i = 0; i < pod->n_containers; i++) {
		for (enum probe_kind kind = 0; kind < PROBE_KINDS; kind++)
			probe_free(pod->containers[i].probes[kind]);
		free(pod->containers[i].reason);
	}
	free(pod->containers);
	pod->containers = NULL;
	pod->n_containers = 0;
}

void pod_free(struct pod *pod)
{
	if (!pod)
		return;
	pod_containers_free(pod);
	free(pod->labels);
	free(pod->ports);
	free(pod->texts);
	free(pod);
}
