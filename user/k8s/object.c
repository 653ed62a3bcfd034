/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/object.h"

#include <stdlib.h>
#include <strings.h>

#include "user/k8s/kinds.h"
#include "user/util/cleanup.h"

const struct k8s_kind_info k8s_kinds[K8S_KINDS] = {
	[K8S_NAMESPACE] = { "Namespace", "v1", "namespace", "namespaces", { "ns" }, "", false },
	[K8S_NODE] = { "Node", "v1", "node", "nodes", { "no" }, "", false },
	[K8S_POD] = { "Pod", "v1", "pod", "pods", { "po" }, "", true },
	[K8S_SERVICE] = { "Service", "v1", "service", "services", { "svc" }, "", true },
	[K8S_ENDPOINTS] = { "Endpoints", "v1", "endpoints", "endpoints", { "ep" }, "", true },
	[K8S_ENDPOINT_SLICE] = { "EndpointSlice",
				 "discovery.k8s.io/v1",
				 "endpointslice",
				 "endpointslices",
				 { NULL },
				 "discovery.k8s.io",
				 true },
	[K8S_INGRESS] = { "Ingress",
			  "networking.k8s.io/v1",
			  "ingress",
			  "ingresses",
			  { "ing" },
			  "networking.k8s.io",
			  true },
	[K8S_SECRET] = { "Secret", "v1", "secret", "secrets", { NULL }, "", true },
	[K8S_INGRESS_CLASS] = { "IngressClass",
				"networking.k8s.io/v1",
				"ingressclass",
				"ingressclasses",
				{ NULL },
				"networking.k8s.io",
				false },
};

enum k8s_kind k8s_kind_find(const char *word)
{
	for (enum k8s_kind kind = 0; kind < K8S_KINDS; kind++) {
		const struct k8s_kind_info *info = &k8s_kinds[kind];

		if (!strcasecmp(word, info->kind) || !strcasecmp(word, info->singular) ||
		    !strcasecmp(word, info->plural))
			return kind;
		for (size_t i = 0; i < ARRAY_LEN(info->aliases) && info->aliases[i]; i++)
			if (!strcasecmp(word, info->aliases[i]))
				return kind;
	}
	return K8S_KINDS;
}

static const char *metadata_string(const struct object *object, const char *map, const char *key)
{
	const json_t *metadata = json_object_get(object->json, "metadata");

	return json_string_value(json_object_get(json_object_get(metadata, map), key));
}

const char *object_label(const struct object *object, const char *key)
{
	return metadata_string(object, "labels", key);
}

const char *object_annotation(const struct object *object, const char *key)
{
	return metadata_string(object, "annotations", key);
}

static void typed_free(struct object *object)
{
	switch (object->kind) {
	case K8S_SERVICE:
		service_free(object->service);
		break;
	case K8S_ENDPOINTS:
		endpoints_free(object->endpoints);
		break;
	case K8S_ENDPOINT_SLICE:
		slice_free(object->slice);
		break;
	case K8S_POD:
		pod_free(object->pod);
		break;
	case K8S_NODE:
		node_free(object->node);
		break;
	case K8S_INGRESS:
		ingress_free(object->ingress);
		break;
	case K8S_NAMESPACE:
	case K8S_SECRET:
	case K8S_INGRESS_CLASS:
	case K8S_KINDS:
		break;
	}
}

void object_free(struct object *object)
{
	if (!object)
		return;
	typed_free(object);
	json_decref(object->json);
	free(object);
}
