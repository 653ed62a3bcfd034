/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "user/cmd/print.h"
#include "user/model/readiness.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

static size_t restarts(const json_t *statuses)
{
	json_t *status;
	size_t i, n = 0;

	json_array_foreach ((json_t *)statuses, i, status)
		n += (size_t)tree_int(status, "restartCount");
	return n;
}

/* index: of the container in the pod. */
static bool container_ready(const struct object *object, size_t index)
{
	json_t *statuses = tree_get(object->json, "status.containerStatuses"), *status;
	const struct container *container = &object->pod->containers[index];
	size_t i;

	if (container->probed != PROBED_NOT)
		return container->probed == PROBED_READY && !readiness_pod_ended(object->pod);
	/* The node's own word, where there is one. */
	json_array_foreach (statuses, i, status) {
		const char *other = tree_text(status, "name");

		if (container->name && other && !strcmp(container->name, other))
			return json_is_true(json_object_get(status, "ready"));
	}
	if (readiness_of_pod(object->pod))
		return true;
	/* The pod waits for a probe: its other containers are ready. */
	return object->pod->n_ips && object->pod->has_probe && !readiness_pod_ended(object->pod) &&
	       !readiness_is_probed(container);
}

static size_t ready_containers(const struct object *object)
{
	size_t n = 0;

	for (size_t i = 0; i < object->pod->n_containers; i++)
		n += container_ready(object, i);
	return n;
}

/* "1/2": how many of the gates are open; "<none>" without gates. */
static void print_gates(FILE *out, const struct object *object)
{
	json_t *gates = tree_get(object->json, "spec.readinessGates"), *gate;
	json_t *conditions = tree_get(object->json, "status.conditions"), *condition;
	size_t i, j, open = 0;

	json_array_foreach (gates, i, gate) {
		json_array_foreach (conditions, j, condition) {
			const char *status = tree_text(condition, "status");

			if (json_equal(json_object_get(gate, "conditionType"),
				       json_object_get(condition, "type")))
				open += status && !strcmp(status, "True");
		}
	}
	if (json_array_size(gates))
		fprintf(out, "%zu/%zu", open, json_array_size(gates));
	else
		fputs("<none>", out);
}

/* Of the first container that is not ready. */
static const char *last_failure(const struct object *object)
{
	const struct pod *pod = object->pod;

	for (size_t i = 0; i < pod->n_containers; i++) {
		if (pod->containers[i].reason && pod->containers[i].probed == PROBED_UNREADY)
			return pod->containers[i].reason;
	}
	return "<none>";
}

/* "Running", or why it is not: the reason of the pod, else of a waiting container. */
static const char *pod_status(const struct object *object)
{
	json_t *statuses = tree_get(object->json, "status.containerStatuses"), *status;
	const char *text = tree_text(object->json, "status.reason");
	size_t i;

	if (object->pod->terminating)
		return "Terminating";
	/* A manifest without a status describes a pod that runs as soon as it has an address. */
	if (!text)
		text = print_or(object->pod->phase, object->pod->n_ips ? "Running" : "Pending");
	json_array_foreach (statuses, i, status) {
		const char *reason = tree_text(status, "state.waiting.reason");

		if (!reason)
			reason = tree_text(status, "state.terminated.reason");
		if (reason)
			text = reason;
	}
	return text;
}

void print_pod(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;
	char ip[ADDR_TEXT];

	fprintf(out, "%s\t%zu/%zu\t%s\t%zu\t", object->name, ready_containers(object),
		object->pod->n_containers, pod_status(object),
		restarts(tree_get(object->json, "status.containerStatuses")));
	print_age(context, object);
	if (!context->wide)
		return;
	fprintf(out, "\t%s\t%s\t<none>\t",
		object->pod->n_ips ? addr_format(&object->pod->ips[0], ip) : "<none>",
		print_or(object->pod->node_name, "<none>"));
	print_gates(out, object);
	fprintf(out, "\t%s", last_failure(object));
}

/* ------------------------------------------------------------- describe -- */

static long long int_or(const json_t *json, const char *path, long long other)
{
	long long value = tree_int(json, path);

	return value ? value : other;
}

/* A port is a number or a name. */
static void print_probe_port(FILE *out, const json_t *port)
{
	if (json_is_string(port))
		fputs(json_string_value(port), out);
	else
		fprintf(out, "%lld", (long long)json_integer_value(port));
}

