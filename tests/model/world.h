/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small cluster as plain data: what a manifest says, no more. The tests of the rules write
 * one (world_parse) or draw one by lot (world_random), give it to lbctl as manifests
 * (world_yaml) and to the independent model as it is (tests/model/model.h). None of this
 * shares code with lbctl's own model.
 */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TEXT 64
#define MAX_SERVICES 4
#define MAX_PORTS 3
#define MAX_ADDRESSES 4
#define MAX_SLICES 12
#define MAX_ENDPOINTS 12
#define MAX_PODS 16
#define MAX_HOSTS 4

struct texts {
	char item[MAX_ADDRESSES][TEXT];
	size_t n;
};

struct world_port {
	char name[TEXT]; /* "": unnamed */
	char proto[8];	 /* "TCP" */
	unsigned int port, node_port;
	unsigned int target;	/* 0: the same as port */
	char target_name[TEXT]; /* "": a number */
};

struct world_service {
	char name[TEXT], type[TEXT];
	struct texts cluster_ips, external_ips, balancer, balancer_proxy, ranges;
	struct world_port ports[MAX_PORTS];
	size_t n_ports;
	bool external_local, internal_local;
	bool affinity, publish_not_ready;
	bool headless; /* clusterIP: None */
	bool headless_label, proxy_label;
	bool selector;		 /* of pods labelled app=<name> */
	char distribution[TEXT]; /* trafficDistribution, or "" */
	unsigned int created;	 /* day of January; 0: not given */
};

enum state {
	STATE_READY,
	STATE_SILENT, /* ready, but no condition is written */
	STATE_NOT_READY,
	STATE_TERMINATING, /* and still serving */
	STATE_DEAD,	   /* terminating and not serving */
};

struct world_endpoint {
	char addr[TEXT], node[TEXT], zone[TEXT]; /* "": not given */
	enum state state;
	struct texts hint_zones, hint_nodes;
};

struct world_slice {
	char name[TEXT], service[TEXT];
	bool v4;
	bool legacy; /* an Endpoints object: named as its service */
	struct world_port ports[MAX_PORTS];
	size_t n_ports;
	struct world_endpoint endpoints[MAX_ENDPOINTS];
	size_t n_endpoints;
};

struct world_pod {
	char name[TEXT], service[TEXT], node[TEXT], phase[TEXT];
	struct texts addrs;
	enum state state;
	struct world_port ports[MAX_PORTS]; /* container ports */
	size_t n_ports;
};

struct world_host {
	char name[TEXT], zone[TEXT];
};

struct world {
	char node[TEXT], zone[TEXT];
	struct texts node_addresses, pod_cidrs, node_port_addresses;
	bool masquerade_all, serve_external_ips;
	struct world_service services[MAX_SERVICES];
	size_t n_services;
	struct world_slice slices[MAX_SLICES];
	size_t n_slices;
	struct world_pod pods[MAX_PODS];
	size_t n_pods;
	struct world_host hosts[MAX_HOSTS];
	size_t n_hosts;
};

/* A packet, or a connection of a process on the node. */
struct world_question {
	char from[TEXT]; /* "": a process of the node */
	char proto[8], to[TEXT];
	unsigned int port;
};

/* This node with its addresses and the pods' networks, and nothing else. */
void world_init(struct world *world);

/* One statement of a table; see cases/README for the words. NULL, or what is wrong with it. */
const char *world_parse(struct world *world, const char *line);
const char *question_parse(const char *text, struct world_question *ret_question);

/* "L1" → "172.17.0.1", and back; other texts stay as they are. text holds TEXT. */
const char *alias_expand(const char *word, char *text);
const char *alias_of(const char *addr, char *text);

/* The manifests, for lbctl. The caller's. */
char *world_yaml(const struct world *world);

void texts_add(struct texts *texts, const char *text);

/* A world and questions by lot; the same seed gives the same. */
uint64_t random_next(uint64_t *seed);
void world_random(struct world *world, uint64_t *seed);
void question_random(const struct world *world, uint64_t *seed,
		     struct world_question *ret_question);

#endif
