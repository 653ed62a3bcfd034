/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of kubectl's tables, cell by cell. */
#include "tests/unit/cmd/fixture.h"
#include "user/cmd/print.h"
#include "user/cmd/resource.h"

/* Every object below is 95 s old, so that its AGE is that. */
#define CREATED "creationTimestamp: \"2026-01-02T03:04:05Z\""
#define NOW (1767323045 + 95)

#define SERVICE(spec) "{apiVersion: v1, kind: Service, metadata: {name: x, " CREATED "}, " spec "}"
#define PORT "ports: [{port: 80}]"

static const struct row {
	const char *name;
	enum k8s_kind kind;
	bool wide;
	const char *yaml;
	const char *want;
} rows[] = {
	/* Service */
	{ "cluster IP", K8S_SERVICE, false, SERVICE("spec: {clusterIP: 10.96.0.7, " PORT "}"),
	  "x\tClusterIP\t10.96.0.7\t<none>\t80/TCP\t95s" },
	{ "cluster IPs of both families: the first", K8S_SERVICE, false,
	  SERVICE("spec: {clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7, \"fd00::7\"], "
		  "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6], " PORT "}"),
	  "x\tClusterIP\t10.96.0.7\t<none>\t80/TCP\t95s" },
	{ "no cluster IP yet", K8S_SERVICE, false, SERVICE("spec: {" PORT "}"),
	  "x\tClusterIP\t<none>\t<none>\t80/TCP\t95s" },
	{ "headless without ports", K8S_SERVICE, false, SERVICE("spec: {clusterIP: None}"),
	  "x\tClusterIP\tNone\t<none>\t<none>\t95s" },
	{ "node ports and protocols", K8S_SERVICE, false,
	  SERVICE("spec: {type: NodePort, clusterIP: 10.96.0.7, ports: [{name: a, port: 80, "
		  "nodePort: 30123}, {name: b, port: 53, protocol: UDP, nodePort: 30124}]}"),
	  "x\tNodePort\t10.96.0.7\t<none>\t80:30123/TCP,53:30124/UDP\t95s" },
	{ "external IPs", K8S_SERVICE, false,
	  SERVICE("spec: {clusterIP: 10.96.0.7, externalIPs: [80.11.12.10, 80.11.12.11], " PORT
		  "}"),
	  "x\tClusterIP\t10.96.0.7\t80.11.12.10,80.11.12.11\t80/TCP\t95s" },
	{ "load balancer without an address", K8S_SERVICE, false,
	  SERVICE("spec: {type: LoadBalancer, clusterIP: 10.96.0.7, " PORT "}"),
	  "x\tLoadBalancer\t10.96.0.7\t<pending>\t80/TCP\t95s" },
	{ "load balancer with an address and an external IP", K8S_SERVICE, false,
	  SERVICE("spec: {type: LoadBalancer, clusterIP: 10.96.0.7, externalIPs: "
		  "[80.11.12.10], " PORT "}, status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}"),
	  "x\tLoadBalancer\t10.96.0.7\t1.2.3.4,80.11.12.10\t80/TCP\t95s" },
	{ "a load balancer's addresses are sorted and cut", K8S_SERVICE, false,
	  SERVICE("spec: {type: LoadBalancer, clusterIP: 10.96.0.7, " PORT
		  "}, status: {loadBalancer: {ingress: [{ip: 203.0.113.10}, {ip: 203.0.113.1}, "
		  "{ip: 203.0.113.10}]}}"),
	  "x\tLoadBalancer\t10.96.0.7\t203.0.113.1,2...\t80/TCP\t95s" },
	{ "wide: a load balancer's addresses are whole, and the selector", K8S_SERVICE, true,
	  SERVICE("spec: {type: LoadBalancer, clusterIP: 10.96.0.7, selector: {b: c, a: b}, " PORT
		  "}, status: {loadBalancer: {ingress: [{ip: 203.0.113.10}, {hostname: a.b}]}}"),
	  "x\tLoadBalancer\t10.96.0.7\t203.0.113.10,a.b\t80/TCP\t95s\ta=b,b=c" },
	{ "wide: no selector", K8S_SERVICE, true, SERVICE("spec: {clusterIP: 10.96.0.7, " PORT "}"),
	  "x\tClusterIP\t10.96.0.7\t<none>\t80/TCP\t95s\t<none>" },
	{ "external name", K8S_SERVICE, false,
	  SERVICE("spec: {type: ExternalName, externalName: api.example.com}"),
	  "x\tExternalName\t<none>\tapi.example.com\t<none>\t95s" },
	{ "no age", K8S_SERVICE, false,
	  "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {clusterIP: None}}",
	  "x\tClusterIP\tNone\t<none>\t<none>\t<unknown>" },
	/* Endpoints */
	{ "endpoints", K8S_ENDPOINTS, false,
	  "{apiVersion: v1, kind: Endpoints, metadata: {name: x, " CREATED "}, subsets: "
	  "[{addresses: [{ip: 11.11.11.11}, {ip: 22.22.22.22}], ports: [{port: 80}]}]}",
	  "x\t11.11.11.11:80,22.22.22.22:80\t95s" },
	{ "endpoints: three, then how many more", K8S_ENDPOINTS, false,
	  "{apiVersion: v1, kind: Endpoints, metadata: {name: x, " CREATED "}, subsets: "
	  "[{addresses: [{ip: 10.0.0.1}, {ip: 10.0.0.2}, {ip: 10.0.0.3}], "
	  "ports: [{name: a, port: 80}, {name: b, port: 443}]}]}",
	  "x\t10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 3 more...\t95s" },
	{ "endpoints: IPv6 in brackets", K8S_ENDPOINTS, false,
	  "{apiVersion: v1, kind: Endpoints, metadata: {name: x, " CREATED "}, subsets: "
	  "[{addresses: [{ip: \"fd00::1\"}], ports: [{port: 80}]}]}",
	  "x\t[fd00::1]:80\t95s" },
	{ "endpoints: none", K8S_ENDPOINTS, false,
	  "{apiVersion: v1, kind: Endpoints, metadata: {name: x, " CREATED "}}", "x\t<none>\t95s" },
	{ "endpoints: none ready", K8S_ENDPOINTS, false,
	  "{apiVersion: v1, kind: Endpoints, metadata: {name: x, " CREATED "}, subsets: "
	  "[{notReadyAddresses: [{ip: 10.0.0.1}], ports: [{port: 80}]}]}",
	  "x\t\t95s" },
	/* EndpointSlice */
	{ "slice: ready or not", K8S_ENDPOINT_SLICE, false,
	  "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: x, " CREATED
	  "}, addressType: IPv4, ports: [{port: 80}, {name: b, port: 443}], endpoints: "
	  "[{addresses: "
	  "[10.0.0.1], conditions: {ready: false}}, {addresses: [10.0.0.2]}]}",
	  "x\tIPv4\t80,443\t10.0.0.1,10.0.0.2\t95s" },
	{ "slice: four endpoints, a port by name", K8S_ENDPOINT_SLICE, false,
	  "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: x, " CREATED
	  "}, addressType: IPv4, ports: [{name: http}], endpoints: [{addresses: [10.0.0.1]}, "
	  "{addresses: [10.0.0.2]}, {addresses: [10.0.0.3]}, {addresses: [10.0.0.4]}]}",
	  "x\tIPv4\thttp\t10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...\t95s" },
	{ "slice: empty", K8S_ENDPOINT_SLICE, false,
	  "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: x, " CREATED
	  "}, addressType: IPv6, endpoints: []}",
	  "x\tIPv6\t<unset>\t<unset>\t95s" },
	/* Ingress */
	{ "ingress", K8S_INGRESS, false,
	  "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x, " CREATED
	  "}, spec: {rules: [{host: a.b, http: {paths: [{path: /, pathType: Prefix, backend: "
	  "{service: {name: s, port: {number: 80}}}}]}}]}, "
	  "status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}}",
	  "x\t<none>\ta.b\t1.2.3.4\t80\t95s" },
	{ "ingress: class, four hosts, TLS, no address", K8S_INGRESS, false,
	  "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x, " CREATED
	  "}, spec: {ingressClassName: c, tls: [{hosts: [a.b], secretName: t}], "
	  "rules: [{host: a.b}, {host: c.d}, {host: e.f}, {host: g.h}], "
	  "defaultBackend: {service: {name: s, port: {number: 80}}}}}",
	  "x\tc\ta.b,c.d,e.f + 1 more...\t\t80, 443\t95s" },
	{ "ingress: every host", K8S_INGRESS, false,
	  "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x, " CREATED
	  "}, spec: {defaultBackend: {service: {name: s, port: {number: 80}}}}}",
	  "x\t<none>\t*\t\t80\t95s" },
	/* Pod */
	{ "pod without a probe", K8S_POD, true,
	  "{apiVersion: v1, kind: Pod, metadata: {name: x, " CREATED "}, spec: {nodeName: n1, "
	  "containers: [{name: c, image: i}]}, status: {podIP: 10.0.0.1, phase: Running}}",
	  "x\t1/1\tRunning\t0\t95s\t10.0.0.1\tn1\t<none>\t<none>\t<none>" },
	{ "pod not probed yet", K8S_POD, false,
	  "{apiVersion: v1, kind: Pod, metadata: {name: x, " CREATED "}, spec: {containers: "
	  "[{name: c, image: i, readinessProbe: {tcpSocket: {port: 80}}}, {name: d, image: i}]}, "
	  "status: {podIP: 10.0.0.1}}",
	  "x\t1/2\tRunning\t0\t95s" },
	{ "pod with a probe, found ready", K8S_POD, false,
	  "{apiVersion: v1, kind: Pod, metadata: {name: x, " CREATED "}, spec: {containers: "
	  "[{name: c, image: i, readinessProbe: {tcpSocket: {port: 80}}}]}, "
	  "status: {podIP: 10.0.0.1, conditions: [{type: Ready, status: \"True\"}]}}",
	  "x\t1/1\tRunning\t0\t95s" },
	{ "pod with a probe, found not ready", K8S_POD, false,
	  "{apiVersion: v1, kind: Pod, metadata: {name: x, " CREATED "}, spec: {containers: "
	  "[{name: c, image: i, readinessProbe: {tcpSocket: {port: 80}}}]}, "
	  "status: {podIP: 10.0.0.1, conditions: [{type: Ready, status: \"False\"}]}}",
	  "x\t0/1\tRunning\t0\t95s" },
	{ "pod as a node reports it", K8S_POD, false,
	  "{apiVersion: v1, kind: Pod, metadata: {name: x, " CREATED "}, spec: {containers: "
	  "[{name: c, image: i}]}, status: {phase: Running, containerStatuses: [{name: c, "
	  "ready: false, restartCount: 4, state: {waiting: {reason: CrashLoopBackOff}}}]}}",
	  "x\t0/1\tCrashLoopBackOff\t4\t95s" },
	{ "pod that ends", K8S_POD, false,
	  "{apiVersion: v1, kind: Pod, metadata: {name: x, " CREATED
	  ", deletionTimestamp: \"2026-01-02T03:04:06Z\"}, spec: {containers: "
	  "[{name: c, image: i}]}, status: {podIP: 10.0.0.1, phase: Running}}",
	  "x\t1/1\tTerminating\t0\t95s" },
	{ "pod without a status", K8S_POD, true,
	  "{apiVersion: v1, kind: Pod, metadata: {name: x, " CREATED "}, spec: {containers: "
	  "[{name: c, image: i}]}}",
	  "x\t0/1\tPending\t0\t95s\t<none>\t<none>\t<none>\t<none>\t<none>" },
	/* Node, Namespace, Secret */
	{ "node", K8S_NODE, true,
	  "{apiVersion: v1, kind: Node, metadata: {name: x, " CREATED
	  ", labels: {node-role.kubernetes.io/worker: \"\", node-role.kubernetes.io/b: \"\"}}, "
	  "status: {addresses: [{type: InternalIP, address: 10.0.0.1}], conditions: [{type: Ready, "
	  "status: \"True\"}], nodeInfo: {kubeletVersion: v1.33.0, osImage: Debian}}}",
	  "x\tReady\tb,worker\t95s\tv1.33.0\t10.0.0.1\t<none>\tDebian\t<unknown>\t<unknown>" },
	{ "node of which nothing is known", K8S_NODE, false,
	  "{apiVersion: v1, kind: Node, metadata: {name: x, " CREATED "}, "
	  "spec: {unschedulable: true}}",
	  "x\tUnknown,SchedulingDisabled\t<none>\t95s\t" },
	{ "namespace", K8S_NAMESPACE, false,
	  "{apiVersion: v1, kind: Namespace, metadata: {name: x, " CREATED "}}", "x\tActive\t95s" },
	{ "secret", K8S_SECRET, false,
	  "{apiVersion: v1, kind: Secret, metadata: {name: x, " CREATED "}, "
	  "data: {a: YQ==, b: YmI=}}",
	  "x\tOpaque\t2\t95s" },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	struct store *store = store_of(row->yaml);
	struct store_view view = store_list(store, row->kind, NULL);
	cleanup_free char *got = NULL;
	size_t size;
	struct print_context context = { .store = store, .now = NOW, .wide = row->wide };

	context.out = open_memstream(&got, &size);
	assert_int_equal(view.n, 1);
	printers[row->kind].row(&context, view.items[0]);
	fclose(context.out);
	assert_string_equal(got, row->want);
	store_free(store);
}

