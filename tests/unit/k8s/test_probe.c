/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: defaults, and what the API server refuses. */
#include "tests/unit/k8s/decode_test.h"

#define POD                                                                               \
	"{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, " \
	"ports: [{name: web, containerPort: 8080}], "
#define SERVICE "{apiVersion: v1, kind: Service, metadata: {name: s, annotations: {lbctl.io/probe: "
#define SERVICE_REST "}}, spec: {ports: [{port: 80}]}}"
#define AT "spec.containers[0].readinessProbe"

static const struct row {
	const char *name, *probe, *error; /* error NULL: accepted */
} rows[] = {
	{ "HTTP", "readinessProbe: {httpGet: {port: 80}}", NULL },
	{ "HTTP by a name", "readinessProbe: {httpGet: {port: web}}", NULL },
	{ "TCP", "readinessProbe: {tcpSocket: {port: 80, host: example.com}}", NULL },
	{ "exec", "readinessProbe: {exec: {command: [ls, /]}}", NULL },
	{ "gRPC", "readinessProbe: {grpc: {port: 80}}", NULL },
	{ "nothing", "readinessProbe: {}", AT ": Required value: must specify a handler type" },
	{ "two at once", "readinessProbe: {grpc: {port: 80}, tcpSocket: {port: 80}}",
	  AT ".grpc: Forbidden: may not specify more than 1 handler type" },
	{ "no port", "readinessProbe: {tcpSocket: {}}", AT ".tcpSocket.port: Required value" },
	{ "port 0", "readinessProbe: {tcpSocket: {port: 0}}",
	  AT ".tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive" },
	{ "port of digits", "readinessProbe: {httpGet: {port: \"80\"}}",
	  AT ".httpGet.port: Invalid value: \"80\": must contain at least one letter (a-z)" },
	{ "gRPC by a name", "readinessProbe: {grpc: {port: web}}",
	  AT ".grpc.port: expected a number, got a string" },
	{ "no command", "readinessProbe: {exec: {command: []}}",
	  AT ".exec.command: Required value" },
	{ "a command that is text", "readinessProbe: {exec: {command: ls}}",
	  AT ".exec.command: expected a list, got a string" },
	{ "a scheme that is none", "readinessProbe: {httpGet: {port: 80, scheme: ftp}}",
	  AT ".httpGet.scheme: Unsupported value: \"ftp\": supported values: \"HTTP\", \"HTTPS\"" },
	{ "a header without a name",
	  "readinessProbe: {httpGet: {port: 80, httpHeaders: [{value: v}]}}",
	  AT ".httpGet.httpHeaders[0].name: Required value" },
	{ "a header's name",
	  "readinessProbe: {httpGet: {port: 80, httpHeaders: [{name: \"a b\"}]}}",
	  AT ".httpGet.httpHeaders[0].name: Invalid value: \"a b\": a valid HTTP header must "
	     "consist of alphanumeric characters or '-' (e.g. 'X-Header-Name')" },
	{ "a header in a header",
	  "readinessProbe: {httpGet: {port: 80, httpHeaders: [{name: a, value: \"b\\r\\nc: d\"}]}}",
	  AT ".httpGet.httpHeaders[0].value: Invalid value: \"b\\r\\nc: d\": must not contain a "
	     "line break" },
	{ "a request in a path", "readinessProbe: {httpGet: {port: 80, path: \"/ HTTP/1.1\"}}",
	  AT ".httpGet.path: Invalid value: \"/ HTTP/1.1\": must not contain spaces or control "
	     "characters" },
	{ "a path in a host", "readinessProbe: {httpGet: {port: 80, host: a/b}}",
	  AT ".httpGet.host: Invalid value: \"a/b\": must be an IP address or a host name" },
	{ "a negative period", "readinessProbe: {grpc: {port: 80}, periodSeconds: -1}",
	  AT ".periodSeconds: Invalid value: -1: must be greater than or equal to 0" },
	{ "liveness that succeeds twice", "livenessProbe: {grpc: {port: 80}, successThreshold: 2}",
	  "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1" },
	{ "startup that succeeds twice", "startupProbe: {grpc: {port: 80}, successThreshold: 2}",
	  "spec.containers[0].startupProbe.successThreshold: Invalid value: 2: must be 1" },
	{ "readiness with a grace period",
	  "readinessProbe: {grpc: {port: 80}, terminationGracePeriodSeconds: 3}",
	  AT ".terminationGracePeriodSeconds: Invalid value: 3: must not be set for "
	     "readinessProbes" },
	{ "no grace", "livenessProbe: {grpc: {port: 80}, terminationGracePeriodSeconds: 0}",
	  "spec.containers[0].livenessProbe.terminationGracePeriodSeconds: Invalid value: 0: must "
	  "be greater than 0" },
};

