/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of a Service and its pods, each staged by a manifest. */
#include "tests/unit/doctor/patient.h"

#define SERVICE(spec)                                                     \
	"apiVersion: v1\nkind: Service\nmetadata: {name: kubia}\nspec:\n" \
	"  clusterIP: 10.96.0.5\n  clusterIPs: [10.96.0.5]\n" spec "---\n"
#define PORT "  ports: [{port: 80, targetPort: 8080}]\n"
#define SELECTOR "  selector: {app: kubia}\n"
#define POD(name, meta, spec, status)                                                     \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: " name ", labels: {app: kubia}" meta \
	"}\nspec: {nodeName: node1, containers: [{name: c" spec "}]}\n"                   \
	"status: {phase: Running, podIP: 172.17.0.7" status "}\n---\n"
#define READY POD("kubia-1", "", "", "")

static const struct row {
	const char *name, *yaml, *check;
	enum doctor_level level;
	const char *text;
	uint16_t port;	  /* --port */
	const char *from; /* --from */
	int connect;
} rows[] = {
	{ "found", SERVICE(PORT SELECTOR), "service", DOCTOR_OK, "in namespace default", 0, NULL,
	  0 },
	{ "no such service", READY, "service", DOCTOR_BAD, "no namespace has a Service kubia", 0,
	  NULL, 0 },
	{ "wrong namespace",
	  "apiVersion: v1\nkind: Service\nmetadata: {name: kubia, namespace: shop}\n"
	  "spec:\n" PORT,
	  "service", DOCTOR_BAD, "there is one in namespace shop", 0, NULL, 0 },
	{ "cluster IP, client outside", SERVICE(PORT SELECTOR), "reach", DOCTOR_BAD,
	  "from pods and nodes alone", 0, "192.0.2.10", 0 },
	{ "cluster IP, client a pod", SERVICE(PORT SELECTOR), "reach", DOCTOR_OK,
	  "10.96.0.5 is reached", 0, "172.17.0.9", 0 },
	{ "load balancer without address", SERVICE("  type: LoadBalancer\n" PORT SELECTOR), "reach",
	  DOCTOR_BAD, "has no address", 0, NULL, 0 },
	{ "node port", SERVICE("  type: NodePort\n  ports: [{port: 80, nodePort: 30123}]\n"),
	  "reach", DOCTOR_OK, "by port 30123 of each node", 0, NULL, 0 },
	{ "ping", SERVICE(PORT SELECTOR), "ping", DOCTOR_OK, "says nothing about its ports", 0,
	  NULL, 0 },
	{ "selector matches nothing", SERVICE(PORT "  selector: {app: kubio}\n") READY, "selector",
	  DOCTOR_BAD, "app=kubio matches no pod of namespace default", 0, NULL, 0 },
	{ "selector matches elsewhere",
	  SERVICE(PORT SELECTOR) POD("kubia-1", ", namespace: shop", "", ""), "selector",
	  DOCTOR_BAD, "but pod kubia-1 of namespace shop", 0, NULL, 0 },
	{ "selector matches", SERVICE(PORT SELECTOR) READY, "selector", DOCTOR_OK, "1 pod", 0, NULL,
	  0 },
	{ "no selector", SERVICE(PORT), "selector", DOCTOR_OK, "written by hand", 0, NULL, 0 },
	{ "no endpoints by hand", SERVICE(PORT), "ready", DOCTOR_BAD, "no endpoints are written", 0,
	  NULL, 0 },
	{ "ready", SERVICE(PORT SELECTOR) READY, "ready", DOCTOR_OK, "1 of 1 pods are ready", 0,
	  NULL, 0 },
	{ "no pod ready",
	  SERVICE(PORT SELECTOR)
		  POD("kubia-1", "", ", readinessProbe: {tcpSocket: {port: 8080}}", ""),
	  "ready", DOCTOR_BAD, "0 of 1 pods are ready; kubia-1: its probe has not succeeded yet", 0,
	  NULL, 0 },
	{ "one of two ready",
	  SERVICE(PORT SELECTOR)
		  READY POD("kubia-2", "", "", ", conditions: [{type: Ready, status: \"False\"}]"),
	  "ready", DOCTOR_WARN, "1 of 2 pods are ready; kubia-2", 0, NULL, 0 },
	{ "named port missing", SERVICE("  ports: [{port: 80, targetPort: http}]\n" SELECTOR) READY,
	  "named-port", DOCTOR_BAD, "pod kubia-1 has no TCP port named \"http\"", 0, NULL, 0 },
	{ "named port there",
	  SERVICE("  ports: [{port: 80, targetPort: http}]\n" SELECTOR)
		  POD("kubia-1", "", ", ports: [{name: http, containerPort: 8080}]", ""),
	  "named-port", DOCTOR_OK, "every pod has a port named \"http\"", 0, NULL, 0 },
	{ "client dials the target port", SERVICE(PORT SELECTOR) READY, "port", DOCTOR_BAD,
	  "8080 is the pods' port; the Service answers on port 80", 8080, NULL, 0 },
	{ "client dials a named target port",
	  SERVICE("  ports: [{port: 80, targetPort: http}]\n" SELECTOR)
		  POD("kubia-1", "", ", ports: [{name: http, containerPort: 8081}]", ""),
	  "port", DOCTOR_BAD, "8081 is the pods' port", 8081, NULL, 0 },
	{ "client dials another port", SERVICE(PORT SELECTOR) READY, "port", DOCTOR_BAD,
	  "the Service has no port 81, but 80", 81, NULL, 0 },
	{ "client dials the port", SERVICE(PORT SELECTOR) READY, "port", DOCTOR_OK,
	  "port 80 leads to port 8080", 80, NULL, 0 },
	{ "nobody listens", SERVICE(PORT SELECTOR) READY, "target", DOCTOR_BAD,
	  "kubia-1 (172.17.0.7:8080): connection refused: nobody listens", 0, NULL, -ECONNREFUSED },
	{ "no answer", SERVICE(PORT SELECTOR) READY, "target", DOCTOR_BAD,
	  "kubia-1 (172.17.0.7:8080): no answer", 0, NULL, -ETIMEDOUT },
	{ "target answers", SERVICE(PORT SELECTOR) READY, "target", DOCTOR_OK, "answer this node",
	  0, NULL, 0 },
	{ "external Local, no local pod",
	  SERVICE("  type: NodePort\n  externalTrafficPolicy: Local\n" PORT SELECTOR), "local",
	  DOCTOR_BAD, "externalTrafficPolicy is Local, and none of 0 ready", 0, NULL, 0 },
	{ "internal Local, no local pod", SERVICE("  internalTrafficPolicy: Local\n" PORT SELECTOR),
	  "local", DOCTOR_BAD, "internalTrafficPolicy is Local", 0, NULL, 0 },
	{ "external Local, a local pod",
	  SERVICE("  type: NodePort\n  externalTrafficPolicy: Local\n" PORT SELECTOR) READY,
	  "local", DOCTOR_OK, "this node has 1 ready", 0, NULL, 0 },
	{ "policy Cluster", SERVICE(PORT SELECTOR), "local", DOCTOR_NONE, NULL, 0, NULL, 0 },
	{ "source excluded",
	  SERVICE("  type: LoadBalancer\n  loadBalancerSourceRanges: [198.51.100.0/24]\n" PORT),
	  "source", DOCTOR_BAD, "192.0.2.10 is outside of", 0, "192.0.2.10", 0 },
	{ "source included",
	  SERVICE("  type: LoadBalancer\n  loadBalancerSourceRanges: [192.0.2.0/24]\n" PORT),
	  "source", DOCTOR_OK, "192.0.2.10 is in a source range", 0, "192.0.2.10", 0 },
	{ "headless has no port of its own",
	  "apiVersion: v1\nkind: Service\nmetadata: {name: kubia}\n"
	  "spec:\n  clusterIP: None\n" PORT SELECTOR,
	  "port", DOCTOR_NONE, NULL, 0, NULL, 0 },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct store *store = store_of(row->yaml);
		struct patient patient;
		struct lb_addr from;

		patient_make(&patient);
		patient.connect_code = row->connect;
		patient.doctor.store = store;
		patient.doctor.port = row->port;
		patient.doctor.service = store_find(store, K8S_SERVICE, "default", "kubia");
		if (row->from) {
			from = patient_addr(row->from);
			patient.doctor.from = &from;
		}
		patient_expect(&patient, doctor_service_checks, row->check, row->name, row->level,
			       row->text);
		patient_done(&patient);
		store_free(store);
	}
}

/* What the prober wrote down is part of the sentence. */
static void test_last_error(void **state)
{
	struct store *store = store_of(SERVICE(PORT SELECTOR) POD(
		"kubia-1", "", ", readinessProbe: {tcpSocket: {port: 8080}}", ""));
	const struct object *pod = store_find(store, K8S_POD, "default", "kubia-1");
	struct patient patient;

	(void)state;
	pod->pod->containers[0].probed = PROBED_UNREADY;
	pod->pod->containers[0].reason = xstrdup("dial tcp: connection refused");
	patient_make(&patient);
	patient.doctor.store = store;
	patient.doctor.service = store_find(store, K8S_SERVICE, "default", "kubia");
	patient_expect(&patient, doctor_service_checks, "ready", "last error", DOCTOR_BAD,
		       "kubia-1: dial tcp: connection refused");
	patient_done(&patient);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_last_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
