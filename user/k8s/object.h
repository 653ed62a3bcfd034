/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes objects: the whole JSON tree as it was given, and beside it the
 * typed part that lbctl works with. Strings of the typed part are borrowed from
 * the tree and live as long as the object.
 */
#ifndef K8S_OBJECT_H
#define K8S_OBJECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/k8s/probe.h"
#include "user/util/addr.h"

enum k8s_kind {
	K8S_NAMESPACE,
	K8S_NODE,
	K8S_POD,
	K8S_SERVICE,
	K8S_ENDPOINTS,
	K8S_ENDPOINT_SLICE,
	K8S_INGRESS,
	K8S_SECRET,
	K8S_INGRESS_CLASS,
	K8S_KINDS
};

/* One row a kind: everything that names it. */
struct k8s_kind_info {
	const char *kind;	 /* "Service" */
	const char *api_version; /* "v1", "discovery.k8s.io/v1" */
	const char *singular;	 /* "service" */
	const char *plural;	 /* "services", also the state's folder */
	const char *aliases[3];	 /* kubectl's short names: "svc" */
	const char *group;	 /* "", "discovery.k8s.io": kubectl prints
				    "endpointslice.discovery.k8s.io/x" */
	bool namespaced;
};

extern const struct k8s_kind_info k8s_kinds[K8S_KINDS];

/* Finds by singular, plural, short name or kind, in any case; K8S_KINDS when unknown. */
enum k8s_kind k8s_kind_find(const char *word);

struct service_port {
	const char *name;	  /* "" when unnamed */
	uint8_t proto;		  /* IPPROTO_TCP, _UDP, _SCTP */
	uint16_t port;		  /* host order, as everywhere in objects */
	const char *target_name;  /* spec.ports[].targetPort as a name, or NULL */
	uint16_t target_port;	  /* … or as a number; defaults to port */
	uint16_t node_port;	  /* 0: none */
	const char *app_protocol; /* or NULL */
};

enum service_type {
	SERVICE_CLUSTER_IP,
	SERVICE_NODE_PORT,
	SERVICE_LOAD_BALANCER,
	SERVICE_EXTERNAL_NAME,
};

/* spec.loadBalancerClass of Services that lbctl gives addresses to. */
#define LOAD_BALANCER_CLASS "lbctl.io/lb"

struct lb_ingress {
	struct lb_addr addr; /* zero when only a host name is given */
	const char *hostname;
	bool proxy; /* ipMode: Proxy, not to be intercepted */
};

struct label {
	const char *key, *value;
};

struct service {
	enum service_type type;
	struct label *selector; /* sorted by key */
	size_t n_selector;	/* 0: no selector */
	struct service_port *ports;
	size_t n_ports;
	bool headless; /* clusterIP: None */
	struct lb_addr cluster_ips[2];
	size_t n_cluster_ips;
	bool families_v4[2];	   /* spec.ipFamilies, true: IPv4 */
	size_t n_families;	   /* 0: not given */
	const char *family_policy; /* SingleStack, PreferDualStack, RequireDualStack, or NULL */
	struct lb_addr *external_ips;
	size_t n_external_ips;
	struct lb_addr load_balancer_ip; /* spec.loadBalancerIP, zero: none asked */
	const char *load_balancer_class; /* or NULL */
	struct lb_ingress *ingress;	 /* status.loadBalancer.ingress */
	size_t n_ingress;
	struct prefix *source_ranges;
	size_t n_source_ranges;
	bool external_local;
	bool internal_local;
	uint16_t health_check_node_port;
	bool affinity_client_ip;
	uint32_t affinity_seconds;
	const char *external_name;
	bool publish_not_ready;
	const char *traffic_distribution; /* or NULL */
	struct probe *probe; /* annotation lbctl.io/probe: of endpoints that are no pods; or NULL */
	char *texts;	     /* what its strings point into after object_slim; owned */
};

struct endpoint_port {
	const char *name; /* "" when unnamed */
	uint8_t proto;
	uint16_t port; /* 0: not given */
	const char *app_protocol;
};

/* One endpoint of a slice, or one address of an Endpoints subset. */
struct endpoint {
	struct lb_addr addr;			 /* addresses[0] */
	bool ready, serving, terminating;	 /* defaults applied */
	const char *node_name, *zone, *hostname; /* or NULL */
	const char *target_kind, *target_name;	 /* targetRef, or NULL */
	const char **hint_zones, **hint_nodes;
	size_t n_hint_zones, n_hint_nodes;
	enum probed probed; /* by the probe of its Service; filled in by readiness_of_store */
	uint16_t weight;    /* lbctl.io/weight of its Pod or slice; 0: not given, which is 1 */
};

