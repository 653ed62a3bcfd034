/* SPDX-License-Identifier: Apache-2.0 */
/* A world as manifests: JSON, which is YAML. */
#include "tests/model/world.h"

#include <stdlib.h>
#include <string.h>

static const char *const dying = "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",";

/* "key":["a","b"], or nothing for an empty list. */
static void write_list(FILE *out, const char *key, const struct texts *texts)
{
	if (!texts->n)
		return;
	fprintf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < texts->n; i++)
		fprintf(out, "%s\"%s\"", i ? "," : "", texts->item[i]);
	fputc(']', out);
}

static void write_text(FILE *out, const char *key, const char *text)
{
	if (*text)
		fprintf(out, ",\"%s\":\"%s\"", key, text);
}

static void write_service_ports(FILE *out, const struct world_service *service)
{
	fputs("\"ports\":[", out);
	for (size_t i = 0; i < service->n_ports; i++) {
		const struct world_port *port = &service->ports[i];

		fprintf(out, "%s{\"port\":%u,\"protocol\":\"%s\"", i ? "," : "", port->port,
			port->proto);
		write_text(out, "name", port->name);
		write_text(out, "targetPort", port->target_name);
		if (port->target)
			fprintf(out, ",\"targetPort\":%u", port->target);
		if (port->node_port)
			fprintf(out, ",\"nodePort\":%u", port->node_port);
		fputc('}', out);
	}
	fputc(']', out);
}

static void write_families(FILE *out, const struct texts *addresses)
{
	fprintf(out, ",\"ipFamilyPolicy\":\"%s\",\"ipFamilies\":[",
		addresses->n > 1 ? "RequireDualStack" : "SingleStack");
	for (size_t i = 0; i < addresses->n; i++)
		fprintf(out, "%s\"%s\"", i ? "," : "",
			strchr(addresses->item[i], ':') ? "IPv6" : "IPv4");
	fputc(']', out);
}

static void write_ingress(FILE *out, const struct world_service *service)
{
	size_t n = 0;

	fputs(",\"status\":{\"loadBalancer\":{\"ingress\":[", out);
	for (size_t i = 0; i < service->balancer.n; i++)
		fprintf(out, "%s{\"ip\":\"%s\"}", n++ ? "," : "", service->balancer.item[i]);
	for (size_t i = 0; i < service->balancer_proxy.n; i++)
		fprintf(out, "%s{\"ip\":\"%s\",\"ipMode\":\"Proxy\"}", n++ ? "," : "",
			service->balancer_proxy.item[i]);
	fputs("]}}", out);
}

static void write_addresses(FILE *out, const struct world_service *service)
{
	if (service->headless) {
		fputs(",\"clusterIP\":\"None\"", out);
	} else if (service->cluster_ips.n) {
		fprintf(out, ",\"clusterIP\":\"%s\"", service->cluster_ips.item[0]);
		write_list(out, "clusterIPs", &service->cluster_ips);
		write_families(out, &service->cluster_ips);
	}
	write_list(out, "externalIPs", &service->external_ips);
	write_list(out, "loadBalancerSourceRanges", &service->ranges);
}

static void write_service(FILE *out, const struct world_service *service)
{
	fprintf(out,
		"---\n{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"%s\"",
		service->name);
	if (service->created)
		fprintf(out, ",\"creationTimestamp\":\"2026-01-%02uT00:00:00Z\"", service->created);
	if (service->headless_label)
		fputs(",\"labels\":{\"service.kubernetes.io/headless\":\"\"}", out);
	else if (service->proxy_label)
		fputs(",\"labels\":{\"service.kubernetes.io/service-proxy-name\":\"other\"}", out);
	fprintf(out, "},\"spec\":{\"type\":\"%s\",", service->type);
	write_service_ports(out, service);
	write_addresses(out, service);
	if (!strcmp(service->type, "ExternalName"))
		fputs(",\"externalName\":\"example.com\"", out);
	if (service->external_local)
		fputs(",\"externalTrafficPolicy\":\"Local\"", out);
	if (service->internal_local)
		fputs(",\"internalTrafficPolicy\":\"Local\"", out);
	if (service->affinity)
		fputs(",\"sessionAffinity\":\"ClientIP\"", out);
	if (service->publish_not_ready)
		fputs(",\"publishNotReadyAddresses\":true", out);
	if (service->selector)
		fprintf(out, ",\"selector\":{\"app\":\"%s\"}", service->name);
	write_text(out, "trafficDistribution", service->distribution);
	fputc('}', out);
	if (service->balancer.n || service->balancer_proxy.n)
		write_ingress(out, service);
	fputs("}\n", out);
}

static void write_hints(FILE *out, const struct world_endpoint *endpoint)
{
	const struct texts *lists[] = { &endpoint->hint_zones, &endpoint->hint_nodes };
	static const char *const keys[] = { "forZones", "forNodes" };
	bool first = true;

	if (!lists[0]->n && !lists[1]->n)
		return;
	fputs(",\"hints\":{", out);
	for (int i = 0; i < 2; i++) {
		if (!lists[i]->n)
			continue;
		fprintf(out, "%s\"%s\":[", first ? "" : ",", keys[i]);
		for (size_t j = 0; j < lists[i]->n; j++)
			fprintf(out, "%s{\"name\":\"%s\"}", j ? "," : "", lists[i]->item[j]);
		fputc(']', out);
		first = false;
	}
	fputc('}', out);
}

