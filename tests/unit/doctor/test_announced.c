/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a load-balancer address is found by its clients: what ip says, and who answers. */
#include "tests/unit/doctor/patient.h"

#define SERVICE(type)                                                     \
	"apiVersion: v1\nkind: Service\nmetadata: {name: kubia}\nspec:\n" \
	"  type: " type "\n  ports: [{port: 80}]\n"                       \
	"  clusterIP: 10.96.0.5\n  clusterIPs: [10.96.0.5]\n"             \
	"status: {loadBalancer: {ingress: [{ip: 192.0.2.50}]}}\n"

#define OWN "local 192.0.2.50 dev lo src 192.0.2.50 uid 0 \\    cache <local> \n"
#define LINK "192.0.2.50 dev eth0 src 192.0.2.1 uid 0 \\    cache \n"
#define ROUTED "192.0.2.50 via 192.0.2.254 dev eth0 src 192.0.2.1 uid 0 \\    cache \n"

static const struct row {
	const char *name, *yaml, *route;
	int hosts;
	enum doctor_level level;
	const char *text;
} rows[] = {
	{ "no load balancer", SERVICE("NodePort"), LINK, 0, DOCTOR_NONE, NULL },
	{ "this node's alone", SERVICE("LoadBalancer"), OWN, 0, DOCTOR_OK, "of no other" },
	{ "this node's, and someone else's", SERVICE("LoadBalancer"), OWN, 1, DOCTOR_BAD,
	  "an address of this node, and 01:01:01:01:01:01 on eth0 has it too" },
	{ "nobody's", SERVICE("LoadBalancer"), LINK, 0, DOCTOR_BAD,
	  "nobody answers for 192.0.2.50 on eth0" },
	{ "another host's", SERVICE("LoadBalancer"), LINK, 1, DOCTOR_OK,
	  "another host, 01:01:01:01:01:01, answers" },
	{ "two hosts'", SERVICE("LoadBalancer"), LINK, 2, DOCTOR_BAD,
	  "two hosts answer for 192.0.2.50 on eth0: 01:01:01:01:01:01 and 02:02" },
	{ "not to be asked", SERVICE("LoadBalancer"), LINK, -EPERM, DOCTOR_UNKNOWN,
	  "cannot be asked on eth0" },
	{ "the routers' business", SERVICE("LoadBalancer"), ROUTED, 0, DOCTOR_UNKNOWN,
	  "on no link of this node" },
	{ "no route", SERVICE("LoadBalancer"), NULL, 0, DOCTOR_UNKNOWN, "on no link of this node" },
	{ "a router's anycast address", SERVICE("LoadBalancer"),
	  "anycast 192.0.2.50 dev lo src 192.0.2.1 \n", 0, DOCTOR_OK, "of no other" },
};

static void test_rows(void **state)
{
	struct datapath_device devices[] = {
		{ .name = "eth0", .value.flags = LB_DEVICE_NIC },
		{ .name = "veth1", .value.flags = LB_DEVICE_POD },
	};
	const struct doctor_datapath dp = { .devices = { devices, 2, 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		const struct answer programs[] = { { "ip -o route get 192.0.2.50", row->route },
						   { NULL, NULL } };
		struct store *store = store_of(row->yaml);
		struct patient patient;

		patient_make(&patient);
		patient.programs = row->route ? programs : NULL;
		patient.hosts = row->hosts;
		patient.doctor.store = store;
		patient.doctor.dp = &dp;
		patient.doctor.service = store_find(store, K8S_SERVICE, "default", "kubia");
		patient_expect(&patient, doctor_service_checks, "announced", row->name, row->level,
			       row->text);
		patient_done(&patient);
		store_free(store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
