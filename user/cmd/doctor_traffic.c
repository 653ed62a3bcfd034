/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: from where a Service is reached, and what packets for it meet. */
#include <string.h>

#include "user/cmd/doctor.h"
#include "user/cmd/explain.h"
#include "user/model/slices.h"
#include "user/util/cleanup.h"

/* Whether the client that was named is no pod of the cluster. */
static bool from_outside(const struct doctor *doctor)
{
	if (!doctor->from || !doctor->config->pod_cidrs.n)
		return false;
	for (size_t i = 0; i < doctor->config->pod_cidrs.n; i++)
		if (prefix_contains(&doctor->config->pod_cidrs.items[i], doctor->from))
			return false;
	return true;
}

static void reach_load_balancer(const struct service *service, struct doctor_finding *finding)
{
	char text[ADDR_TEXT];

	if (service->n_ingress)
		doctor_say(finding, DOCTOR_OK, "reached from outside by %s, if that is routed here",
			   addr_is_zero(&service->ingress[0].addr)
				   ? service->ingress[0].hostname
				   : addr_format(&service->ingress[0].addr, text));
	else
		doctor_say(finding, DOCTOR_BAD, "type LoadBalancer, but it has no address");
	finding->hint = "loadBalancerPools in the configuration: is there a free address?";
}

void doctor_reach(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct service *service = doctor->service ? doctor->service->service : NULL;
	char text[ADDR_TEXT] = "no cluster IP";

	if (!service)
		return;
	if (service->n_cluster_ips)
		addr_format(&service->cluster_ips[0], text);
	if (service->type == SERVICE_EXTERNAL_NAME)
		doctor_say(finding, DOCTOR_OK, "it is a name for %s: no packet of it passes here",
			   service->external_name);
	else if (service->headless)
		doctor_say(finding, DOCTOR_OK,
			   "headless: clients get the pods' own addresses by DNS");
	else if (!service->n_cluster_ips)
		doctor_say(finding, DOCTOR_BAD, "it was given no cluster IP");
	else if (service->type == SERVICE_LOAD_BALANCER)
		reach_load_balancer(service, finding);
	else if (service->type == SERVICE_NODE_PORT)
		doctor_say(finding, DOCTOR_OK, "reached from outside by port %u of each node",
			   service->n_ports ? service->ports[0].node_port : 0);
	else
		doctor_say(finding, from_outside(doctor) ? DOCTOR_BAD : DOCTOR_OK,
			   "%s is reached from pods and nodes alone: type ClusterIP", text);
}

void doctor_ping(const struct doctor *doctor, struct doctor_finding *finding)
{
	if (!doctor_has_address(doctor))
		return;
	doctor_say(finding, DOCTOR_OK, "%s",
		   doctor->config->icmp_echo ? "the address answers ping while an endpoint is "
					       "ready; that says nothing about its ports"
					     : "the address does not answer ping: icmpEcho is off");
}

/* -------------------------------------------------------------- policy Local -- */

/* Ready endpoints on this node, and everywhere. */
static void count_ready(const struct doctor *doctor, size_t *ret_here, size_t *ret_all)
{
	struct object_list slices = { 0 };

	*ret_here = *ret_all = 0;
	slices_of_service(doctor->store, doctor->service, &slices);
	for (size_t i = 0; i < slices.n; i++) {
		const struct endpoint_slice *slice = slices.items[i]->slice;

		for (size_t j = 0; j < slice->n_endpoints; j++) {
			const char *node = slice->endpoints[j].node_name;

			if (!slice->endpoints[j].ready)
				continue;
			++*ret_all;
			*ret_here += node && !strcmp(node, doctor->config->node_name);
		}
	}
	object_list_free(&slices);
}

