/* SPDX-License-Identifier: Apache-2.0 */
/* describe, line by line as kubectl prints it. */
#include "tests/unit/cmd/fixture.h"
#include "user/cmd/print.h"
#include "user/util/table.h"

#define POD(name, ip)                                                                       \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name                           \
	", labels: {app: kubia}}, spec: "                                                   \
	"{containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}, " \
	"status: {phase: Running, podIP: " ip "}}\n"
#define PODS POD("a", "172.17.0.7") POD("b", "172.17.0.8") POD("c", "172.17.0.9")
#define SERVICE_OF(metadata, spec) \
	"{apiVersion: v1, kind: Service, metadata: {name: kubia" metadata "}, spec: {" spec "}}\n"

static const struct row {
	const char *name;
	enum k8s_kind kind;
	const char *yaml; /* the first object of the kind is described */
	const char *want;
} rows[] = {
	{ "service", K8S_SERVICE,
	  SERVICE_OF("", "clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], selector: {app: kubia}, "
			 "ports: [{port: 80, targetPort: 8080}]") PODS,
	  "Name:              kubia\n"
	  "Namespace:         default\n"
	  "Labels:            <none>\n"
	  "Annotations:       <none>\n"
	  "Selector:          app=kubia\n"
	  "Type:              ClusterIP\n"
	  "IP Families:       <none>\n"
	  "IP:                10.96.0.7\n"
	  "IPs:               10.96.0.7\n"
	  "Port:              <unset>  80/TCP\n"
	  "TargetPort:        8080/TCP\n"
	  "Endpoints:         172.17.0.7:8080,172.17.0.8:8080,172.17.0.9:8080\n"
	  "Session Affinity:  None\n"
	  "Events:            <none>\n" },
	{ "service with everything", K8S_SERVICE,
	  SERVICE_OF(", labels: {b: \"2\", a: \"1\"}, annotations: {note: hello, other: "
		     "\"x\\ny\\n\", "
		     "kubectl.kubernetes.io/last-applied-configuration: \"{}\"}",
		     "type: LoadBalancer, clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], "
		     "ipFamilyPolicy: SingleStack, ipFamilies: [IPv4], externalIPs: "
		     "[80.11.12.10], "
		     "loadBalancerIP: 1.2.3.4, selector: {app: kubia, x: z}, "
		     "externalTrafficPolicy: Local, internalTrafficPolicy: Cluster, "
		     "healthCheckNodePort: 30999, sessionAffinity: ClientIP, "
		     "trafficDistribution: PreferClose, "
		     "loadBalancerSourceRanges: [10.0.0.0/8, 192.168.0.0/16], "
		     "ports: [{name: http, port: 80, targetPort: http, nodePort: 30123, "
		     "appProtocol: http}, {name: dns, port: 53, protocol: UDP, nodePort: "
		     "30124}]") "---\n{apiVersion: v1, kind: Pod, metadata: {name: p}, "
				"spec: {containers: "
				"[{name: c, image: i}]}}\n",
	  "Name:                        kubia\n"
	  "Namespace:                   default\n"
	  "Labels:                      a=1\n"
	  "                             b=2\n"
	  "Annotations:                 note: hello\n"
	  "                             other:\n"
	  "                               x\n"
	  "                               y\n"
	  "Selector:                    app=kubia,x=z\n"
	  "Type:                        LoadBalancer\n"
	  "IP Family Policy:            SingleStack\n"
	  "IP Families:                 IPv4\n"
	  "IP:                          10.96.0.7\n"
	  "IPs:                         10.96.0.7\n"
	  "External IPs:                80.11.12.10\n"
	  "Desired LoadBalancer IP:     1.2.3.4\n"
	  "Port:                        http  80/TCP\n"
	  "TargetPort:                  http/TCP\n"
	  "AppProtocol:                 http\n"
	  "NodePort:                    http  30123/TCP\n"
	  "Endpoints:                   \n"
	  "Port:                        dns  53/UDP\n"
	  "TargetPort:                  53/UDP\n"
	  "NodePort:                    dns  30124/UDP\n"
	  "Endpoints:                   \n"
	  "Session Affinity:            ClientIP\n"
	  "External Traffic Policy:     Local\n"
	  "Internal Traffic Policy:     Cluster\n"
	  "HealthCheck NodePort:        30999\n"
	  "LoadBalancer Source Ranges:  10.0.0.0/8,192.168.0.0/16\n"
	  "Traffic Distribution:        PreferClose\n"
	  "Events:                      <none>\n" },
	{ "service: four endpoints", K8S_SERVICE,
	  SERVICE_OF("", "clusterIP: 10.96.0.7, selector: {app: kubia}, "
			 "ports: [{port: 80, targetPort: http}]") PODS POD("d", "172.17.0.10"),
	  "Name:              kubia\n"
	  "Namespace:         default\n"
	  "Labels:            <none>\n"
	  "Annotations:       <none>\n"
	  "Selector:          app=kubia\n"
	  "Type:              ClusterIP\n"
	  "IP Families:       <none>\n"
	  "IP:                10.96.0.7\n"
	  "IPs:               <none>\n"
	  "Port:              <unset>  80/TCP\n"
	  "TargetPort:        http/TCP\n"
	  "Endpoints:         172.17.0.7:8080,172.17.0.8:8080,172.17.0.9:8080 + 1 more...\n"
	  "Session Affinity:  None\n"
	  "Events:            <none>\n" },
	{ "external name", K8S_SERVICE,
	  SERVICE_OF("", "type: ExternalName, externalName: api.example.com"),
	  "Name:              kubia\n"
	  "Namespace:         default\n"
	  "Labels:            <none>\n"
	  "Annotations:       <none>\n"
	  "Selector:          <none>\n"
	  "Type:              ExternalName\n"
	  "IP Families:       <none>\n"
	  "IP:                \n"
	  "IPs:               <none>\n"
	  "External Name:     api.example.com\n"
	  "Session Affinity:  None\n"
	  "Events:            <none>\n" },
	{ "service without slices", K8S_SERVICE,
	  SERVICE_OF("", "clusterIP: 10.96.0.7, type: LoadBalancer, ports: [{port: 80}]}, status: "
			 "{loadBalancer: {ingress: [{ip: 1.2.3.4, ipMode: VIP}, {hostname: "
			 "a.b}]}"),
	  "Name:                  kubia\n"
	  "Namespace:             default\n"
	  "Labels:                <none>\n"
	  "Annotations:           <none>\n"
	  "Selector:              <none>\n"
	  "Type:                  LoadBalancer\n"
	  "IP Families:           <none>\n"
	  "IP:                    10.96.0.7\n"
	  "IPs:                   <none>\n"
	  "LoadBalancer Ingress:  1.2.3.4 (VIP), a.b\n"
	  "Port:                  <unset>  80/TCP\n"
	  "TargetPort:            80/TCP\n"
	  "Endpoints:             <none>\n"
	  "Session Affinity:      None\n"
	  "Events:                <none>\n" },
	{ "endpoints", K8S_ENDPOINTS,
	  "{apiVersion: v1, kind: Endpoints, metadata: {name: x}, subsets: [{addresses: "
	  "[{ip: 11.11.11.11}, {ip: 22.22.22.22}], ports: [{name: a, port: 80}, {name: b, port: "
	  "53, "
	  "protocol: UDP}]}, {notReadyAddresses: [{ip: 10.0.0.1}]}]}",
	  "Name:         x\n"
	  "Namespace:    default\n"
	  "Labels:       <none>\n"
	  "Annotations:  <none>\n"
	  "Subsets:\n"
	  "  Addresses:          11.11.11.11,22.22.22.22\n"
	  "  NotReadyAddresses:  <none>\n"
	  "  Ports:\n"
	  "    Name  Port  Protocol\n"
	  "    ----  ----  --------\n"
	  "    a     80    TCP\n"
	  "    b     53    UDP\n"
	  "\n"
	  "  Addresses:          <none>\n"
	  "  NotReadyAddresses:  10.0.0.1\n"
	  "\n"
	  "Events:  <none>\n" },
	{ "slice", K8S_ENDPOINT_SLICE,
	  "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: x, "
	  "labels: "
	  "{kubernetes.io/service-name: s}}, addressType: IPv4, ports: [{name: http, port: "
	  "80, "
	  "protocol: TCP}], endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}, "
	  "hostname: h, nodeName: n1, zone: z1, targetRef: {kind: Pod, name: p}}, "
	  "{addresses: [10.0.0.2]}]}",
	  "Name:         x\n"
	  "Namespace:    default\n"
	  "Labels:       kubernetes.io/service-name=s\n"
	  "Annotations:  <none>\n"
	  "AddressType:  IPv4\n"
	  "Ports:\n"
	  "  Name  Port  Protocol\n"
	  "  ----  ----  --------\n"
	  "  http  80    TCP\n"
	  "Endpoints:\n"
	  "  - Addresses:  10.0.0.1\n"
	  "    Conditions:\n"
	  "      Ready:    true\n"
	  "    Hostname:   h\n"
	  "    TargetRef:  Pod/p\n"
	  "    NodeName:   n1\n"
	  "    Zone:       z1\n"
	  "  - Addresses:  10.0.0.2\n"
	  "    Conditions:\n"
	  "      Ready:   <unset>\n"
	  "    Hostname:  <unset>\n"
	  "    NodeName:  <unset>\n"
	  "    Zone:      <unset>\n"
	  "Events:        <none>\n" },
	{ "ingress", K8S_INGRESS,
	  "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x, "
	  "annotations: "
	  "{a: b}}, spec: {tls: [{hosts: [a.b, c.d], secretName: t}, {hosts: [e.f]}], "
	  "rules: "
	  "[{host: a.b, http: {paths: [{path: /kubia, pathType: Prefix, backend: {service: "
	  "{name: kubia, port: {number: 80}}}}, {path: /foo, pathType: Prefix, backend: "
	  "{service: {name: foo, port: {name: http}}}}]}}]}, status: {loadBalancer: "
	  "{ingress: "
	  "[{ip: 1.2.3.4}]}}}\n---\n" SERVICE_OF("",
						 "clusterIP: 10.96.0.7, selector: {app: kubia}, "
						 "ports: [{port: 80, targetPort: 8080}]") PODS,
	  "Name:             x\n"
	  "Labels:           <none>\n"
	  "Namespace:        default\n"
	  "Address:          1.2.3.4\n"
	  "Ingress Class:    <none>\n"
	  "Default backend:  <default>\n"
	  "TLS:\n"
	  "  t terminates a.b,c.d\n"
	  "  SNI routes e.f\n"
	  "Rules:\n"
	  "  Host        Path  Backends\n"
	  "  ----        ----  --------\n"
	  "  a.b         \n"
	  "              /kubia   kubia:80 "
	  "(172.17.0.7:8080,172.17.0.8:8080,172.17.0.9:8080)\n"
	  "              /foo     foo:http (<error: services \"foo\" not found>)\n"
	  "Annotations:  a: b\n"
	  "Events:       <none>\n" },
	{ "ingress without rules", K8S_INGRESS,
	  "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x}, spec: "
	  "{ingressClassName: c, defaultBackend: {service: {name: foo, port: {number: "
	  "80}}}}}",
	  "Name:             x\n"
	  "Labels:           <none>\n"
	  "Namespace:        default\n"
	  "Address:          \n"
	  "Ingress Class:    c\n"
	  "Default backend:  foo:80 (<error: services \"foo\" not found>)\n"
	  "Rules:\n"
	  "  Host        Path  Backends\n"
	  "  ----        ----  --------\n"
	  "  *           *     foo:80 (<error: services \"foo\" not found>)\n"
	  "Annotations:  <none>\n"
	  "Events:       <none>\n" },
	{ "pod", K8S_POD,
	  "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {nodeName: n1, "
	  "containers: "
	  "[{name: c, image: luksa/kubia, ports: [{containerPort: 8080}, {containerPort: "
	  "53, "
	  "protocol: UDP}], readinessProbe: {httpGet: {path: /ok, port: http}, "
	  "periodSeconds: 3}}]},"
	  " status: {podIP: 10.0.0.1, hostIP: 192.168.0.1, phase: Running, "
	  "conditions: [{type: Ready, status: \"True\"}]}}",
	  "Name:         x\n"
	  "Namespace:    default\n"
	  "Node:         n1/192.168.0.1\n"
	  "Labels:       <none>\n"
	  "Annotations:  <none>\n"
	  "Status:       Running\n"
	  "IP:           10.0.0.1\n"
	  "IPs:\n"
	  "  IP:  10.0.0.1\n"
	  "Containers:\n"
	  "  c:\n"
	  "    Image:      luksa/kubia\n"
	  "    Ports:      8080/TCP, 53/UDP\n"
	  "    Ready:      True\n"
	  "    Readiness:  http-get http://:http/ok delay=0s timeout=1s period=3s "
	  "#success=1 "
	  "#failure=3\n"
	  "Conditions:\n"
	  "  Type    Status\n"
	  "  Ready   True \n"
	  "Events:   <none>\n" },
	{ "secret: sizes, nothing else", K8S_SECRET,
	  "{apiVersion: v1, kind: Secret, metadata: {name: x}, data: {password: "
	  "aHVudGVyMg==, "
	  "empty: \"\", three: YWJj}}",
	  "Name:         x\n"
	  "Namespace:    default\n"
	  "Labels:       <none>\n"
	  "Annotations:  <none>\n"
	  "\n"
	  "Type:  Opaque\n"
	  "\n"
	  "Data\n"
	  "====\n"
	  "empty:     0 bytes\n"
	  "password:  7 bytes\n"
	  "three:     3 bytes\n" },
	{ "namespace", K8S_NAMESPACE, "{apiVersion: v1, kind: Namespace, metadata: {name: x}}",
	  "Name:         x\n"
	  "Labels:       <none>\n"
	  "Annotations:  <none>\n"
	  "Status:       Active\n"
	  "\n"
	  "No resource quota.\n"
	  "\n"
	  "No LimitRange resource.\n" },
	{ "node", K8S_NODE,
	  "{apiVersion: v1, kind: Node, metadata: {name: x}, spec: {podCIDR: 10.1.0.0/24}, "
	  "status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}}",
	  "Name:               x\n"
	  "Roles:              <none>\n"
	  "Labels:             <none>\n"
	  "Annotations:        <none>\n"
	  "CreationTimestamp:  <unknown>\n"
	  "Unschedulable:      false\n"
	  "Addresses:\n"
	  "  InternalIP:  10.0.0.1\n"
	  "PodCIDR:       10.1.0.0/24\n"
	  "Events:        <none>\n" },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	struct store *store = store_of(row->yaml);
	struct table table = TABLE_DESCRIBE;
	cleanup_free char *text = NULL;
	cleanup_free char *got = NULL;
	size_t size;
	struct print_context context = { .store = store };
	FILE *out;

	context.out = open_memstream(&text, &size);
	printers[row->kind].describe(&context, store_list(store, row->kind, NULL).items[0]);
	fclose(context.out);
	out = open_memstream(&got, &size);
	table_print(&table, out, text);
	fclose(out);
	assert_string_equal(got, row->want);
	store_free(store);
}

/* A long annotation starts on its own line and is cut there. */
static void check_long_annotation(void **state)
{
	char value[201] = "", yaml[512];
	struct store *store;
	cleanup_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	snprintf(yaml, sizeof(yaml),
		 "{apiVersion: v1, kind: Namespace, metadata: {name: x, annotations: {k: %s}}}",
		 value);
	store = store_of(yaml);
	describe_annotations(out, store_list(store, K8S_NAMESPACE, NULL).items[0]);
	fclose(out);
	value[138] = '\0';
	snprintf(yaml, sizeof(yaml), "Annotations:\tk:\n\t  %s...\n", value);
	assert_string_equal(text, yaml);
	store_free(store);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 1];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
						.test_func = check_row,
						.initial_state = (void *)&rows[i] };
	tests[ARRAY_LEN(rows)] = (struct CMUnitTest)cmocka_unit_test(check_long_annotation);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
