/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in, desired state out, as text. A service is
 *
 *	name:port 80/TCP4 > FRONTENDS > BACKENDS
 *
 * with frontends `address:port` and their flags (e external, l local policy, s source ranges,
 * n node port), and backends `address:port` and their sets (c cluster, l local) and flags
 * (L on this node, P pod, T terminating).
 */
#ifndef TESTS_UNIT_MODEL_RESOLVED_H
#define TESTS_UNIT_MODEL_RESOLVED_H

#include "tests/unit/model/world.h"

#include "user/model/resolve.h"
#include "user/util/proto.h"

#define SVC(name, spec) \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: " name "}, spec: {" spec "}}\n"
#define OLD_SVC(name, created, spec)                                  \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: " name \
	", creationTimestamp: '" created "'}, spec: {" spec "}}\n"
#define KUBIA(more)                                                                      \
	SVC("kubia", "clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{port: 80, " \
		     "targetPort: 8080}]" more)
#define POD_OBJECT(name, metadata, spec, status)                                                  \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name ", " metadata "}, spec: {" spec \
	"containers: [{name: c, image: i}]}, status: {" status "}}\n"
#define KUBIA_POD(name, metadata, node, status) \
	POD_OBJECT(name, metadata "labels: {app: kubia}", "nodeName: " node ", ", status)
#define POD(name, node, ip) KUBIA_POD(name, "", node, "phase: Running, podIP: " ip)
#define DYING_POD(name, node, ip)                                            \
	KUBIA_POD(name, "deletionTimestamp: '2026-01-01T00:00:00Z', ", node, \
		  "phase: Running, podIP: " ip)
#define UNREADY_POD(name, node, ip) \
	KUBIA_POD(name, "", node,   \
		  "phase: Running, podIP: " ip ", conditions: [{type: Ready, status: 'False'}]")
#define PORT_POD(name, port, ip)                                                                \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name                               \
	", labels: {app: kubia}}, spec: {containers: [{name: c, image: i, ports: [{name: web, " \
	"containerPort: " port "}]}]}, status: {podIP: " ip "}}\n"
#define SLICE(name, ports, endpoints)                                                        \
	"---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: " name \
	", labels: {kubernetes.io/service-name: kubia}}, addressType: IPv4, ports: [" ports  \
	"], endpoints: [" endpoints "]}\n"
#define LB(name, spec, ingress)                                                               \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: " name                         \
	"}, spec: {type: LoadBalancer, " spec "}, status: {loadBalancer: {ingress: [" ingress \
	"]}}}\n"

struct resolve_case {
	const char *name;
	const char *yaml;
	const char *expected;
	const char *warning;
	const char *zone;		 /* of the node */
	const char *node_port_addresses; /* NULL: all */
	bool external_ips;
	bool echo_off;
};

static inline void write_frontends(FILE *out, const struct desired_service *service)
{
	static const char letters[] = "elsn";
	char text[ADDR_PORT_TEXT];

	for (size_t i = 0; i < service->n_frontends; i++) {
		const struct desired_frontend *frontend = &service->frontends[i];

		if (frontend->kind == FRONTEND_ECHO) /* test_echo looks at these */
			continue;
		fprintf(out, " %s%s",
			addr_port_format(&frontend->key.addr, frontend->key.port, text),
			frontend->flags ? " " : "");
		for (int bit = 0; bit < 4; bit++) {
			if (frontend->flags & 1u << bit)
				fputc(letters[bit], out);
		}
	}
}

static inline void write_backends(FILE *out, const struct desired_service *service)
{
	char text[ADDR_PORT_TEXT];

	for (size_t i = 0; i < service->n_backends; i++) {
		const struct desired_backend *backend = &service->backends[i];

		fprintf(out, " %s %s%s%s%s%s%s",
			addr_port_format(&backend->addr, backend->port, text),
			backend->cluster ? "c" : "", backend->local ? "l" : "",
			backend->flags & LB_BACKEND_LOCAL ? "L" : "",
			backend->flags & LB_BACKEND_POD ? "P" : "",
			backend->flags & LB_BACKEND_TERMINATING ? "T" : "",
			backend->zone ? "z" : "");
		if (backend->weight != 1)
			fprintf(out, "w%u", backend->weight);
	}
}

static inline char *desired_text(const struct desired *desired)
{
	char *text = NULL, prefix[PREFIX_TEXT];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < desired->n_services; i++) {
		const struct desired_service *service = &desired->services[i];

		assert_int_equal(service->v4, !(service->name.flags & LB_NAME_IPV6));
		fprintf(out, "%s:%s %u/%s%c >", service->name.name, service->name.port_name,
			ntohs(service->name.port), proto_text(service->name.proto),
			service->v4 ? '4' : '6');
		write_frontends(out, service);
		fputs(" >", out);
		write_backends(out, service);
		for (size_t j = 0; j < service->n_source_ranges; j++)
			fprintf(out, "%s %s", j ? "" : " from",
				prefix_format(&service->source_ranges[j], prefix));
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

static inline void resolve_run(const struct resolve_case *row, struct desired *ret_desired)
{
	struct lb_addr addresses[] = { world_addr("2001:db8::1"), world_addr("192.0.2.2"),
				       world_addr("192.0.2.1") };
	struct node_view node = { .name = "here",
				  .zone = row->zone,
				  .addresses = addresses,
				  .n_addresses = ARRAY_LEN(addresses) };
	struct config config = { .external_ips = row->external_ips, .icmp_echo = !row->echo_off };
	struct store *store = world_new(row->yaml);

	if (row->node_port_addresses)
		world_prefixes(&config.node_port_addresses, row->node_port_addresses);
	resolve(store, &config, &node, ret_desired);
	world_config_done(&config);
	store_free(store);
}

static inline void resolve_check(const struct resolve_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct resolve_case *row = &cases[i];
		struct desired desired;
		char *text;

		resolve_run(row, &desired);
		text = desired_text(&desired);
		if (strcmp(text, row->expected) != 0)
			fail_msg("%s:\n%sexpected:\n%s", row->name, text, row->expected);
		if (desired.n_warnings != (row->warning != NULL) ||
		    (row->warning && strcmp(desired.warnings[0], row->warning) != 0))
			fail_msg("%s: warns %s", row->name,
				 desired.n_warnings ? desired.warnings[0] : "of nothing");
		free(text);
		desired_done(&desired);
	}
}

#endif
