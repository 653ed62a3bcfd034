/* SPDX-License-Identifier: Apache-2.0 */
/* Node: its internal addresses, its zone, its pods' networks. */
#include <string.h>

#include "user/k8s/kinds.h"
#include "user/util/vec.h"

static void addresses_decode(const struct field *root, struct node *node)
{
	struct field status = field_get(root, "status");
	struct field list = field_get(&status, "addresses");
	size_t n = field_items(&list);

	node->internal_ips = xcalloc(n, sizeof(*node->internal_ips));
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		struct field type = field_get(&item, "type");
		struct field address = field_get(&item, "address");
		const char *text = field_string(&type);

		field_required(&type);
		field_required(&address);
		if (text && !strcmp(text, "InternalIP"))
			node->n_internal_ips +=
				field_addr(&address, &node->internal_ips[node->n_internal_ips]);
		else
			field_string(&address);
	}
}

/* The older field has the first of the list, where there is a list. */
static void pod_cidrs_decode(const struct field *root, struct node *node)
{
	struct field spec = field_get(root, "spec");
	struct field single = field_get(&spec, "podCIDR");
	struct field list = field_get(&spec, "podCIDRs");
	size_t n = field_items(&list);

	node->pod_cidrs = xcalloc(n + 1, sizeof(*node->pod_cidrs));
	if (field_prefix(&single, &node->pod_cidrs[0]))
		node->n_pod_cidrs = !n;
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);

		field_required(&item);
		node->n_pod_cidrs += field_prefix(&item, &node->pod_cidrs[node->n_pod_cidrs]);
	}
}

struct node *node_decode(const struct field *root)
{
	struct node *node = xcalloc(1, sizeof(*node));
	struct field metadata = field_get(root, "metadata");
	struct field labels = field_get(&metadata, "labels");
	struct field zone = field_entry(&labels, "topology.kubernetes.io/zone");

	addresses_decode(root, node);
	pod_cidrs_decode(root, node);
	node->zone = field_string(&zone);
	return node;
}

void node_free(struct node *node)
{
	if (!node)
		return;
	free(node->internal_ips);
	free(node->pod_cidrs);
	free(node);
}
