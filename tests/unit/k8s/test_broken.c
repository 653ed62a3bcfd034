/* SPDX-License-Identifier: Apache-2.0 */
/* Broken manifests: each has its exact message, and leaves nothing behind. Runs in the root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/k8s/file.h"
#include "user/k8s/manifest.h"
#include "user/util/cleanup.h"

#define FOLDER "tests/data/broken"

static const struct {
	const char *file, *error; /* "line: field: reason" */
} cases[] = {
	{ "alias-bomb.yaml", "10: aliases expand to more than 16 MiB" },
	{ "api-version-missing.yaml", "1: apiVersion: Required value" },
	{ "api-version-of-another-kind.yaml",
	  "1: apiVersion: Unsupported value: \"serving.knative.dev/v1\": supported values: "
	  "\"v1\"" },
	{ "api-version-unknown.yaml",
	  "1: apiVersion: Unsupported value: \"v2\": supported values: \"v1\"" },
	{ "control-character.yaml", "6: control characters are not allowed" },
	{ "document-a-list.yaml", "1: an object must be a mapping" },
	{ "document-a-string.yaml", "1: an object must be a mapping" },
	{ "endpoints-ip-bad.yaml",
	  "7: subsets[0].addresses[0].ip: Invalid value: \"11.11.11\": must be a valid IP address, "
	  "(e.g. 10.9.8.7 or 2001:db8::ffff)" },
	{ "endpoints-ip-loopback.yaml",
	  "7: subsets[0].addresses[0].ip: Invalid value: \"127.0.0.1\": may not be in the loopback "
	  "range (127.0.0.0/8, ::1/128)" },
	{ "endpoints-ip-missing.yaml", "7: subsets[0].addresses[0].ip: Required value" },
	{ "endpoints-port-missing.yaml", "9: subsets[0].ports[0].port: Required value" },
	{ "endpoints-port-name-missing.yaml", "9: subsets[0].ports[0].name: Required value" },
	{ "endpoints-subset-empty.yaml",
	  "6: subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`" },
	{ "endpoints-subsets-a-mapping.yaml", "5: subsets: expected a list, got a mapping" },
	{ "ingress-backend-of-the-old-form.yaml",
	  "6: spec.defaultBackend: Required value: service or resource is required" },
	{ "ingress-backend-port-missing.yaml",
	  "14: spec.rules[0].http.paths[0].backend.service.port: Required value: port name or "
	  "number is required" },
	{ "ingress-empty.yaml",
	  "5: spec: Invalid value: either `defaultBackend` or `rules` must be specified" },
	{ "ingress-host-an-address.yaml", "7: spec.rules[0].host: Invalid value: \"192.0.2.1\": "
					  "must be a DNS name, not an IP address" },
	{ "ingress-host-star.yaml",
	  "7: spec.rules[0].host: Invalid value: \"*\": a lowercase RFC 1123 subdomain must "
	  "consist of lower case alphanumeric characters, '-' or '.', and must start and end with "
	  "an alphanumeric character" },
	{ "ingress-old-backend-port-missing.yaml", "6: spec.backend.servicePort: Required value" },
	{ "ingress-path-double-slash.yaml",
	  "9: spec.rules[0].http.paths[0].path: Invalid value: \"/a//b\": must not contain '//'" },
	{ "ingress-path-relative.yaml", "9: spec.rules[0].http.paths[0].path: Invalid value: "
					"\"kubia\": must be an absolute path" },
	{ "ingress-path-type-missing.yaml",
	  "9: spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified" },
	{ "ingress-path-type-unknown.yaml",
	  "10: spec.rules[0].http.paths[0].pathType: Unsupported value: \"Regex\": supported "
	  "values: \"Exact\", \"ImplementationSpecific\", \"Prefix\"" },
	{ "ingress-paths-missing.yaml", "7: spec.rules[0].http.paths: Required value" },
	{ "json-trailing-garbage.json", "2: did not find expected <document start>" },
	{ "kind-missing.yaml", "1: kind: Required value" },
	{ "kind-not-a-string.yaml", "2: kind: expected a string, got a number" },
	{ "kind-not-served.yaml",
	  "2: kind: \"Deployment\" (apps/v1) is not served by lbctl; it serves: Namespace, Node, "
	  "Pod, Service, Endpoints, EndpointSlice, Ingress, Secret, IngressClass" },
	{ "list-item-a-string.yaml", "4: items[0]: expected a mapping" },
	{ "list-items-missing.yaml", "1: items: Required value" },
	{ "list-second-item.yaml",
	  "14: spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive" },
	{ "metadata-a-list.yaml", "3: metadata: expected a mapping, got a list" },
	{ "metadata-missing.yaml", "1: metadata.name: Required value" },
	{ "namespace-name-with-dot.yaml",
	  "4: metadata.name: Invalid value: \"my.namespace\": a lowercase RFC 1123 label must "
	  "consist of lower case alphanumeric characters or '-', and must start and end with an "
	  "alphanumeric character" },
	{ "node-address-bad.yaml",
	  "8: status.addresses[0].address: Invalid value: \"worker-1\": must be a valid IP "
	  "address, (e.g. 10.9.8.7 or 2001:db8::ffff)" },
	{ "pod-weight.yaml",
	  "6: metadata.annotations[lbctl.io/weight]: Invalid value: \"101\": must be "
	  "between 1 and 100, inclusive" },
	{ "slice-weight.yaml",
	  "8: metadata.annotations[lbctl.io/weight]: Invalid value: \"much\": must be "
	  "between 1 and 100, inclusive" },
	{ "node-pod-cidr-bad.yaml", "6: spec.podCIDRs[0]: Invalid value: \"10.244.1.0\": must be a "
				    "valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)" },
	{ "node-with-namespace.yaml",
	  "5: metadata.namespace: Forbidden: not allowed on this type" },
	{ "not-utf8.yaml", "4: not UTF-8: invalid trailing UTF-8 octet" },
	{ "pod-condition-status-boolean.yaml",
	  "11: status.conditions[0].status: expected a string, got a boolean" },
	{ "pod-condition-status-unknown.yaml",
	  "11: status.conditions[0].status: Unsupported value: \"yes\": supported values: "
	  "\"False\", \"True\", \"Unknown\"" },
	{ "pod-container-name-duplicate.yaml",
	  "8: spec.containers[1].name: Duplicate value: \"kubia\"" },
	{ "pod-container-name-missing.yaml", "7: spec.containers[0].name: Required value" },
	{ "pod-container-port-zero.yaml", "9: spec.containers[0].ports[0].containerPort: Invalid "
					  "value: 0: must be between 1 and 65535, inclusive" },
	{ "pod-containers-empty.yaml", "6: spec.containers: Required value" },
	{ "pod-hostname-bad.yaml", "6: spec.hostname: Invalid value: \"a.b\": a lowercase RFC 1123 "
				   "label must consist of lower case alphanumeric characters or "
				   "'-', and must start and end with an alphanumeric character" },
	{ "pod-ip-bad.yaml", "9: status.podIP: Invalid value: \"10.1.1.300\": must be a valid IP "
			     "address, (e.g. 10.9.8.7 or 2001:db8::ffff)" },
	{ "pod-ips-disagree.yaml",
	  "9: status.podIP: Invalid value: \"10.1.1.1\": must match `podIPs[0].ip`" },
	{ "pod-port-name-digits.yaml", "9: spec.containers[0].ports[0].name: Invalid value: "
				       "\"8080\": must contain at least one letter (a-z)" },
	{ "pod-spec-missing.yaml", "1: spec.containers: Required value" },
	{ "second-document.yaml",
	  "11: spec.type: Unsupported value: \"Foo\": supported values: \"ClusterIP\", "
	  "\"ExternalName\", \"LoadBalancer\", \"NodePort\"" },
	{ "secret-key-bad.yaml", "6: data[a/b]: Invalid value: \"a/b\": a valid config key must "
				 "consist of alphanumeric characters, '-', '_' or '.'" },
	{ "secret-not-base64.yaml", "6: data[password]: Invalid value: must be base64" },
	{ "secret-string-data-a-number.yaml",
	  "6: stringData[password]: expected a string, got a number" },
	{ "secret-tls-key-missing.yaml", "6: data[tls.key]: Required value" },
	{ "service-affinity-config-with-none.yaml",
	  "6: spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is "
	  "None" },
	{ "service-affinity-timeout-too-long.yaml",
	  "9: spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be "
	  "between 1 and 86400, inclusive" },
	{ "service-affinity-timeout-zero.yaml",
	  "9: spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be "
	  "between 1 and 86400, inclusive" },
	{ "service-affinity-unknown.yaml", "6: spec.sessionAffinity: Unsupported value: "
					   "\"Cookie\": supported values: \"ClientIP\", \"None\"" },
	{ "service-annotation-not-a-string.yaml",
	  "6: metadata.annotations[weight]: expected a string, got a number" },
	{ "service-cluster-ip-a-cidr.yaml",
	  "6: spec.clusterIP: Invalid value: \"10.96.0.0/12\": must be a valid IP address, (e.g. "
	  "10.9.8.7 or 2001:db8::ffff)" },
	{ "service-cluster-ip-bad.yaml",
	  "6: spec.clusterIP: Invalid value: \"10.96.0.256\": must be a valid IP address, (e.g. "
	  "10.9.8.7 or 2001:db8::ffff)" },
	{ "service-cluster-ips-disagree.yaml",
	  "8: spec.clusterIPs[0]: Invalid value: \"10.96.0.2\": must match `clusterIP`" },
	{ "service-cluster-ips-none-and-more.yaml",
	  "7: spec.clusterIPs: Invalid value: 'None' must be the first and only value" },
	{ "service-cluster-ips-one-family.yaml",
	  "7: spec.clusterIPs: Invalid value: may specify no more than one IP for each IP family" },
	{ "service-cluster-ips-three.yaml",
	  "7: spec.clusterIPs: Too many: 3: must have at most 2 items" },
	{ "service-distribution-unknown.yaml",
	  "6: spec.trafficDistribution: Unsupported value: \"PreferNear\": supported values: "
	  "\"PreferClose\", \"PreferSameNode\", \"PreferSameZone\"" },
	{ "service-external-ip-a-name.yaml",
	  "6: spec.externalIPs[0]: Invalid value: \"example.com\": must be a valid IP address, "
	  "(e.g. 10.9.8.7 or 2001:db8::ffff)" },
	{ "service-external-ip-link-local.yaml",
	  "6: spec.externalIPs[0]: Invalid value: \"fe80::1\": may not be in the link-local range "
	  "(169.254.0.0/16, fe80::/10)" },
	{ "service-external-ip-loopback.yaml",
	  "6: spec.externalIPs[1]: Invalid value: \"127.0.0.1\": may not be in the loopback range "
	  "(127.0.0.0/8, ::1/128)" },
	{ "service-external-ip-multicast.yaml",
	  "6: spec.externalIPs[0]: Invalid value: \"224.0.0.1\": may not be a multicast address "
	  "(224.0.0.0/4, ff00::/8)" },
	{ "service-external-ip-unspecified.yaml",
	  "6: spec.externalIPs[0]: Invalid value: \"0.0.0.0\": may not be unspecified" },
	{ "service-external-name-bad.yaml",
	  "7: spec.externalName: Invalid value: \"http://example.com/\": a lowercase RFC 1123 "
	  "subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
	  "start and end with an alphanumeric character" },
	{ "service-external-name-missing.yaml", "5: spec.externalName: Required value" },
	{ "service-external-name-with-cluster-ip.yaml",
	  "8: spec.clusterIP: Forbidden: may not be set for ExternalName services" },
	{ "service-external-policy-on-cluster-ip.yaml",
	  "6: spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for "
	  "externally-accessible services" },
	{ "service-external-policy-unknown.yaml",
	  "7: spec.externalTrafficPolicy: Unsupported value: \"local\": supported values: "
	  "\"Cluster\", \"Local\"" },
	{ "service-family-duplicate.yaml", "6: spec.ipFamilies[1]: Duplicate value: \"IPv4\"" },
	{ "service-family-of-the-other-address.yaml",
	  "6: spec.clusterIP: Invalid value: \"10.96.0.1\": expected an IPv6 value as indicated by "
	  "`ipFamilies[0]`" },
	{ "service-family-policy-single.yaml",
	  "6: spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be PreferDualStack or "
	  "RequireDualStack when two IP families are specified" },
	{ "service-family-policy-unknown.yaml",
	  "6: spec.ipFamilyPolicy: Unsupported value: \"DualStack\": supported values: "
	  "\"PreferDualStack\", \"RequireDualStack\", \"SingleStack\"" },
	{ "service-family-unknown.yaml", "6: spec.ipFamilies[0]: Unsupported value: \"IPv5\": "
					 "supported values: \"IPv4\", \"IPv6\"" },
	{ "service-headless-load-balancer.yaml", "7: spec.clusterIP: Invalid value: \"None\": may "
						 "not be set to 'None' for LoadBalancer services" },
	{ "service-headless-node-port.yaml", "7: spec.clusterIP: Invalid value: \"None\": may not "
					     "be set to 'None' for NodePort services" },
	{ "service-health-check-without-local.yaml",
	  "7: spec.healthCheckNodePort: Invalid value: 32000: may only be set when `type` is "
	  "'LoadBalancer' and `externalTrafficPolicy` is 'Local'" },
	{ "service-ingress-ip-bad.yaml",
	  "11: status.loadBalancer.ingress[0].ip: Invalid value: \"pending\": must be a valid IP "
	  "address, (e.g. 10.9.8.7 or 2001:db8::ffff)" },
	{ "service-internal-policy-unknown.yaml",
	  "6: spec.internalTrafficPolicy: Unsupported value: \"Node\": supported values: "
	  "\"Cluster\", \"Local\"" },
	{ "service-kubelet-port.yaml", "8: spec.ports[0]: Invalid value: 10250: may not expose "
				       "port 10250 externally since it is used by kubelet" },
	{ "service-label-boolean-by-accident.yaml",
	  "6: metadata.labels[enabled]: expected a string, got a boolean" },
	{ "service-label-key-bad.yaml",
	  "6: metadata.labels[-app]: Invalid value: \"-app\": name part must consist of "
	  "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
	  "character" },
	{ "service-label-not-a-string.yaml",
	  "6: metadata.labels[tier]: expected a string, got a number" },
	{ "service-label-value-bad.yaml",
	  "6: metadata.labels[app]: Invalid value: \"my app\": a valid label must be an empty "
	  "string or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
	  "with an alphanumeric character" },
	{ "service-labels-a-list.yaml", "5: metadata.labels: expected a mapping, got a list" },
	{ "service-load-balancer-class-on-cluster-ip.yaml",
	  "6: spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'" },
	{ "service-load-balancer-ip-bad.yaml",
	  "7: spec.loadBalancerIP: Invalid value: \"192.0.2\": must be a valid IP address, (e.g. "
	  "10.9.8.7 or 2001:db8::ffff)" },
	{ "service-name-a-number.yaml", "4: metadata.name: expected a string, got a number" },
	{ "service-name-missing.yaml", "3: metadata.name: Required value" },
	{ "service-name-starts-with-digit.yaml",
	  "4: metadata.name: Invalid value: \"1kubia\": a DNS-1035 label must consist of lower "
	  "case alphanumeric characters or '-', start with an alphabetic character, and end with "
	  "an alphanumeric character" },
	{ "service-name-too-long.yaml", "4: metadata.name: Invalid value: "
					"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
					"aaaaaaaa\": must be no more than 63 characters" },
	{ "service-name-upper-case.yaml",
	  "4: metadata.name: Invalid value: \"Kubia\": a DNS-1035 label must consist of lower case "
	  "alphanumeric characters or '-', start with an alphabetic character, and end with an "
	  "alphanumeric character" },
	{ "service-namespace-with-dot.yaml",
	  "5: metadata.namespace: Invalid value: \"my.ns\": a lowercase RFC 1123 label must "
	  "consist of lower case alphanumeric characters or '-', and must start and end with an "
	  "alphanumeric character" },
	{ "service-node-port-duplicate.yaml",
	  "13: spec.ports[1].nodePort: Duplicate value: 30080" },
	{ "service-node-port-on-cluster-ip.yaml",
	  "8: spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'" },
	{ "service-node-port-too-big.yaml", "9: spec.ports[0].nodePort: Invalid value: 300800: "
					    "must be between 1 and 65535, inclusive" },
	{ "service-not-ready-not-a-boolean.yaml",
	  "6: spec.publishNotReadyAddresses: expected a boolean, got a string" },
	{ "service-port-a-fraction.yaml",
	  "7: spec.ports[0].port: Invalid value: 80.5: must be an integer" },
	{ "service-port-a-string.yaml", "7: spec.ports[0].port: expected a number, got a string" },
	{ "service-port-duplicate.yaml",
	  "9: spec.ports[1]: Duplicate value: {\"port\":80,\"protocol\":\"TCP\"}" },
	{ "service-port-huge.yaml",
	  "7: spec.ports[0].port: Invalid value: 1e20: must be an integer" },
	{ "service-port-missing.yaml", "7: spec.ports[0].port: Required value" },
	{ "service-port-name-bad.yaml",
	  "7: spec.ports[0].name: Invalid value: \"HTTP\": a lowercase RFC 1123 label must consist "
	  "of lower case alphanumeric characters or '-', and must start and end with an "
	  "alphanumeric character" },
	{ "service-port-name-duplicate.yaml", "9: spec.ports[1].name: Duplicate value: \"http\"" },
	{ "service-port-name-missing.yaml", "9: spec.ports[1].name: Required value" },
	{ "service-port-negative.yaml",
	  "7: spec.ports[0].port: Invalid value: -1: must be between 1 and 65535, inclusive" },
	{ "service-port-too-big.yaml",
	  "9: spec.ports[1].port: Invalid value: 70000: must be between 1 and 65535, inclusive" },
	{ "service-port-zero.yaml",
	  "7: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive" },
	{ "service-ports-a-mapping.yaml", "6: spec.ports: expected a list, got a mapping" },
	{ "service-ports-a-string.yaml", "6: spec.ports: expected a list, got a string" },
	{ "service-ports-empty.yaml", "6: spec.ports: Required value" },
	{ "service-ports-missing.yaml", "5: spec.ports: Required value" },
	{ "service-ports-of-numbers.yaml", "7: spec.ports[0]: expected a mapping, got a number" },
	{ "service-protocol-unknown.yaml", "8: spec.ports[0].protocol: Unsupported value: \"tcp\": "
					   "supported values: \"SCTP\", \"TCP\", \"UDP\"" },
	{ "service-selector-not-strings.yaml",
	  "9: spec.selector[version]: expected a string, got a number" },
	{ "service-source-range-bad.yaml",
	  "9: spec.loadBalancerSourceRanges[1]: Invalid value: \"10.0.0.0/33\": must be a valid "
	  "CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)" },
	{ "service-source-range-without-length.yaml",
	  "7: spec.loadBalancerSourceRanges[0]: Invalid value: \"10.0.0.1\": must be a valid CIDR "
	  "value, (e.g. 10.9.8.0/24 or 2001:db8::/64)" },
	{ "service-source-ranges-on-node-port.yaml",
	  "7: spec.loadBalancerSourceRanges: Forbidden: may only be used when `type` is "
	  "'LoadBalancer'" },
	{ "service-spec-a-string.yaml", "5: spec: expected a mapping, got a string" },
	{ "service-spec-missing.yaml", "1: spec: Required value" },
	{ "service-target-port-digits.yaml", "8: spec.ports[0].targetPort: Invalid value: "
					     "\"8080\": must contain at least one letter (a-z)" },
	{ "service-target-port-too-big.yaml", "8: spec.ports[0].targetPort: Invalid value: 65536: "
					      "must be between 1 and 65535, inclusive" },
	{ "service-target-port-too-long.yaml",
	  "8: spec.ports[0].targetPort: Invalid value: \"a-name-of-more-than-fifteen\": must be no "
	  "more than 15 characters" },
	{ "service-type-a-list.yaml", "6: spec.type: expected a string, got a list" },
	{ "service-type-unknown.yaml",
	  "6: spec.type: Unsupported value: \"Foo\": supported values: \"ClusterIP\", "
	  "\"ExternalName\", \"LoadBalancer\", \"NodePort\"" },
	{ "slice-address-link-local.yaml",
	  "7: endpoints[0].addresses[0]: Invalid value: \"fe80::1\": may not be in the link-local "
	  "range (169.254.0.0/16, fe80::/10)" },
	{ "slice-address-of-other-family.yaml",
	  "7: endpoints[0].addresses[0]: Invalid value: \"fd00::1\": must be an IPv4 address" },
	{ "slice-address-type-missing.yaml", "1: addressType: Required value" },
	{ "slice-address-type-unknown.yaml", "5: addressType: Unsupported value: \"IP\": supported "
					     "values: \"FQDN\", \"IPv4\", \"IPv6\"" },
	{ "slice-addresses-missing.yaml",
	  "7: endpoints[0].addresses: Required value: must contain at least 1 address" },
	{ "slice-port-name-duplicate.yaml", "9: ports[1].name: Duplicate value: \"http\"" },
	{ "slice-ready-not-a-boolean.yaml",
	  "9: endpoints[0].conditions.ready: expected a boolean, got a string" },
	{ "syntax-at-sign.yaml",
	  "6: found character that cannot start any token, while scanning for the next token" },
	{ "syntax-cyclic-anchor.yaml", "7: anchor \"labels\" contains itself" },
	{ "syntax-duplicate-key.yaml", "9: duplicate key \"type\"" },
	{ "syntax-indentation.yaml",
	  "8: did not find expected key, while parsing a block mapping from line 6 on" },
	{ "syntax-missing-colon.yaml",
	  "3: could not find expected ':', while scanning a simple key from line 2 on" },
	{ "syntax-nul-in-string.yaml", "6: a string holds a NUL character" },
	{ "syntax-tab-after-spaces.yaml", "7: a tab is used for indentation; YAML wants spaces" },
	{ "syntax-tab.yaml", "6: a tab is used for indentation; YAML wants spaces" },
	{ "syntax-tag.yaml", "6: unsupported tag tag:yaml.org,2002:python/object:os.system" },
	{ "syntax-two-colons.yaml", "6: mapping values are not allowed in this context" },
	{ "syntax-unclosed-list.yaml",
	  "8: did not find expected node content, while parsing a flow node" },
	{ "syntax-unclosed-quote.yaml",
	  "8: found unexpected end of stream, while scanning a quoted scalar from line 6 on" },
	{ "syntax-unknown-anchor.yaml", "6: unknown anchor \"labels\"" },
	{ "truncated-json.json",
	  "3: did not find expected ',' or ']', while parsing a flow sequence" },
	{ "truncated-yaml.yaml",
	  "8: did not find expected node content, while parsing a flow node" },
	{ "utf-16.yaml", "1: not UTF-8: invalid leading UTF-8 octet" },
};

