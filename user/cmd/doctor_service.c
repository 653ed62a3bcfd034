/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what the objects tell of a Service, and its pods' own ports. */
#include <errno.h>
#include <string.h>

#include "user/cmd/doctor.h"
#include "user/model/members.h"
#include "user/model/readiness.h"
#include "user/model/slices.h"
#include "user/util/cleanup.h"

#define TARGETS_TRIED 8 /* each may take a second when nobody answers */

static bool is_service(const struct doctor *doctor)
{
	return doctor->service && doctor->service->service->type != SERVICE_EXTERNAL_NAME;
}

bool doctor_has_address(const struct doctor *doctor)
{
	return is_service(doctor) && !doctor->service->service->headless;
}

/* Pods that the selector chooses, each once, whatever their families and states. */
static size_t chosen(const struct doctor *doctor, const struct object *pods[], size_t room)
{
	struct store_view view = store_list(doctor->store, K8S_POD, doctor->ns);
	size_t n = 0;

	for (size_t i = 0; i < view.n; i++) {
		if (!members_chosen(doctor->service, view.items[i]))
			continue;
		if (n < room)
			pods[n] = view.items[i];
		n++;
	}
	return n;
}

void doctor_exists(const struct doctor *doctor, struct doctor_finding *finding)
{
	struct store_view view = store_list(doctor->store, K8S_SERVICE, NULL);

	if (doctor->service) {
		doctor_say(finding, DOCTOR_OK, "there is a Service %s in namespace %s",
			   doctor->name, doctor->ns);
		return;
	}
	for (size_t i = 0; i < view.n; i++) {
		if (strcmp(view.items[i]->name, doctor->name) != 0)
			continue;
		doctor_say(finding, DOCTOR_BAD,
			   "no Service %s in namespace %s, but there is one in namespace %s",
			   doctor->name, doctor->ns, view.items[i]->ns);
		finding->hint = "name its namespace: -n NAMESPACE here, NAME.NAMESPACE in DNS";
		return;
	}
	doctor_say(finding, DOCTOR_BAD, "no namespace has a Service %s", doctor->name);
}

/* In whatever namespace. */
static bool has_labels(const struct object *pod, const struct service *service)
{
	for (size_t i = 0; i < service->n_selector; i++) {
		const char *value = object_label(pod, service->selector[i].key);

		if (!value || strcmp(value, service->selector[i].value) != 0)
			return false;
	}
	return true;
}

void doctor_selector(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct service *service;
	struct store_view all;
	size_t n;

	if (!is_service(doctor))
		return;
	service = doctor->service->service;
	if (!service->n_selector) {
		doctor_say(finding, DOCTOR_OK, "no selector: endpoints are written by hand");
		return;
	}
	if (!store_knows(doctor->store, K8S_POD)) {
		doctor_say(finding, DOCTOR_OK, "the cluster's controllers choose the endpoints");
		return;
	}
	n = chosen(doctor, NULL, 0);
	if (n) {
		doctor_say(finding, DOCTOR_OK, "it chooses %zu pod%s", n, n == 1 ? "" : "s");
		return;
	}
	all = store_list(doctor->store, K8S_POD, NULL);
	for (size_t i = 0; i < all.n; i++) {
		if (!has_labels(all.items[i], service))
			continue;
		doctor_say(finding, DOCTOR_BAD,
			   "%s=%s matches no pod of namespace %s, but pod %s of namespace %s",
			   service->selector[0].key, service->selector[0].value, doctor->ns,
			   all.items[i]->name, all.items[i]->ns);
		finding->hint = "a Service chooses pods of its own namespace alone";
	}
	doctor_say(finding, DOCTOR_BAD, "%s=%s%s matches no pod of namespace %s",
		   service->selector[0].key, service->selector[0].value,
		   service->n_selector > 1 ? " and the rest of the selector" : "", doctor->ns);
}

static const char *last_failure(const struct pod *pod)
{
	for (size_t i = 0; i < pod->n_containers; i++)
		if (pod->containers[i].reason && pod->containers[i].probed == PROBED_UNREADY)
			return pod->containers[i].reason;
	return NULL;
}

static void say_unready(struct doctor_finding *finding, enum doctor_level level, size_t ready,
			size_t n, const struct object *pod)
{
	const char *why = last_failure(pod->pod);

	doctor_say(finding, level, "%zu of %zu pods are ready; %s: %s", ready, n, pod->name,
		   why			 ? why
		   : pod->pod->has_probe ? "its probe has not succeeded yet"
					 : "its Ready condition or phase says no");
}

/* Endpoints that have no pod here: of slices and Endpoints objects. */
static void ready_by_hand(const struct doctor *doctor, struct doctor_finding *finding)
{
	struct object_list slices = { 0 };
	size_t n = 0, ready = 0;

	slices_of_service(doctor->store, doctor->service, &slices);
	for (size_t i = 0; i < slices.n; i++) {
		const struct endpoint_slice *slice = slices.items[i]->slice;

		for (size_t j = 0; j < slice->n_endpoints; j++) {
			n++;
			ready += slice->endpoints[j].ready;
		}
	}
	object_list_free(&slices);
	if (!n)
		doctor_say(finding, DOCTOR_BAD, "no endpoints are written for it");
	else
		doctor_say(finding, ready ? DOCTOR_OK : DOCTOR_BAD,
			   "%zu of %zu endpoints are ready", ready, n);
	finding->hint = "lbctl describe endpointslices";
}