void doctor_local(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct service *service = doctor->service ? doctor->service->service : NULL;
	bool external;
	size_t here, all;

	if (!service || !doctor_has_address(doctor))
		return;
	external = service->external_local && service->type != SERVICE_CLUSTER_IP;
	if (!external && !service->internal_local)
		return;
	count_ready(doctor, &here, &all);
	if (here)
		doctor_say(finding, DOCTOR_OK, "policy Local, and this node has %zu ready", here);
	else
		doctor_say(finding, DOCTOR_BAD,
			   "%s is Local, and none of %zu ready endpoints is on this node (%s)",
			   external ? "externalTrafficPolicy" : "internalTrafficPolicy", all,
			   doctor->config->node_name);
}

void doctor_source(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct service *service = doctor->service ? doctor->service->service : NULL;
	char text[ADDR_TEXT];

	if (!service || !service->n_source_ranges || service->type != SERVICE_LOAD_BALANCER)
		return;
	if (!doctor->from) {
		doctor_say(finding, DOCTOR_OK,
			   "%zu source range%s let clients in; is yours among them? "
			   "--from ADDRESS tells",
			   service->n_source_ranges, service->n_source_ranges == 1 ? "" : "s");
		return;
	}
	addr_format(doctor->from, text);
	for (size_t i = 0; i < service->n_source_ranges; i++)
		if (prefix_contains(&service->source_ranges[i], doctor->from))
			doctor_say(finding, DOCTOR_OK, "%s is in a source range", text);
	if (!finding->text)
		doctor_say(finding, DOCTOR_BAD, "%s is outside of loadBalancerSourceRanges", text);
}

/* ---------------------------------------------------------------------- maps -- */

static int id_order(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_service *service = item;

	return (*id > service->id) - (*id < service->id);
}

static bool is_this(const struct doctor *doctor, const struct lb_name *name)
{
	return !strcmp(name->namespace, doctor->ns) && !strcmp(name->name, doctor->name);
}

/* A service has an id in the maps for each port and family. */
static bool is_id_of_this(const struct doctor *doctor, uint32_t id)
{
	const struct actual *actual = &doctor->dp->actual;
	const struct actual_service *service = bsearch(&id, actual->services, actual->n_services,
						       sizeof(*actual->services), id_order);

	return service && is_this(doctor, &service->name);
}

static bool is_backend(const struct doctor *doctor, const struct lb_addr *addr)
{
	const struct actual *actual = &doctor->dp->actual;

	for (size_t i = 0; i < actual->n_backends; i++) {
		const struct lb_backend *value = &actual->backends[i].value;

		if (!addr_compare(&value->addr, addr) &&
		    !(value->flags & (LB_BACKEND_DRAINING | LB_BACKEND_GONE)) &&
		    is_id_of_this(doctor, value->service))
			return true;
	}
	return false;
}

/* Ready endpoints that packets are not given; hints may keep one out. */
static void find_missing(const struct doctor *doctor, struct doctor_finding *finding)
{
	struct object_list slices = { 0 };
	char text[ADDR_TEXT];

	slices_of_service(doctor->store, doctor->service, &slices);
	for (size_t i = 0; i < slices.n; i++) {
		const struct endpoint_slice *slice = slices.items[i]->slice;

		for (size_t j = 0; j < slice->n_endpoints && !slice->fqdn; j++) {
			const struct endpoint *endpoint = &slice->endpoints[j];

			if (endpoint->ready && !endpoint->n_hint_zones && !endpoint->n_hint_nodes &&
			    !is_backend(doctor, &endpoint->addr))
				doctor_say(finding, DOCTOR_BAD,
					   "endpoint %s is ready, but not in the maps",
					   addr_format(&endpoint->addr, text));
		}
	}
	object_list_free(&slices);
}

