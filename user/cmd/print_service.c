/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/print.h"
#include "user/model/slices.h"
#include "user/util/proto.h"
#include "user/util/tree.h"

static const char *const types[] = {
	[SERVICE_CLUSTER_IP] = "ClusterIP",
	[SERVICE_NODE_PORT] = "NodePort",
	[SERVICE_LOAD_BALANCER] = "LoadBalancer",
	[SERVICE_EXTERNAL_NAME] = "ExternalName",
};

static void print_load_balancer_ip(const struct print_context *context, const struct object *object)
{
	const json_t *external = tree_get(object->json, "spec.externalIPs");
	bool given = print_load_balancer(context->out, object, context->wide);

	if (given && json_array_size(external))
		fputc(',', context->out);
	if (!print_joined(context->out, external, ",") && !given)
		fputs("<pending>", context->out);
}

static void print_external_ip(const struct print_context *context, const struct object *object)
{
	switch (object->service->type) {
	case SERVICE_LOAD_BALANCER:
		print_load_balancer_ip(context, object);
		return;
	case SERVICE_EXTERNAL_NAME:
		fputs(print_or(object->service->external_name, ""), context->out);
		return;
	case SERVICE_CLUSTER_IP:
	case SERVICE_NODE_PORT:
		break;
	}
	if (!print_joined(context->out, tree_get(object->json, "spec.externalIPs"), ","))
		fputs("<none>", context->out);
}

static void print_ports(FILE *out, const struct service *service)
{
	if (!service->n_ports)
		fputs("<none>", out);
	for (size_t i = 0; i < service->n_ports; i++) {
		const struct service_port *port = &service->ports[i];

		fprintf(out, "%s%u", i ? "," : "", port->port);
		if (port->node_port)
			fprintf(out, ":%u", port->node_port);
		fprintf(out, "/%s", proto_text(port->proto));
	}
}

/* clusterIPs[0], or clusterIP where only that was written. */
static const char *cluster_ip(const struct object *object)
{
	const char *ip =
		json_string_value(json_array_get(tree_get(object->json, "spec.clusterIPs"), 0));

	return ip ? ip : tree_text(object->json, "spec.clusterIP");
}

void print_service(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;

	fprintf(out, "%s\t%s\t%s\t", object->name, types[object->service->type],
		print_or(cluster_ip(object), "<none>"));
	print_external_ip(context, object);
	fputc('\t', out);
	print_ports(out, object->service);
	fputc('\t', out);
	print_age(context, object);
	if (context->wide) {
		fputc('\t', out);
		print_labels(out, tree_get(object->json, "spec.selector"));
	}
}

/* ------------------------------------------------------------- describe -- */

static void describe_joined(FILE *out, const char *title, const json_t *strings)
{
	if (!json_array_size(strings))
		return;
	fprintf(out, "%s:\t", title);
	print_joined(out, strings, ",");
	fputc('\n', out);
}

static void describe_text(FILE *out, const char *title, const char *text)
{
	if (text && *text)
		fprintf(out, "%s:\t%s\n", title, text);
}

/* "1.2.3.4 (VIP), lb.example.com" */
static void describe_ingress_points(FILE *out, const json_t *points)
{
	json_t *point;
	size_t i;

	if (!json_array_size(points))
		return;
	fputs("LoadBalancer Ingress:\t", out);
	json_array_foreach ((json_t *)points, i, point) {
		const char *ip = tree_text(point, "ip");
		const char *mode = tree_text(point, "ipMode");

		fprintf(out, "%s%s", i ? ", " : "",
			print_or(ip, print_or(tree_text(point, "hostname"), "")));
		if (ip && mode)
			fprintf(out, " (%s)", mode);
	}
	fputc('\n', out);
}

static void describe_addresses(FILE *out, const struct object *object)
{
	const json_t *spec = tree_get(object->json, "spec");
	const char *ip = tree_text(spec, "clusterIP");

	describe_text(out, "IP Family Policy", tree_text(spec, "ipFamilyPolicy"));
	if (json_array_size(tree_get(spec, "ipFamilies")))
		describe_joined(out, "IP Families", tree_get(spec, "ipFamilies"));
	else
		fputs("IP Families:\t<none>\n", out);
	fprintf(out, "IP:\t%s\n", print_or(ip, print_or(cluster_ip(object), "")));
	if (json_array_size(tree_get(spec, "clusterIPs")))
		describe_joined(out, "IPs", tree_get(spec, "clusterIPs"));
	else
		fputs("IPs:\t<none>\n", out);
	describe_joined(out, "External IPs", tree_get(spec, "externalIPs"));
	describe_text(out, "Desired LoadBalancer IP", tree_text(spec, "loadBalancerIP"));
	describe_text(out, "External Name", tree_text(spec, "externalName"));
	describe_ingress_points(out, tree_get(object->json, "status.loadBalancer.ingress"));
}

static void describe_port(FILE *out, const struct service_port *port,
			  const struct object_list *slices)
{
	const char *name = print_or(port->name, "<unset>");
	const char *protocol = proto_text(port->proto);

	fprintf(out, "Port:\t%s\t%u/%s\n", name, port->port, protocol);
	if (port->target_name)
		fprintf(out, "TargetPort:\t%s/%s\n", port->target_name, protocol);
	else
		fprintf(out, "TargetPort:\t%u/%s\n", port->target_port, protocol);
	describe_text(out, "AppProtocol", port->app_protocol);
	if (port->node_port)
		fprintf(out, "NodePort:\t%s\t%u/%s\n", name, port->node_port, protocol);
	fputs("Endpoints:\t", out);
	print_service_endpoints(out, slices, port);
	fputc('\n', out);
}

static void describe_policies(FILE *out, const struct object *object)
{
	const json_t *spec = tree_get(object->json, "spec");

	fprintf(out, "Session Affinity:\t%s\n",
		print_or(tree_text(spec, "sessionAffinity"), "None"));
	describe_text(out, "External Traffic Policy", tree_text(spec, "externalTrafficPolicy"));
	describe_text(out, "Internal Traffic Policy", tree_text(spec, "internalTrafficPolicy"));
	if (object->service->health_check_node_port)
		fprintf(out, "HealthCheck NodePort:\t%u\n",
			object->service->health_check_node_port);
	describe_joined(out, "LoadBalancer Source Ranges",
			tree_get(spec, "loadBalancerSourceRanges"));
	describe_text(out, "Traffic Distribution", tree_text(spec, "trafficDistribution"));
}

void describe_service(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;
	struct object_list slices = { 0 };

	slices_of_service(context->store, object, &slices);
	describe_name(out, object);
	describe_labels(out, "Labels", tree_get(object->json, "metadata.labels"));
	describe_annotations(out, object);
	fputs("Selector:\t", out);
	print_labels(out, tree_get(object->json, "spec.selector"));
	fprintf(out, "\nType:\t%s\n", types[object->service->type]);
	describe_addresses(out, object);
	for (size_t i = 0; i < object->service->n_ports; i++)
		describe_port(out, &object->service->ports[i], &slices);
	describe_policies(out, object);
	describe_events(context, object);
	object_list_free(&slices);
}
