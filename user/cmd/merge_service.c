/* SPDX-License-Identifier: Apache-2.0 */
/* What the API server does to a Service that is updated, before it validates it. */
#include <errno.h>
#include <string.h>

#include "user/cmd/merge.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

static bool is_type(const json_t *service, const char *type)
{
	const char *have = tree_text(service, "spec.type");

	return !strcmp(have ? have : "ClusterIP", type);
}

static bool is_external(const json_t *service)
{
	return is_type(service, "NodePort") || is_type(service, "LoadBalancer");
}

static void drop_equal(json_t *merged, const json_t *stored, const char *path)
{
	if (json_equal(tree_get(merged, path), tree_get(stored, path)))
		tree_delete(merged, path);
}

static void drop_node_ports(json_t *merged, const json_t *stored)
{
	const json_t *ports = tree_get(merged, "spec.ports");
	const json_t *old = tree_get(stored, "spec.ports");
	json_t *port, *other;
	size_t i, j;

	json_array_foreach ((json_t *)ports, i, port) {
		const json_t *node_port = json_object_get(port, "nodePort");

		json_array_foreach ((json_t *)old, j, other) {
			if (node_port &&
			    json_equal(node_port, json_object_get(other, "nodePort"))) {
				json_object_del(port, "nodePort");
				break;
			}
		}
	}
}

/* From two families to one: the first of each stays. */
static void trim_second_family(json_t *merged, const json_t *stored)
{
	static const char *const lists[] = { "spec.clusterIPs", "spec.ipFamilies" };
	const char *policy = tree_text(merged, "spec.ipFamilyPolicy");

	if (!policy || strcmp(policy, "SingleStack") != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		json_t *list = tree_get(merged, lists[i]);

		if (json_array_size(list) == 2 && json_equal(list, tree_get(stored, lists[i])))
			json_array_remove(list, 1);
	}
}

static int check_cluster_ip(const json_t *merged, const json_t *stored, struct err *err)
{
	const char *new = tree_text(merged, "spec.clusterIP");
	const char *old = tree_text(stored, "spec.clusterIP");

	if (!new || !*new || !old || !*old || !strcmp(new, old) ||
	    is_type(stored, "ExternalName") || is_type(merged, "ExternalName"))
		return 0;
	return err_set(err, -EINVAL,
		       "spec.clusterIPs[0]: Invalid value: [\"%s\"]: may not change once set", new);
}

static void drop_cluster_fields(json_t *merged, const json_t *stored)
{
	static const char *const fields[] = { "spec.clusterIP", "spec.clusterIPs",
					      "spec.ipFamilies", "spec.ipFamilyPolicy",
					      "spec.internalTrafficPolicy" };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		drop_equal(merged, stored, fields[i]);
}

int merge_service(json_t *merged, const json_t *stored, struct err *err)
{
	const char *policy = tree_text(merged, "spec.externalTrafficPolicy");
	const char *affinity = tree_text(merged, "spec.sessionAffinity");
	int code = check_cluster_ip(merged, stored, err);

	if (code)
		return code;
	/* No address asked for any more: the list of them follows, and allocation keeps both. */
	if (!tree_get(merged, "spec.clusterIP"))
		drop_equal(merged, stored, "spec.clusterIPs");
	trim_second_family(merged, stored);
	if (is_type(merged, "ExternalName"))
		drop_cluster_fields(merged, stored);
	else if (is_type(stored, "ExternalName"))
		drop_equal(merged, stored, "spec.externalName");
	if (!is_external(merged)) {
		drop_node_ports(merged, stored);
		/* External IPs keep the policy that they are served by. */
		if (!json_array_size(tree_get(merged, "spec.externalIPs")))
			drop_equal(merged, stored, "spec.externalTrafficPolicy");
	}
	if (!is_type(merged, "LoadBalancer")) {
		drop_equal(merged, stored, "spec.allocateLoadBalancerNodePorts");
		drop_equal(merged, stored, "status.loadBalancer");
	}
	if (!is_type(merged, "LoadBalancer") || !policy || strcmp(policy, "Local") != 0)
		drop_equal(merged, stored, "spec.healthCheckNodePort");
	if (!affinity || !strcmp(affinity, "None"))
		drop_equal(merged, stored, "spec.sessionAffinityConfig");
	return 0;
}