void doctor_in_maps(const struct doctor *doctor, struct doctor_finding *finding)
{
	size_t frontends = 0, devices = 0;

	if (!doctor_has_address(doctor) || !doctor->dp)
		return;
	for (size_t i = 0; i < doctor->dp->actual.n_frontends; i++)
		frontends += doctor->dp->actual.frontends[i].key.port &&
			     is_id_of_this(doctor, doctor->dp->actual.frontends[i].value.service);
	for (size_t i = 0; i < doctor->dp->devices.n; i++)
		devices += !!(doctor->dp->devices.items[i].value.flags & LB_DEVICE_NIC);
	if (!frontends) {
		doctor_say(finding, DOCTOR_BAD, "no address of it is in the maps");
		return;
	}
	find_missing(doctor, finding);
	doctor_say(finding, DOCTOR_OK,
		   "%zu address%s in the maps, and every ready endpoint; %zu device%s look%s there",
		   frontends, frontends == 1 ? " is" : "es are", devices, devices == 1 ? "" : "s",
		   devices == 1 ? "s" : "");
}

/* The address and port that the client in question would dial. */
static bool path_question(const struct doctor *doctor, struct explain_question *ret)
{
	const struct service *service = doctor->service->service;
	bool outside = from_outside(doctor);
	const struct lb_addr *to = &service->cluster_ips[0];
	uint16_t port = doctor->port;

	if (!service->n_ports || !service->n_cluster_ips)
		return false;
	if (outside && service->n_ingress && !addr_is_zero(&service->ingress[0].addr))
		to = &service->ingress[0].addr;
	if (!port)
		port = service->ports[0].port;
	*ret = (struct explain_question){ .proto = service->ports[0].proto,
					  .to = *to,
					  .to_port = htons(port),
					  .from_port = htons(49152) };
	ret->origin =
		doctor->from ? explain_origin(doctor->dp->explain, doctor->from) : EXPLAIN_NODE;
	ret->from = doctor->from ? *doctor->from : explain_node_source(doctor->dp->explain, to);
	return addr_is_v4(&ret->from) == addr_is_v4(to);
}

void doctor_path(const struct doctor *doctor, struct doctor_finding *finding)
{
	static const char *const texts[] = {
#define REASON_TEXT(name, label, text, hint) [LB_REASON_##name] = text,
		LB_REASONS(REASON_TEXT)
#undef REASON_TEXT
	};
	struct explain_question question;
	struct explain_answer answer;
	char from[ADDR_TEXT], to[ADDR_PORT_TEXT], backend[ADDR_PORT_TEXT];
	struct err err;

	if (!doctor_has_address(doctor) || !doctor->dp || !doctor->dp->explain ||
	    !path_question(doctor, &question))
		return;
	if (explain_ask(doctor->dp->explain, &question, &answer, &err)) {
		doctor_say(finding, DOCTOR_UNKNOWN, "the programs cannot be asked: %s", err.text);
		return;
	}
	addr_format(&question.from, from);
	addr_port_format(&question.to, question.to_port, to);
	if (answer.note.verdict == LB_EXPLAIN_FORWARD)
		doctor_say(
			finding, DOCTOR_OK, "%s to %s goes on to %s", from, to,
			addr_port_format(&answer.note.new_daddr, answer.note.new_dport, backend));
	else
		doctor_say(finding, DOCTOR_BAD, "%s to %s: %s, %s", from, to,
			   explain_verdict_text(answer.note.verdict),
			   answer.note.reason < LB_REASON_COUNT ? texts[answer.note.reason] : "?");
	explain_answer_done(&answer);
}

void doctor_packets(const struct doctor *doctor, struct doctor_finding *finding)
{
	size_t answered = 0, unanswered = 0;

	if (!doctor_has_address(doctor) || !doctor->dp)
		return;
	for (size_t i = 0; i < doctor->dp->flows.n; i++) {
		if (!is_this(doctor, &doctor->dp->actual.services[i].name))
			continue;
		answered += doctor->dp->flows.items[i].answered;
		unanswered += doctor->dp->flows.items[i].unanswered;
	}
	if (unanswered > answered)
		doctor_say(finding, DOCTOR_WARN,
			   "%zu of %zu connections got no answer from their pod", unanswered,
			   answered + unanswered);
	else if (answered)
		doctor_say(finding, DOCTOR_OK, "%zu connections of packets, %zu without an answer",
			   answered + unanswered, unanswered);
	else
		doctor_say(finding, DOCTOR_OK, "no connection of packets is known");
}
