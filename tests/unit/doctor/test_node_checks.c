/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of a node, each staged by what its files, programs and maps say. */
#include "tests/unit/doctor/patient.h"

#define CONF "/proc/sys/net/ipv4/conf/"

/* A node with a device to the outside and one pod, all well; a row changes what it is about. */
struct sick_node {
	struct patient patient;
	struct datapath_device devices[2];
	struct attached links[2];
	unsigned int mtus[2];
	struct actual_service service;
	struct doctor_datapath dp;
	json_t *agent;
};

static const struct answer well[] = {
	{ "/proc/sys/net/ipv4/ip_forward", "1\n" },
	{ "/proc/sys/net/ipv6/conf/all/forwarding", "0\n" },
	{ CONF "all/rp_filter", "0\n" },
	{ CONF "eth0/rp_filter", "2\n" },
	{ CONF "veth1/rp_filter", "0\n" },
	{ "/etc/resolv.conf", "search svc.cluster.local\nnameserver 10.96.0.10\n" },
	{ 0 },
};

static const struct answer no_rules[] = {
	{ "nft list chains", "table inet filter {\n\tchain forward {\n\t\ttype filter hook "
			     "forward priority filter; policy accept;\n\t}\n}\n" },
	{ "nft list tables", "table inet filter\n" },
	{ "iptables-save -t filter", "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n" },
	{ "iptables-save -t nat", "*nat\nCOMMIT\n" },
	{ 0 },
};

static void node_make(struct sick_node *node)
{
	*node = (struct sick_node){
		.devices = { { 2, "eth0", { .flags = LB_DEVICE_NIC }, "native" },
			     { 3, "veth1", { .flags = LB_DEVICE_POD }, "pod" } },
		.links = { { "eth0", "xdp", ATTACHED_OK, "" },
			   { "eth0", "tc-egress", ATTACHED_OK, "" } },
		.mtus = { 1500, 1500 },
		.service = { .id = 1 },
	};
	patient_make(&node->patient);
	node->patient.files = well;
	node->patient.programs = no_rules;
	node->dp = (struct doctor_datapath){
		.actual = { .services = &node->service,
			    .n_services = 1,
			    .max_services = 100,
			    .max_frontends = 100,
			    .max_backends = 100,
			    .max_ranges = 100 },
		.max_flows = 1000,
		.snat_ports = 20000,
	};
	node->dp.devices.items = node->devices;
	node->dp.devices.n = 2;
	node->dp.links.items = node->links;
	node->dp.links.n = 2;
	node->dp.mtus.items = node->mtus;
	node->dp.mtus.n = 2;
	node->agent = json_pack("{s:i, s:s, s:n, s:[], s:[]}", "pid", 7, "lastSync",
				"1970-01-12T13:46:30Z", "error", "warnings", "silentBackends");
	node->patient.doctor.agent = node->agent;
	node->patient.doctor.dp = &node->dp;
}

static void node_done(struct sick_node *node)
{
	json_decref(node->agent);
	patient_done(&node->patient);
}

/* One file or program that says something else than it should. */
static struct answer other[2];

static void say_file(struct sick_node *n, const char *path, const char *text)
{
	other[0] = (struct answer){ path, text };
	n->patient.files = other;
}

static void say_program(struct sick_node *n, const char *line, const char *text)
{
	other[0] = (struct answer){ line, text };
	n->patient.programs = other;
}

static void unattached(struct sick_node *n)
{
	n->patient.doctor.dp = NULL;
}

static void no_nic(struct sick_node *n)
{
	n->devices[0].value.flags = LB_DEVICE_POD;
}

static void generic(struct sick_node *n)
{
	n->devices[0].mode = "generic";
}

static void replaced(struct sick_node *n)
{
	n->links[1] = (struct attached){ "eth0", "xdp", ATTACHED_REPLACED, "cil_xdp" };
}

static void gone(struct sick_node *n)
{
	n->links[1].state = ATTACHED_GONE;
}

static void agent_none(struct sick_node *n)
{
	n->patient.doctor.agent = NULL;
}

static void agent_dead(struct sick_node *n)
{
	agent_none(n);
	n->patient.doctor.socket = "/proc/self/exe"; /* something that is there */
}