void doctor_ready(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct object *pods[64], *unready = NULL;
	size_t n, ready = 0, probed = 0;

	if (!is_service(doctor))
		return;
	if (!doctor->service->service->n_selector || !store_knows(doctor->store, K8S_POD)) {
		ready_by_hand(doctor, finding);
		return;
	}
	n = chosen(doctor, pods, ARRAY_LEN(pods));
	n = n < ARRAY_LEN(pods) ? n : ARRAY_LEN(pods);
	for (size_t i = 0; i < n; i++) {
		bool up = readiness_of_pod(pods[i]->pod) && !pods[i]->pod->terminating;

		ready += up;
		probed += pods[i]->pod->has_probe;
		if (!up && (!unready || !last_failure(unready->pod)))
			unready = pods[i];
	}
	if (!n)
		return; /* the selector's row has said it */
	if (unready)
		say_unready(finding, ready ? DOCTOR_WARN : DOCTOR_BAD, ready, n, unready);
	else
		doctor_say(finding, DOCTOR_OK, "%zu of %zu pods are ready%s", ready, n,
			   probed ? "" : "; without a readiness probe they count from the start");
}

void doctor_named_port(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct object *pods[64];
	size_t n;

	if (!is_service(doctor) || !doctor->service->service->n_selector)
		return;
	n = chosen(doctor, pods, ARRAY_LEN(pods));
	n = n < ARRAY_LEN(pods) ? n : ARRAY_LEN(pods);
	for (size_t p = 0; p < doctor->service->service->n_ports && n; p++) {
		const struct service_port *port = &doctor->service->service->ports[p];
		const struct object *without = NULL;
		size_t with = 0;

		if (!port->target_name)
			continue;
		for (size_t i = 0; i < n; i++) {
			if (member_port(pods[i]->pod, port))
				with++;
			else
				without = pods[i];
		}
		if (without)
			doctor_say(finding, with ? DOCTOR_WARN : DOCTOR_BAD,
				   "pod %s has no %s port named \"%s\"", without->name,
				   port->proto == IPPROTO_UDP ? "UDP" : "TCP", port->target_name);
		else
			doctor_say(finding, DOCTOR_OK, "every pod has a port named \"%s\"",
				   port->target_name);
	}
}

/* The number a port leads to: of the first pod, when it is a name. */
static uint16_t target_number(const struct doctor *doctor, const struct service_port *port)
{
	const struct object *pod;

	if (!port->target_name)
		return port->target_port;
	return chosen(doctor, &pod, 1) ? member_port(pod->pod, port) : 0;
}

void doctor_port(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct service_port *port = NULL, *target = NULL;

	if (!doctor_has_address(doctor) || !doctor->service->service->n_ports)
		return;
	for (size_t i = doctor->service->service->n_ports; i-- > 0;) {
		const struct service_port *item = &doctor->service->service->ports[i];

		if (!doctor->port || item->port == doctor->port)
			port = item;
		if (target_number(doctor, item) == doctor->port)
			target = item;
	}
	if (port)
		doctor_say(finding, DOCTOR_OK, "port %u leads to port %u of the pods", port->port,
			   target_number(doctor, port));
	else if (target)
		doctor_say(finding, DOCTOR_BAD,
			   "%u is the pods' port; the Service answers on port %u", doctor->port,
			   target->port);
	else
		doctor_say(finding, DOCTOR_BAD, "the Service has no port %u, but %u", doctor->port,
			   doctor->service->service->ports[0].port);
}

/* ------------------------------------------------------------------ target -- */

static void target_try(const struct doctor *doctor, const struct endpoint *endpoint, uint16_t port,
		       struct doctor_finding *finding)
{
	int r = doctor->system->connect(doctor->system->arg, &endpoint->addr, port);
	char place[ADDR_PORT_TEXT];
	const char *why = strerror(-r);

	addr_port_format(&endpoint->addr, htons(port), place);
	if (r == -ECONNREFUSED)
		why = "connection refused: nobody listens there";
	else if (r == -ETIMEDOUT)
		why = "no answer: is there a route, or a firewall in the pod?";
	if (r)
		doctor_say(finding, endpoint->ready ? DOCTOR_BAD : DOCTOR_WARN, "%s (%s): %s",
			   endpoint->target_name ? endpoint->target_name : "endpoint", place, why);
}

void doctor_target(const struct doctor *doctor, struct doctor_finding *finding)
{
	struct object_list slices = { 0 };
	size_t tried = 0;

	if (!is_service(doctor) || doctor->recorded)
		return;
	slices_of_service(doctor->store, doctor->service, &slices);
	for (size_t i = 0; i < slices.n; i++) {
		const struct endpoint_slice *slice = slices.items[i]->slice;

		for (size_t j = 0; j < slice->n_endpoints * slice->n_ports; j++) {
			const struct endpoint_port *port = &slice->ports[j / slice->n_endpoints];

			if (slice->fqdn || port->proto != IPPROTO_TCP || !port->port ||
			    tried == TARGETS_TRIED)
				continue;
			tried++;
			target_try(doctor, &slice->endpoints[j % slice->n_endpoints], port->port,
				   finding);
		}
	}
	object_list_free(&slices);
	if (tried)
		doctor_say(finding, DOCTOR_OK, "the endpoints' own ports answer this node");
}
