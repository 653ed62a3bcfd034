/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/endpoint_json.h"

#include "user/model/readiness.h"
#include "user/util/proto.h"
#include "user/util/tree.h"

void json_set_text(json_t *json, const char *key, const char *text)
{
	if (text)
		json_object_set_new(json, key, json_string(text));
}

json_t *labels_copy(const struct object *object)
{
	json_t *labels = tree_get(object->json, "metadata.labels");

	return labels ? json_deep_copy(labels) : json_object();
}

json_t *metadata_json(const struct object *service, const char *name, json_t *labels)
{
	json_t *metadata = json_pack("{s:s, s:s}", "name", name, "namespace", service->ns);

	json_set_text(metadata, "creationTimestamp",
		      tree_text(service->json, "metadata.creationTimestamp"));
	json_object_set_new(metadata, "labels", labels);
	return metadata;
}

json_t *port_json(const char *name, bool keep_name, uint8_t proto, uint16_t port,
		  const char *app_protocol)
{
	json_t *json = json_object();

	if (keep_name || *name)
		json_set_text(json, "name", name);
	json_object_set_new(json, "port", json_integer(port));
	json_set_text(json, "protocol", proto_text(proto));
	json_set_text(json, "appProtocol", app_protocol);
	return json;
}

json_t *pod_reference_json(const struct object *pod)
{
	json_t *json = json_pack("{s:s, s:s, s:s}", "kind", "Pod", "name", pod->name, "namespace",
				 pod->ns);

	json_set_text(json, "uid", tree_text(pod->json, "metadata.uid"));
	return json;
}

static json_t *hints_json(const char *const *names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s}", "name", names[i]));
	return list;
}

static json_t *addressed_json(const struct endpoint *endpoint)
{
	char text[ADDR_TEXT];
	json_t *json = json_pack("{s:[s]}", "addresses", addr_format(&endpoint->addr, text));

	json_set_text(json, "hostname", endpoint->hostname);
	json_set_text(json, "nodeName", endpoint->node_name);
	json_set_text(json, "zone", endpoint->zone);
	return json;
}

json_t *endpoint_json(const struct member *member)
{
	const struct endpoint *endpoint = &member->endpoint;
	json_t *json = addressed_json(endpoint);

	json_object_set_new(json, "conditions",
			    json_pack("{s:b, s:b, s:b}", "ready", endpoint->ready, "serving",
				      endpoint->serving, "terminating", endpoint->terminating));
	json_object_set_new(json, "targetRef", pod_reference_json(member->pod));
	if (endpoint->n_hint_zones)
		tree_set(json, "hints.forZones",
			 hints_json(endpoint->hint_zones, endpoint->n_hint_zones));
	if (endpoint->n_hint_nodes)
		tree_set(json, "hints.forNodes",
			 hints_json(endpoint->hint_nodes, endpoint->n_hint_nodes));
	return json;
}

json_t *mirrored_json(const struct endpoint *endpoint, const char *ns)
{
	json_t *json = addressed_json(endpoint);

	json_object_set_new(json, "conditions",
			    json_pack("{s:b}", "ready", readiness_of_endpoint(endpoint)));
	if (endpoint->target_kind && endpoint->target_name)
		json_object_set_new(json, "targetRef",
				    json_pack("{s:s, s:s, s:s}", "kind", endpoint->target_kind,
					      "name", endpoint->target_name, "namespace", ns));
	return json;
}
