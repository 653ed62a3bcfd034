/* SPDX-License-Identifier: Apache-2.0 */
/* The node's configuration: kind Configuration, apiVersion lbctl.io/v1. */
#ifndef K8S_CONFIG_H
#define K8S_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "user/util/addr.h"
#include "user/util/err.h"

struct prefix_list {
	struct prefix *items;
	size_t n, room;
};

struct addr_list {
	struct lb_addr *items;
	size_t n, room;
};

struct addr_port {
	struct lb_addr addr;
	__be16 port;
};

struct addr_port_list {
	struct addr_port *items;
	size_t n, room;
};

/* The same addresses (and ports), in the same order. */
bool addr_lists_equal(const struct addr_list *a, const struct addr_list *b);
bool addr_port_lists_equal(const struct addr_port_list *a, const struct addr_port_list *b);

struct dns_config {
	char *domain;			 /* dns.domain [cluster.local], lower case, no last dot */
	struct addr_list addresses;	 /* dns.address [the tenth of each serviceCIDR] */
	struct addr_port_list listen;	 /* dns.listen, beside the addresses; port [53] */
	struct addr_port_list upstreams; /* dns.upstreams; port [53] */
	bool upstreams_given;		 /* false: the nameservers of /etc/resolv.conf */
	bool kernel;			 /* dns.kernel [true] */
};

struct ingress_config {
	bool given;		    /* somebody wants Ingresses: their objects are asked for */
	struct addr_list addresses; /* ingress.addresses [all of the node] */
	uint16_t http_port;	    /* ingress.httpPort [80] */
	uint16_t https_port;	    /* ingress.httpsPort [443] */
};

struct metrics_config {
	bool on;
	struct addr_port listen; /* metrics.listen [nowhere] */
	bool per_backend;	 /* metrics.perBackend [true] */
	size_t max_series;	 /* metrics.maxSeries [10000] of Services, of backends, of probes */
};

struct health_config {
	bool given;		      /* where to listen, and be it nowhere */
	struct addr_port_list listen; /* health.listen [on a cluster: 0.0.0.0:10256, [::]:10256] */
};

/* Seconds. Defaults in brackets. */
struct flow_timeouts {
	uint32_t tcp_half_open;	  /* timeouts.tcpHalfOpen [60] */
	uint32_t tcp_established; /* timeouts.tcpEstablished [86400] */
	uint32_t tcp_closing;	  /* timeouts.tcpClosing [30] */
	uint32_t udp_one_way;	  /* timeouts.udpOneWay [30] */
	uint32_t udp_replied;	  /* timeouts.udpReplied [180] */
};

struct config {
	char *node_name;		  /* nodeName [host name] */
	char *zone;			  /* zone, or NULL */
	struct addr_list node_addresses;  /* nodeAddresses [addresses of attached devices] */
	struct prefix_list pod_cidrs;	  /* podCIDRs */
	struct prefix_list service_cidrs; /* serviceCIDR [10.96.0.0/12, fd00:10:96::/112] */
	uint16_t node_port_first, node_port_last; /* nodePortRange ["30000-32767"] */
	struct prefix_list node_port_addresses;	  /* nodePortAddresses [all node addresses] */
	bool external_ips;			  /* externalIPs [false] */
	bool masquerade_all;			  /* masqueradeAll [false] */
	bool icmp_echo; /* icmpEcho [true]: a service with endpoints answers ping */
	struct prefix_list load_balancer_pools; /* loadBalancerPools, CIDRs, "first-last" */
	bool load_balancer_default; /* loadBalancerDefault [false]: on a cluster, no class is ours
				     */
	uint16_t snat_first, snat_last; /* snatPorts ["10000-29999"] */
	uint32_t flows;			/* flows, entries of each family [LB_DEFAULT_FLOWS] */
	struct flow_timeouts timeouts;
	struct dns_config dns;
	struct ingress_config ingress;
	struct metrics_config metrics;
	struct health_config health;
};

/*
 * Reads file; a missing one gives the defaults unless required. An unknown key is an
 * error that names it: `file:line: nodPort: unknown key`.
 */
LB_CHECKED int config_load(const char *file, bool required, struct config *ret_config,
			   struct err *err);
void config_done(struct config *config);

/* The same without a result: tell is called with each error there is, in the order of the lines. */
LB_CHECKED int config_check(const char *file, bool required,
			    void (*tell)(void *arg, const char *text), void *arg);

#endif