static size_t tabs(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\t';
	return n;
}

/* Rows have as many cells as the header has names. */
static void check_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct printer *printer = &printers[rows[i].kind];
		size_t want =
			tabs(printer->columns) + (rows[i].wide ? tabs(printer->wide_columns) : 0);

		if (tabs(rows[i].want) != want)
			fail_msg("%s: %zu cells, %zu columns", rows[i].name, tabs(rows[i].want),
				 want);
	}
}

static const struct ref_row {
	const char *name;
	const char *args[4];
	int code;
	const char *want; /* plural/name … or the error */
} ref_rows[] = {
	{ "a kind", { "svc" }, 0, "services" },
	{ "any case, any form", { "Services" }, 0, "services" },
	{ "with its group", { "endpointslice.discovery.k8s.io" }, 0, "endpointslices" },
	{ "with another group",
	  { "svc.apps" },
	  -ENOTSUP,
	  "the server doesn't have a resource type \"svc.apps\"" },
	{ "kinds", { "svc,ep" }, 0, "services endpoints" },
	{ "names", { "svc", "a", "b" }, 0, "services/a services/b" },
	{ "kinds and a name", { "svc,ep", "a" }, 0, "services/a endpoints/a" },
	{ "slashes", { "svc/a", "po/b" }, 0, "services/a pods/b" },
	{ "all", { "all" }, 0, "pods services" },
	{ "no such kind", { "foo" }, -ENOTSUP, "the server doesn't have a resource type \"foo\"" },
	{ "no such kind among others",
	  { "svc,foo" },
	  -ENOTSUP,
	  "the server doesn't have a resource type \"foo\"" },
	{ "a slash and a name",
	  { "svc/a", "b" },
	  -EINVAL,
	  "\"b\": where one argument is KIND/NAME, all must be" },
	{ "a kind and a slash",
	  { "svc", "svc/b" },
	  -EINVAL,
	  "\"svc/b\": a resource type was given already, so this must be a name" },
	{ "no name behind the slash",
	  { "svc/" },
	  -EINVAL,
	  "\"svc/\": where one argument is KIND/NAME, all must be" },
	{ "nothing", { NULL }, -EINVAL, "a resource type is needed, such as svc" },
};

static void check_ref_row(void **state)
{
	const struct ref_row *row = *state;
	struct resource_refs refs = { 0 };
	char text[256] = "";
	struct err err;
	size_t n = 0;

	while (n < ARRAY_LEN(row->args) && row->args[n])
		n++;
	assert_int_equal(resource_refs_parse(row->args, n, &refs, &err), row->code);
	for (size_t i = 0; i < refs.n; i++) {
		const struct resource_ref *ref = &refs.items[i];

		sprintf(text + strlen(text), "%s%s%s%s", i ? " " : "", k8s_kinds[ref->kind].plural,
			ref->name ? "/" : "", ref->name ? ref->name : "");
	}
	assert_string_equal(row->code ? err.text : text, row->want);
	resource_refs_done(&refs);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(ref_rows) + 1];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name,
						  .test_func = check_row,
						  .initial_state = (void *)&rows[i] };
	for (size_t i = 0; i < ARRAY_LEN(ref_rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = ref_rows[i].name,
						  .test_func = check_ref_row,
						  .initial_state = (void *)&ref_rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_columns);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