static const char good[] = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: before\n";

static void test_broken(void **state)
{
	struct object_list list = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(manifest_parse("t", good, strlen(good), "default", &list, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *path = xasprintf(FOLDER "/%s", cases[i].file);
		cleanup_free char *want = xasprintf("%s:%s", path, cases[i].error);

		err = (struct err){ "" };
		if (!manifest_read(path, "default", &list, &err))
			fail_msg("%s was accepted", path);
		assert_string_equal(err.text, want);
		assert_int_equal(list.n, 1);
		assert_string_equal(list.items[0]->name, "before");
	}
	object_list_free(&list);
}

/* A file without a row would be a case that nobody looks at. */
static void test_all_files_have_a_row(void **state)
{
	struct err err = { "" };
	char **names;
	size_t n;

	(void)state;
	assert_int_equal(dir_read(FOLDER, NULL, &names, &n, &err), 0);
	assert_int_equal(n, ARRAY_LEN(cases));
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(cases) && strcmp(names[i], cases[k].file) != 0)
			k++;
		if (k == ARRAY_LEN(cases))
			fail_msg("%s has no row", names[i]);
	}
	dir_names_free(names, n);
}

/* One bad file in a folder: nothing of the folder is taken. */
static void test_folder(void **state)
{
	struct object_list list = { 0 };
	struct err err = { "" };

	(void)state;
	assert_int_not_equal(manifest_read(FOLDER, "default", &list, &err), 0);
	assert_int_equal(list.n, 0);
	object_list_free(&list);
}

