/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmd/fixture.h"
#include "user/cmd/merge.h"

static const struct row {
	const char *name;
	enum k8s_kind kind;
	const char *original; /* or NULL */
	const char *given;
	const char *stored; /* or NULL */
	const char *want;
} rows[] = {
	{ "new: as given", K8S_SERVICE, NULL, "{'spec': {'a': 1}}", NULL, "{'spec': {'a': 1}}" },
	{ "null is no field", K8S_SERVICE, NULL, "{'a': null, 'b': 1}", NULL, "{'b': 1}" },
	{ "what others filled in stays", K8S_SERVICE, "{'spec': {'a': 1}}", "{'spec': {'a': 2}}",
	  "{'spec': {'a': 1, 'clusterIP': 'x'}, 'status': {}}",
	  "{'spec': {'a': 2, 'clusterIP': 'x'}, 'status': {}}" },
	{ "what was applied and is no more goes", K8S_SERVICE, "{'spec': {'a': 1, 'b': {'c': 1}}}",
	  "{'spec': {'a': 1}}", "{'spec': {'a': 1, 'b': {'c': 1}, 'd': 1}}",
	  "{'spec': {'a': 1, 'd': 1}}" },
	{ "without a memory of what was applied nothing goes", K8S_SERVICE, NULL,
	  "{'spec': {'a': 1}}", "{'spec': {'a': 1, 'b': 2}}", "{'spec': {'a': 1, 'b': 2}}" },
	{ "null removes", K8S_SERVICE, NULL, "{'spec': {'b': null}}", "{'spec': {'a': 1, 'b': 2}}",
	  "{'spec': {'a': 1}}" },
	{ "a key removed deep down", K8S_SERVICE, "{'m': {'labels': {'a': 'x', 'b': 'y'}}}",
	  "{'m': {'labels': {'a': 'x'}}}", "{'m': {'labels': {'a': 'x', 'b': 'y', 'c': 'z'}}}",
	  "{'m': {'labels': {'a': 'x', 'c': 'z'}}}" },
	{ "a field changes its type", K8S_SERVICE, NULL, "{'a': {'b': 1}}", "{'a': [1]}",
	  "{'a': {'b': 1}}" },
	{ "lists are replaced", K8S_SERVICE, NULL, "{'spec': {'externalIPs': ['a']}}",
	  "{'spec': {'externalIPs': ['b', 'c']}}", "{'spec': {'externalIPs': ['a']}}" },
	{ "ports keep their node ports", K8S_SERVICE, NULL,
	  "{'spec': {'ports': [{'port': 80, 'targetPort': 'http'}]}}",
	  "{'spec': {'ports': [{'port': 80, 'protocol': 'TCP', 'nodePort': 30123}]}}",
	  "{'spec': {'ports': [{'port': 80, 'protocol': 'TCP', 'nodePort': 30123,"
	  " 'targetPort': 'http'}]}}" },
	{ "ports of one number differ by protocol", K8S_SERVICE, NULL,
	  "{'spec': {'ports': [{'port': 53, 'protocol': 'UDP'}, {'port': 53}]}}",
	  "{'spec': {'ports': [{'port': 53, 'protocol': 'TCP', 'nodePort': 1},"
	  " {'port': 53, 'protocol': 'UDP', 'nodePort': 2}]}}",
	  "{'spec': {'ports': [{'port': 53, 'protocol': 'UDP', 'nodePort': 2},"
	  " {'port': 53, 'protocol': 'TCP', 'nodePort': 1}]}}" },
	{ "a port that was applied and is no more goes, one that was edited in stays", K8S_SERVICE,
	  "{'spec': {'ports': [{'port': 80}, {'port': 81}]}}",
	  "{'spec': {'ports': [{'port': 80}]}}",
	  "{'spec': {'ports': [{'port': 80}, {'port': 81}, {'port': 82}]}}",
	  "{'spec': {'ports': [{'port': 80}, {'port': 82}]}}" },
	{ "a field of a port that was applied and is no more goes", K8S_SERVICE,
	  "{'spec': {'ports': [{'port': 80, 'name': 'x'}]}}", "{'spec': {'ports': [{'port': 80}]}}",
	  "{'spec': {'ports': [{'port': 80, 'name': 'x', 'nodePort': 1}]}}",
	  "{'spec': {'ports': [{'port': 80, 'nodePort': 1}]}}" },
	{ "a pod keeps conditions that others found", K8S_POD, NULL,
	  "{'status': {'conditions': [{'type': 'A', 'status': 'True'}]}}",
	  "{'status': {'conditions': [{'type': 'Ready', 'status': 'True'}]}}",
	  "{'status': {'conditions': [{'type': 'A', 'status': 'True'},"
	  " {'type': 'Ready', 'status': 'True'}]}}" },
	{ "another kind's ports are a list like any", K8S_ENDPOINTS, NULL,
	  "{'spec': {'ports': [{'port': 80}]}}", "{'spec': {'ports': [{'port': 80, 'name': 'x'}]}}",
	  "{'spec': {'ports': [{'port': 80}]}}" },
};