static void write_endpoint(FILE *out, const struct world_endpoint *endpoint)
{
	static const char *const conditions[] = {
		[STATE_READY] = ",\"conditions\":{\"ready\":true,\"serving\":true,"
				"\"terminating\":false}",
		[STATE_SILENT] = "",
		[STATE_NOT_READY] = ",\"conditions\":{\"ready\":false,\"serving\":false,"
				    "\"terminating\":false}",
		[STATE_TERMINATING] = ",\"conditions\":{\"ready\":false,\"serving\":true,"
				      "\"terminating\":true}",
		[STATE_DEAD] = ",\"conditions\":{\"ready\":false,\"serving\":false,"
			       "\"terminating\":true}",
	};

	fprintf(out, "{\"addresses\":[\"%s\"]%s", endpoint->addr, conditions[endpoint->state]);
	write_text(out, "nodeName", endpoint->node);
	write_text(out, "zone", endpoint->zone);
	write_hints(out, endpoint);
	fputc('}', out);
}

static void write_ports(FILE *out, const struct world_port *ports, size_t n)
{
	fputs("\"ports\":[", out);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s{\"port\":%u,\"protocol\":\"%s\"", i ? "," : "", ports[i].port,
			ports[i].proto);
		write_text(out, "name", ports[i].name);
		fputc('}', out);
	}
	fputc(']', out);
}

static void write_slice(FILE *out, const struct world_slice *slice)
{
	fprintf(out,
		"---\n{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
		"\"metadata\":{\"name\":\"%s-%s-%d\",\"labels\":{\"kubernetes.io/service-name\":"
		"\"%s\"}},\"addressType\":\"%s\",",
		slice->service, slice->name, slice->v4 ? 4 : 6, slice->service,
		slice->v4 ? "IPv4" : "IPv6");
	write_ports(out, slice->ports, slice->n_ports);
	fputs(",\"endpoints\":[", out);
	for (size_t i = 0; i < slice->n_endpoints; i++) {
		if (i)
			fputc(',', out);
		write_endpoint(out, &slice->endpoints[i]);
	}
	fputs("]}\n", out);
}

static void write_legacy_addresses(FILE *out, const struct world_slice *slice, bool ready)
{
	size_t n = 0;

	fprintf(out, "\"%s\":[", ready ? "addresses" : "notReadyAddresses");
	for (size_t i = 0; i < slice->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &slice->endpoints[i];

		if ((endpoint->state == STATE_READY) != ready)
			continue;
		fprintf(out, "%s{\"ip\":\"%s\"", n++ ? "," : "", endpoint->addr);
		write_text(out, "nodeName", endpoint->node);
		fputc('}', out);
	}
	fputs("],", out);
}

static void write_legacy(FILE *out, const struct world_slice *slice)
{
	fprintf(out,
		"---\n{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"%s\"},"
		"\"subsets\":[{",
		slice->service);
	write_legacy_addresses(out, slice, true);
	write_legacy_addresses(out, slice, false);
	write_ports(out, slice->ports, slice->n_ports);
	fputs("}]}\n", out);
}

static void write_container(FILE *out, const struct world_pod *pod)
{
	fputs("\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"ports\":[", out);
	for (size_t i = 0; i < pod->n_ports; i++)
		fprintf(out, "%s{\"name\":\"%s\",\"containerPort\":%u,\"protocol\":\"%s\"}",
			i ? "," : "", pod->ports[i].name, pod->ports[i].port, pod->ports[i].proto);
	fputs("]}]", out);
}

static void write_pod(FILE *out, const struct world_pod *pod)
{
	bool going = pod->state == STATE_TERMINATING || pod->state == STATE_DEAD;
	bool serving = pod->state != STATE_NOT_READY && pod->state != STATE_DEAD;

	fprintf(out,
		"---\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{%s\"name\":\"%s\","
		"\"labels\":{\"app\":\"%s\"}},\"spec\":{\"nodeName\":\"%s\",",
		going ? dying : "", pod->name, pod->service, pod->node);
	write_container(out, pod);
	fprintf(out, "},\"status\":{\"phase\":\"%s\",\"podIP\":\"%s\",\"podIPs\":[", pod->phase,
		pod->addrs.item[0]);
	for (size_t i = 0; i < pod->addrs.n; i++)
		fprintf(out, "%s{\"ip\":\"%s\"}", i ? "," : "", pod->addrs.item[i]);
	fputc(']', out);
	if (pod->state != STATE_SILENT)
		fprintf(out, ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\"}]",
			serving ? "True" : "False");
	fputs("}}\n", out);
}

static void write_host(FILE *out, const struct world_host *host)
{
	fprintf(out, "---\n{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\"",
		host->name);
	if (*host->zone)
		fprintf(out, ",\"labels\":{\"topology.kubernetes.io/zone\":\"%s\"}", host->zone);
	fputs("}}\n", out);
}

char *world_yaml(const struct world *world)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	for (size_t i = 0; i < world->n_hosts; i++)
		write_host(out, &world->hosts[i]);
	for (size_t i = 0; i < world->n_services; i++)
		write_service(out, &world->services[i]);
	for (size_t i = 0; i < world->n_slices; i++) {
		if (world->slices[i].legacy)
			write_legacy(out, &world->slices[i]);
		else
			write_slice(out, &world->slices[i]);
	}
	for (size_t i = 0; i < world->n_pods; i++)
		write_pod(out, &world->pods[i]);
	fclose(out);
	return text;
}