static void describe_probe(FILE *out, const char *title, const json_t *probe)
{
	const json_t *http = tree_get(probe, "httpGet"), *tcp = tree_get(probe, "tcpSocket");
	const json_t *grpc = tree_get(probe, "grpc"), *exec = tree_get(probe, "exec");

	fprintf(out, "    %s:\t", title);
	if (exec) {
		fputs("exec [", out);
		print_joined(out, tree_get(exec, "command"), " ");
		fputc(']', out);
	} else if (http) {
		bool https = !strcmp(print_or(tree_text(http, "scheme"), "HTTP"), "HTTPS");

		fprintf(out, "http-get http%s://%s:", https ? "s" : "",
			print_or(tree_text(http, "host"), ""));
		print_probe_port(out, tree_get(http, "port"));
		fputs(print_or(tree_text(http, "path"), "/"), out);
	} else if (tcp) {
		fprintf(out, "tcp-socket %s:", print_or(tree_text(tcp, "host"), ""));
		print_probe_port(out, tree_get(tcp, "port"));
	} else if (grpc) {
		fprintf(out, "grpc <pod>:%lld %s", tree_int(grpc, "port"),
			print_or(tree_text(grpc, "service"), ""));
	}
	fprintf(out, " delay=%llds timeout=%llds period=%llds #success=%lld #failure=%lld\n",
		tree_int(probe, "initialDelaySeconds"), int_or(probe, "timeoutSeconds", 1),
		int_or(probe, "periodSeconds", 10), int_or(probe, "successThreshold", 1),
		int_or(probe, "failureThreshold", 3));
}

static void describe_probes(FILE *out, const json_t *container)
{
	static const struct {
		const char *title, *key;
	} probes[] = { { "Liveness", "livenessProbe" },
		       { "Readiness", "readinessProbe" },
		       { "Startup", "startupProbe" } };

	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		const json_t *probe = tree_get(container, probes[i].key);

		if (probe)
			describe_probe(out, probes[i].title, probe);
	}
}

static void describe_container(FILE *out, const struct object *object, size_t index)
{
	const json_t *container = json_array_get(tree_get(object->json, "spec.containers"), index);
	json_t *ports = tree_get(container, "ports"), *port;
	size_t i;

	fprintf(out, "  %s:\n    Image:\t%s\n    %s:\t", print_or(tree_text(container, "name"), ""),
		print_or(tree_text(container, "image"), ""),
		json_array_size(ports) > 1 ? "Ports" : "Port");
	if (!json_array_size(ports))
		fputs("<none>", out);
	json_array_foreach (ports, i, port)
		fprintf(out, "%s%lld/%s", i ? ", " : "", tree_int(port, "containerPort"),
			print_or(tree_text(port, "protocol"), "TCP"));
	fprintf(out, "\n    Ready:\t%s\n", container_ready(object, index) ? "True" : "False");
	describe_probes(out, container);
}

static void describe_pod_addresses(FILE *out, const struct pod *pod)
{
	char text[ADDR_TEXT];

	fprintf(out, "IP:\t%s\n", pod->n_ips ? addr_format(&pod->ips[0], text) : "");
	fputs(pod->n_ips ? "IPs:\n" : "IPs:\t<none>\n", out);
	for (size_t i = 0; i < pod->n_ips; i++)
		fprintf(out, "  IP:\t%s\n", addr_format(&pod->ips[i], text));
}

void describe_pod(const struct print_context *context, const struct object *object)
{
	json_t *conditions = tree_get(object->json, "status.conditions"), *condition;
	const char *node = object->pod->node_name;
	FILE *out = context->out;
	size_t i;

	describe_name(out, object);
	if (node && *node)
		fprintf(out, "Node:\t%s/%s\n", node,
			print_or(tree_text(object->json, "status.hostIP"), ""));
	else
		fputs("Node:\t<none>\n", out);
	describe_labels(out, "Labels", tree_get(object->json, "metadata.labels"));
	describe_annotations(out, object);
	fprintf(out, "Status:\t%s\n", pod_status(object));
	describe_pod_addresses(out, object->pod);
	fputs("Containers:\n", out);
	for (i = 0; i < object->pod->n_containers; i++)
		describe_container(out, object, i);
	if (json_array_size(conditions))
		fputs("Conditions:\n  Type\tStatus\n", out);
	json_array_foreach (conditions, i, condition)
		fprintf(out, "  %s \t%s \n", print_or(tree_text(condition, "type"), ""),
			print_or(tree_text(condition, "status"), ""));
	describe_events(context, object);
}