static void agent_silent(struct sick_node *n)
{
	agent_none(n);
	n->patient.doctor.agent_code = -ETIMEDOUT;
}

static void agent_stale(struct sick_node *n)
{
	n->patient.doctor.now += 3600;
}

static void agent_fails(struct sick_node *n)
{
	json_object_set_new(n->agent, "error", json_string("lb_backend is full"));
}

static void agent_neighbour(struct sick_node *n)
{
	json_array_append_new(json_object_get(n->agent, "silentBackends"),
			      json_string("172.17.1.9"));
}

static void maps_full(struct sick_node *n)
{
	n->dp.actual.max_services = 1;
}

static void flows_nearly_full(struct sick_node *n)
{
	n->dp.n_flows4 = 470;
}

static void snat_exhausted(struct sick_node *n)
{
	n->dp.most_masqueraded = 20000;
}

static void snat_refused(struct sick_node *n)
{
	n->dp.reasons[LB_REASON_NO_PORT].packets = 3;
}

static void ttl(struct sick_node *n)
{
	n->dp.reasons[LB_REASON_TTL].packets = 9;
}

static void no_forwarding(struct sick_node *n)
{
	say_file(n, "/proc/sys/net/ipv4/ip_forward", "0\n");
}

static void no_forwarding6(struct sick_node *n)
{
	n->service.name.flags = LB_NAME_IPV6;
}

static void strict(struct sick_node *n)
{
	say_file(n, CONF "all/rp_filter", "1\n");
}

static void strict_but_loose(struct sick_node *n)
{
	static const struct answer files[] = { { CONF "all/rp_filter", "1\n" },
					       { CONF "eth0/rp_filter", "2\n" },
					       { CONF "veth1/rp_filter", "2\n" },
					       { 0 } };

	n->patient.files = files;
}

static void wide_pods(struct sick_node *n)
{
	n->mtus[0] = 1450;
}

static void mtu_unknown(struct sick_node *n)
{
	n->mtus[0] = 0;
}

static void nft_policy(struct sick_node *n)
{
	say_program(n, "nft list chains",
		    "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; "
		    "policy drop;\n\t}\n\tchain fwd {\n\t\ttype filter hook forward priority "
		    "filter; policy drop;\n\t}\n}\n");
}

static void iptables_policy(struct sick_node *n)
{
	say_program(n, "iptables-save -t filter", "*filter\n:FORWARD DROP [7:420]\nCOMMIT\n");
}

static void no_tools(struct sick_node *n)
{
	n->patient.programs = NULL;
}

static void proxy_runs(struct sick_node *n)
{
	n->patient.process = "kube-proxy";
}

static void proxy_iptables(struct sick_node *n)
{
	say_program(n, "iptables-save -t nat", "*nat\n-A PREROUTING -j KUBE-SERVICES\n");
}

static void proxy_nft(struct sick_node *n)
{
	say_program(n, "nft list tables", "table ip kube-proxy\n");
}

static void dns_elsewhere(struct sick_node *n)
{
	say_file(n, "/etc/resolv.conf", "# none\nnameserver 9.9.9.9\n");
}

static void dns_of_pod(struct sick_node *n)
{
	dns_elsewhere(n);
	n->patient.doctor.resolv_given = true;
}

static void dns_both(struct sick_node *n)
{
	say_file(n, "/etc/resolv.conf", "nameserver 10.96.0.10\nnameserver 9.9.9.9\n");
}

static void dns_unread(struct sick_node *n)
{
	n->patient.files = NULL;
}