/* ------------------------------------------------- too big to be committed -- */

static void expect_error(const char *text, size_t size, const char *error)
{
	struct object_list list = { 0 };
	struct err err = { "" };

	assert_int_not_equal(manifest_parse("t", text, size, "default", &list, &err), 0);
	assert_string_equal(err.text, error);
	assert_int_equal(list.n, 0);
	object_list_free(&list);
}

static void test_deep_json(void **state)
{
	size_t size = 1u << 20;
	cleanup_free char *text = xmalloc(size);

	(void)state;
	memset(text, '[', size);
	expect_error(text, size, "t:1: nested deeper than 100 levels");
}

static void test_deep_block(void **state)
{
	cleanup_free char *text = xmalloc(200 * 210);
	size_t at = 0;

	(void)state;
	for (int i = 0; i < 150; i++)
		at += (size_t)sprintf(text + at, "%*sa:\n", i, "");
	expect_error(text, at, "t:101: nested deeper than 100 levels");
}

static void test_huge(void **state)
{
	size_t size = (64u << 20) + 1;
	cleanup_free char *text = xmalloc(size);

	(void)state;
	memset(text, '\n', size);
	expect_error(text, size, "t:1: larger than 64 MiB");
}

/* Every prefix of a good manifest is refused, or gives whole objects. */
static void test_truncated(void **state)
{
	static const char text[] =
		"{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": "
		"\"kubia\"},"
		"\"spec\": {\"ports\": [{\"port\": 80, \"targetPort\": \"http\"}]}}";

	(void)state;
	for (size_t size = 1; size < sizeof(text) - 1; size++) {
		struct object_list list = { 0 };
		struct err err = { "" };

		if (!manifest_parse("t", text, size, "default", &list, &err))
			fail_msg("%.*s was accepted", (int)size, text);
		assert_int_equal(strncmp(err.text, "t:1: ", 5), 0);
		object_list_free(&list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken),	   cmocka_unit_test(test_all_files_have_a_row),
		cmocka_unit_test(test_folder),	   cmocka_unit_test(test_deep_json),
		cmocka_unit_test(test_deep_block), cmocka_unit_test(test_huge),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
