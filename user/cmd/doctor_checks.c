/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of checks: each row says where to look, why, and what to do next. */
#include <stdarg.h>
#include <stdlib.h>

#include "user/cmd/doctor.h"

const struct doctor_check doctor_service_checks[] = {
	{ "service", "a name is looked for in one namespace", doctor_exists, "lbctl get svc -A" },
	{ "reach", "what answers inside need not answer outside", doctor_reach,
	  "for clients outside: type NodePort or LoadBalancer" },
	{ "announced", "clients find an address by the one host that answers for it",
	  doctor_announced,
	  "one host must answer for it, or routers must send it here: lbctl does not announce "
	  "addresses" },
	{ "ping", "the address is virtual: ping tells little about a Service", doctor_ping,
	  "ask the port, not the address: curl, or lbctl explain" },
	{ "selector", "the selector chooses the pods by their labels", doctor_selector,
	  "compare: lbctl describe svc, lbctl get pods --show-labels" },
	{ "ready", "only ready pods are endpoints", doctor_ready,
	  "lbctl describe pod: its probe, and why that fails" },
	{ "named-port", "a targetPort by name is looked up in each pod", doctor_named_port,
	  "give the container's port that name, or write the number into targetPort" },
	{ "port", "clients dial the Service's port, not the pods'", doctor_port,
	  "dial spec.ports[].port" },
	{ "target", "a pod must listen on the target port", doctor_target,
	  "set targetPort to what the process listens on; it must not listen on localhost alone" },
	{ "local", "policy Local uses the pods of this node alone", doctor_local,
	  "send to a node that runs a pod, or set the policy to Cluster" },
	{ "source", "loadBalancerSourceRanges shut others out", doctor_source,
	  "add the client's network to spec.loadBalancerSourceRanges" },
	{ "maps", "packets meet the maps, not the objects", doctor_in_maps,
	  "lbctl diff shows what differs; the agent's log says why" },
	{ "path", "what the programs would do with a client's first packet", doctor_path,
	  "lbctl explain tells the whole story" },
	{ "packets", "what the last packets met", doctor_packets,
	  "lbctl show flows --service; does the pod's way back lead to this node?" },
	{ 0 },
};

const struct doctor_check doctor_node_checks[] = {
	{ "attached", "without programs nothing is translated", doctor_attached,
	  "lbctl attach DEVICE" },
	{ "mode", "generic XDP is slow, and drops what other programs need", doctor_mode,
	  "use a driver with native XDP, or lbctl attach --mode tc" },
	{ "programs", "others may have taken our place", doctor_programs,
	  "end what put it there, then attach again: lbctl attach DEVICE" },
	{ "agent", "the agent carries changes into the maps, probes pods and answers DNS",
	  doctor_agent, "systemctl restart lbctl, and look into its log" },
	{ "room", "what does not fit into a map is refused", doctor_maps,
	  "raise \"flows\" in the configuration, or serve less from this node" },
	{ "snat", "each masqueraded connection needs a port of the node", doctor_snat,
	  "widen snatPorts, add backends, or use externalTrafficPolicy: Local" },
	{ "refused", "what packets met that has to do with this node", doctor_reasons,
	  "lbctl show drops" },
	{ "forwarding", "the kernel routes to the pods of this node", doctor_forwarding,
	  "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1" },
	{ "rp-filter", "strict reverse path filtering drops what comes by another way",
	  doctor_rp_filter, "sysctl -w net.ipv4.conf.all.rp_filter=2 (loose)" },
	{ "firewall", "a policy of drop forgets about pods", doctor_firewall,
	  "let forwarded packets to and from podCIDRs through" },
	{ "mtu", "what a pod sends must fit through the node's device", doctor_mtu,
	  "lower the pods' MTU to that of the node's device" },
	{ "dns", "names are found only where queries are answered", doctor_dns,
	  "pods: nameserver of dns.address, search NAMESPACE.svc.DOMAIN svc.DOMAIN DOMAIN" },
	{ "kube-proxy", "two that do the same work undo each other", doctor_kube_proxy,
	  "stop kube-proxy and remove its rules: kube-proxy --cleanup" },
	{ 0 },
};

void doctor_say(struct doctor_finding *finding, enum doctor_level level, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	if (finding->text && level <= finding->level)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	free(finding->text);
	finding->text = text;
	finding->level = level;
}

struct doctor_finding doctor_check_run(const struct doctor *doctor,
				       const struct doctor_check *check)
{
	struct doctor_finding finding = { 0 };

	check->run(doctor, &finding);
	if (!finding.hint)
		finding.hint = check->hint;
	return finding;
}