static void check_probe(void **state)
{
	const struct row *row = *state;
	cleanup_free char *body = xasprintf("%s}]}}", row->probe);

	check_row(row->name, POD, body, row->error);
}

static const struct row service_rows[] = {
	{ "TCP", "\"tcpSocket: {port: 80}\"", NULL },
	{ "JSON", "'{\"httpGet\": {\"port\": 80, \"path\": \"/x\"}}'", NULL },
	{ "no YAML", "\"tcpSocket: {\"",
	  "metadata.annotations[lbctl.io/probe]: probe:1: did not find expected node content, "
	  "while parsing a flow node" },
	{ "nothing", "\" \"",
	  "metadata.annotations[lbctl.io/probe]: Required value: must specify a handler type" },
	{ "a command", "\"exec: {command: [ls]}\"",
	  "metadata.annotations[lbctl.io/probe]: Forbidden: a probe of a Service cannot be a "
	  "command" },
	{ "a port's name", "\"tcpSocket: {port: web}\"",
	  "metadata.annotations[lbctl.io/probe]: port: Invalid value: must be a number" },
	{ "a field of it", "\"tcpSocket: {port: 99999}\"",
	  "metadata.annotations[lbctl.io/probe]: tcpSocket.port: Invalid value: 99999: must be "
	  "between 1 and 65535, inclusive" },
};

static void check_service(void **state)
{
	const struct row *row = *state;
	cleanup_free char *body = xasprintf("%s%s", row->probe, SERVICE_REST);

	check_row(row->name, SERVICE, body, row->error);
}

static void check_values(void **state)
{
	struct object *pod = decode_good(
		POD "readinessProbe: {httpGet: {port: web, httpHeaders: [{name: a, value: b}]}}, "
		    "startupProbe: {exec: {command: [a, b]}, periodSeconds: 3, timeoutSeconds: 2, "
		    "failureThreshold: 30, initialDelaySeconds: 7}, securityContext: {runAsUser: "
		    "5}}]}}");
	const struct container *container = &pod->pod->containers[0];
	const struct probe *ready = container->probes[PROBE_READINESS];
	const struct probe *start = container->probes[PROBE_STARTUP];

	(void)state;
	assert_null(container->probes[PROBE_LIVENESS]);
	assert_int_equal(ready->action, PROBE_HTTP);
	assert_int_equal(ready->port, 8080);
	assert_string_equal(ready->path, "/");
	assert_false(ready->https);
	assert_int_equal(ready->n_headers, 1);
	assert_int_equal(ready->initial_delay, 0);
	assert_int_equal(ready->period, 10);
	assert_int_equal(ready->timeout, 1);
	assert_int_equal(ready->success, 1);
	assert_int_equal(ready->failure, 3);
	assert_int_equal(start->action, PROBE_EXEC);
	assert_string_equal(start->command[1], "b");
	assert_null(start->command[2]);
	assert_int_equal(start->initial_delay, 7);
	assert_int_equal(start->period, 3);
	assert_int_equal(start->timeout, 2);
	assert_int_equal(start->failure, 30);
	assert_int_equal(container->run_as_user, 5);
	assert_int_equal(container->run_as_group, -1);
	assert_true(pod->pod->gates_open);
	object_free(pod);
}

/* A copy is equal until anything differs. */
static void check_copy(void **state)
{
	struct object *pod = decode_good(
		POD
		"readinessProbe: {httpGet: {port: web, httpHeaders: [{name: a, value: b}]}}, "
		"livenessProbe: {httpGet: {port: web, httpHeaders: [{name: a, value: c}]}}}]}}");
	struct probe *probe = pod->pod->containers[0].probes[PROBE_READINESS];
	struct probe *copy = probe_copy(probe, pod->json);

	(void)state;
	assert_true(probe_equal(probe, copy));
	assert_false(probe_equal(probe, pod->pod->containers[0].probes[PROBE_LIVENESS]));
	object_free(pod);
	/* The copy holds what its strings lie in. */
	assert_string_equal(copy->headers[0].value, "b");
	probe_free(copy);
}

#define ADD(table, check)                                              \
	for (size_t i = 0; i < ARRAY_LEN(table); i++)                  \
		tests[n++] = (struct CMUnitTest)                       \
		{                                                      \
			.name = (table)[i].name, .test_func = (check), \
			.initial_state = (void *)&(table)[i]           \
		}

int main(void)
{
	struct CMUnitTest tests[64];
	size_t n = 0;

	ADD(rows, check_probe);
	ADD(service_rows, check_service);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_values);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_copy);
	return _cmocka_run_group_tests("probe", tests, n, NULL, NULL);
}