static const struct row {
	const char *name;
	void (*stage)(struct sick_node *node);
	const char *check;
	enum doctor_level level;
	const char *text;
} rows[] = {
	{ "nothing attached", unattached, "attached", DOCTOR_BAD, "nothing is attached" },
	{ "no device outside", no_nic, "attached", DOCTOR_BAD, "no device to the outside" },
	{ "generic mode", generic, "mode", DOCTOR_WARN, "eth0 is attached in generic mode" },
	{ "program replaced", replaced, "programs", DOCTOR_BAD,
	  "eth0 xdp: another program is in our place, \"cil_xdp\"" },
	{ "program gone", gone, "programs", DOCTOR_BAD, "eth0 tc-egress: our program is not" },
	{ "no agent", agent_none, "agent", DOCTOR_WARN, "no agent runs" },
	{ "agent dead", agent_dead, "agent", DOCTOR_BAD, "the agent died" },
	{ "agent silent", agent_silent, "agent", DOCTOR_BAD, "does not answer" },
	{ "agent stale", agent_stale, "agent", DOCTOR_BAD, "synced 3610 seconds ago" },
	{ "agent cannot sync", agent_fails, "agent", DOCTOR_BAD, "lb_backend is full" },
	{ "backend without neighbour", agent_neighbour, "agent", DOCTOR_WARN, "172.17.1.9" },
	{ "map full", maps_full, "room", DOCTOR_BAD, "no room for more services: 1 of 1" },
	{ "flows nearly full", flows_nearly_full, "room", DOCTOR_WARN, "IPv4 flows: 940 of 1000" },
	{ "SNAT ports exhausted", snat_exhausted, "snat", DOCTOR_BAD, "all 20000 ports" },
	{ "SNAT ports were refused", snat_refused, "snat", DOCTOR_WARN, "3 packets found no free" },
	{ "routing loop", ttl, "refused", DOCTOR_WARN, "9 packets: time to live used up" },
	{ "no forwarding", no_forwarding, "forwarding", DOCTOR_BAD, "ip_forward is 0" },
	{ "no IPv6 forwarding", no_forwarding6, "forwarding", DOCTOR_BAD, "forward IPv6" },
	{ "strict rp_filter", strict, "rp-filter", DOCTOR_WARN, "eth0 filters by strict" },
	{ "rp_filter: the greater one counts", strict_but_loose, "rp-filter", DOCTOR_OK, NULL },
	{ "pods' MTU", wide_pods, "mtu", DOCTOR_WARN, "veth1 has MTU 1500, and eth0" },
	{ "MTU unknown", mtu_unknown, "mtu", DOCTOR_UNKNOWN, "the MTU of no device" },
	{ "nft policy", nft_policy, "firewall", DOCTOR_WARN, "table inet filter chain fwd drops" },
	{ "iptables policy", iptables_policy, "firewall", DOCTOR_WARN, "FORWARD chain is DROP" },
	{ "no tools", no_tools, "firewall", DOCTOR_UNKNOWN, "neither nft nor iptables-save" },
	{ "kube-proxy runs", proxy_runs, "kube-proxy", DOCTOR_BAD, "kube-proxy runs" },
	{ "kube-proxy's iptables", proxy_iptables, "kube-proxy", DOCTOR_BAD, "in iptables" },
	{ "kube-proxy's nftables", proxy_nft, "kube-proxy", DOCTOR_BAD, "in nftables" },
	{ "DNS elsewhere", dns_elsewhere, "dns", DOCTOR_WARN, "asks 9.9.9.9, not 10.96.0.10" },
	{ "a pod's DNS elsewhere", dns_of_pod, "dns", DOCTOR_BAD, "asks 9.9.9.9" },
	{ "DNS here and elsewhere", dns_both, "dns", DOCTOR_WARN, "asks 9.9.9.9 too" },
	{ "DNS unknown", dns_unread, "dns", DOCTOR_UNKNOWN, "cannot be read" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sick_node node;

		node_make(&node);
		rows[i].stage(&node);
		patient_expect(&node.patient, doctor_node_checks, rows[i].check, rows[i].name,
			       rows[i].level, rows[i].text);
		node_done(&node);
	}
}

static void test_all_well(void **state)
{
	struct sick_node node;

	(void)state;
	node_make(&node);
	for (const struct doctor_check *check = doctor_node_checks; check->name; check++)
		patient_expect(&node.patient, doctor_node_checks, check->name, "all well",
			       DOCTOR_OK, NULL);
	node_done(&node);
}

static void test_tables_are_whole(void **state)
{
	const struct doctor_check *const tables[] = { doctor_service_checks, doctor_node_checks };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		for (const struct doctor_check *check = tables[i]; check->name; check++) {
			assert_non_null(check->why);
			assert_non_null(check->run);
			assert_non_null(check->hint);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_all_well),
		cmocka_unit_test(test_tables_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