static json_t *load(const char *text)
{
	cleanup_free char *copy = NULL;
	json_t *json;

	if (!text)
		return NULL;
	copy = xstrdup(text);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(copy, 0, NULL);
	assert_non_null(json);
	return json;
}

static void assert_tree(const json_t *got, const json_t *want)
{
	cleanup_free char *text = json_dumps(got, JSON_COMPACT | JSON_SORT_KEYS);
	cleanup_free char *want_text = json_dumps(want, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(text, want_text);
}

static void check_row(void **state)
{
	const struct row *row = *state;
	cleanup_json json_t *original = load(row->original);
	cleanup_json json_t *given = load(row->given);
	cleanup_json json_t *stored = load(row->stored);
	cleanup_json json_t *want = load(row->want);
	cleanup_json json_t *got = merge_three_way(row->kind, original, given, stored);

	assert_tree(got, want);
}

static const struct type_row {
	const char *name, *merged, *stored, *want;
} type_rows[] = {
	{ "the same type keeps all",
	  "{'spec': {'type': 'NodePort', 'clusterIP': 'x', 'ports': [{'port': 80, 'nodePort': "
	  "1}]}}",
	  "{'spec': {'type': 'NodePort', 'clusterIP': 'x', 'ports': [{'port': 80, 'nodePort': "
	  "1}]}}",
	  "{'spec': {'type': 'NodePort', 'clusterIP': 'x', 'ports': [{'port': 80, 'nodePort': "
	  "1}]}}" },
	{ "NodePort to ClusterIP",
	  "{'spec': {'clusterIP': 'x', 'externalTrafficPolicy': 'Cluster',"
	  " 'ports': [{'port': 80, 'nodePort': 1}]}}",
	  "{'spec': {'type': 'NodePort', 'clusterIP': 'x', 'externalTrafficPolicy': 'Cluster',"
	  " 'ports': [{'port': 80, 'nodePort': 1}]}}",
	  "{'spec': {'clusterIP': 'x', 'ports': [{'port': 80}]}}" },
	{ "a node port that is asked for is left to validation",
	  "{'spec': {'type': 'ClusterIP', 'ports': [{'port': 80, 'nodePort': 2}]}}",
	  "{'spec': {'type': 'NodePort', 'ports': [{'port': 80, 'nodePort': 1}]}}",
	  "{'spec': {'type': 'ClusterIP', 'ports': [{'port': 80, 'nodePort': 2}]}}" },
	{ "LoadBalancer to NodePort",
	  "{'spec': {'type': 'NodePort', 'allocateLoadBalancerNodePorts': true,"
	  " 'healthCheckNodePort': 3, 'externalTrafficPolicy': 'Local',"
	  " 'ports': [{'port': 80, 'nodePort': 1}]}, 'status': {'loadBalancer': {'ingress': []}}}",
	  "{'spec': {'type': 'LoadBalancer', 'allocateLoadBalancerNodePorts': true,"
	  " 'healthCheckNodePort': 3, 'externalTrafficPolicy': 'Local',"
	  " 'ports': [{'port': 80, 'nodePort': 1}]}, 'status': {'loadBalancer': {'ingress': []}}}",
	  "{'spec': {'type': 'NodePort', 'externalTrafficPolicy': 'Local',"
	  " 'ports': [{'port': 80, 'nodePort': 1}]}, 'status': {}}" },
	{ "policy Local to Cluster gives the health check's port back",
	  "{'spec': {'type': 'LoadBalancer', 'healthCheckNodePort': 3,"
	  " 'externalTrafficPolicy': 'Cluster'}}",
	  "{'spec': {'type': 'LoadBalancer', 'healthCheckNodePort': 3,"
	  " 'externalTrafficPolicy': 'Local'}}",
	  "{'spec': {'type': 'LoadBalancer', 'externalTrafficPolicy': 'Cluster'}}" },
	{ "ClusterIP to ExternalName",
	  "{'spec': {'type': 'ExternalName', 'externalName': 'a.b', 'clusterIP': 'x',"
	  " 'clusterIPs': ['x'], 'ipFamilies': ['IPv4'], 'ipFamilyPolicy': 'SingleStack',"
	  " 'internalTrafficPolicy': 'Cluster'}}",
	  "{'spec': {'type': 'ClusterIP', 'clusterIP': 'x', 'clusterIPs': ['x'],"
	  " 'ipFamilies': ['IPv4'], 'ipFamilyPolicy': 'SingleStack',"
	  " 'internalTrafficPolicy': 'Cluster'}}",
	  "{'spec': {'type': 'ExternalName', 'externalName': 'a.b'}}" },
	{ "ExternalName to ClusterIP", "{'spec': {'type': 'ClusterIP', 'externalName': 'a.b'}}",
	  "{'spec': {'type': 'ExternalName', 'externalName': 'a.b'}}",
	  "{'spec': {'type': 'ClusterIP'}}" },
	{ "a cluster IP that is asked for no more", "{'spec': {'clusterIPs': ['x']}}",
	  "{'spec': {'clusterIP': 'x', 'clusterIPs': ['x']}}", "{'spec': {}}" },
	{ "another cluster IP", "{'spec': {'clusterIP': 'y', 'clusterIPs': ['x']}}",
	  "{'spec': {'clusterIP': 'x', 'clusterIPs': ['x']}}", NULL },
	{ "headless now", "{'spec': {'clusterIP': 'None'}}", "{'spec': {'clusterIP': 'x'}}", NULL },
	{ "a cluster IP after an ExternalName", "{'spec': {'clusterIP': 'y'}}",
	  "{'spec': {'type': 'ExternalName', 'externalName': 'a'}}",
	  "{'spec': {'clusterIP': 'y'}}" },
	{ "two families to one",
	  "{'spec': {'ipFamilyPolicy': 'SingleStack', 'clusterIP': 'x', 'clusterIPs': ['x', 'y'],"
	  " 'ipFamilies': ['IPv4', 'IPv6']}}",
	  "{'spec': {'ipFamilyPolicy': 'PreferDualStack', 'clusterIP': 'x', 'clusterIPs': ['x', "
	  "'y'],"
	  " 'ipFamilies': ['IPv4', 'IPv6']}}",
	  "{'spec': {'ipFamilyPolicy': 'SingleStack', 'clusterIP': 'x', 'clusterIPs': ['x'],"
	  " 'ipFamilies': ['IPv4']}}" },
	{ "affinity to None",
	  "{'spec': {'sessionAffinity': 'None', 'sessionAffinityConfig': {'clientIP': {}}}}",
	  "{'spec': {'sessionAffinity': 'ClientIP', 'sessionAffinityConfig': {'clientIP': {}}}}",
	  "{'spec': {'sessionAffinity': 'None'}}" },
};

static void check_type_row(void **state)
{
	const struct type_row *row = *state;
	cleanup_json json_t *merged = load(row->merged);
	cleanup_json json_t *stored = load(row->stored);
	cleanup_json json_t *want = load(row->want);
	struct err err;

	assert_int_equal(merge_service(merged, stored, &err), row->want ? 0 : -EINVAL);
	if (row->want)
		assert_tree(merged, want);
	else
		assert_non_null(strstr(err.text, "may not change once set"));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(type_rows)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name,
						  .test_func = check_row,
						  .initial_state = (void *)&rows[i] };
	for (size_t i = 0; i < ARRAY_LEN(type_rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = type_rows[i].name,
						  .test_func = check_type_row,
						  .initial_state = (void *)&type_rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