struct endpoint_slice {
	const char *service; /* label kubernetes.io/service-name, or NULL */
	bool v4;	     /* addressType IPv4 */
	bool fqdn;	     /* addressType FQDN: ignored */
	struct endpoint_port *ports;
	size_t n_ports;
	struct endpoint *endpoints;
	size_t n_endpoints;
	char *texts; /* what its strings point into after object_slim; owned */
};

struct endpoints_subset {
	struct endpoint *endpoints; /* notReadyAddresses have ready = serving = false */
	size_t n_endpoints;
	struct endpoint_port *ports;
	size_t n_ports;
};

struct endpoints {
	struct endpoints_subset *subsets;
	size_t n_subsets;
};

struct container_port {
	const char *name; /* or NULL */
	uint8_t proto;
	uint16_t port;
};

struct container {
	const char *name;		   /* or NULL */
	struct probe *probes[PROBE_KINDS]; /* NULL: it has none */
	int64_t run_as_user, run_as_group; /* of the securityContext, the pod's or its own; or -1 */
	enum probed probed;		   /* filled in by readiness_of_store */
	char *reason; /* of the probe's last failure; owned, or NULL; filled in too */
};

struct pod {
	struct label *labels; /* metadata.labels, sorted by key */
	size_t n_labels;
	struct lb_addr ips[2];
	size_t n_ips;
	const char *node_name;		  /* or NULL */
	const char *hostname, *subdomain; /* or NULL */
	const char *phase;		  /* or NULL */
	uint16_t weight;		  /* annotation lbctl.io/weight; 0: not given */
	struct container_port *ports;	  /* of all containers, in order */
	size_t n_ports;
	bool has_ready; /* status.conditions has type Ready */
	bool ready;
	bool terminating; /* metadata.deletionTimestamp */
	bool has_probe;	  /* some container has a readiness or a startup probe */
	bool gates_open;  /* the conditions of spec.readinessGates, if any, are True */
	struct container *containers;
	size_t n_containers;
	char *texts; /* what its strings point into after object_slim, and the object's; owned */
};

struct node {
	struct lb_addr *internal_ips;
	size_t n_internal_ips;
	const char *zone; /* label topology.kubernetes.io/zone, or NULL */
	struct prefix *pod_cidrs;
	size_t n_pod_cidrs;
};

/* What an Ingress sends requests to. */
struct ingress_backend {
	const char *service;   /* NULL: a resource, which nothing here serves */
	const char *port_name; /* or NULL */
	uint16_t port;	       /* when there is no name */
};

enum ingress_path_type {
	INGRESS_PATH_PREFIX, /* ImplementationSpecific, too */
	INGRESS_PATH_EXACT,
};

/* One path of a rule: a rule without paths is none. */
struct ingress_path {
	const char *host; /* "" for all, "*.example.com" */
	const char *path; /* "/" when not given */
	enum ingress_path_type type;
	bool specific; /* ImplementationSpecific, as older versions have it where none is given */
	struct ingress_backend backend;
};

struct ingress_tls {
	const char *secret; /* or NULL: only the hosts are told */
	const char **hosts;
	size_t n_hosts;
};

struct ingress {
	const char *class; /* spec.ingressClassName, or else the old annotation, or NULL */
	bool has_default;
	struct ingress_backend default_backend;
	struct ingress_path *paths;
	size_t n_paths;
	struct ingress_tls *tls;
	size_t n_tls;
};

struct object {
	enum k8s_kind kind;
	const char *ns; /* "" for kinds without a namespace; "default" applied */
	const char *name;
	json_t *json; /* owned; NULL: see object_slim */
	union {	      /* typed part, owned; NULL for kinds that have none */
		struct service *service;
		struct endpoints *endpoints;
		struct endpoint_slice *slice;
		struct pod *pod;
		struct node *node;
		struct ingress *ingress;
		void *typed;
	};
};

/* metadata.labels[key] or NULL. */
const char *object_label(const struct object *object, const char *key);
const char *object_annotation(const struct object *object, const char *key);

/*
 * Leaves away what nobody reads who prints no objects: of the tree who owns it and the like,
 * of an EndpointSlice and of a Service all but the metadata, of a Pod without probes the whole tree
 * and its containers. It can no longer be printed as it was.
 */
void object_slim(struct object *object);

void object_free(struct object *object);

#endif
