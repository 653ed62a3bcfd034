/* SPDX-License-Identifier: Apache-2.0 */
/* Probes, by the API server's rules and with its defaults. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/k8s/yaml.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* ------------------------------------------------------------- numbers -- */

/* 0 stands for the default, as it does where Go decodes a field that is not there. */
static uint32_t count_decode(const struct field *probe, const char *key, uint32_t fallback)
{
	struct field field = field_get(probe, key);
	int64_t value = field_int(&field, INT32_MIN, INT32_MAX, 0);

	if (value < 0)
		field_invalid(&field, "must be greater than or equal to 0");
	return value > 0 ? (uint32_t)value : fallback;
}

static void counts_decode(const struct field *field, enum probe_kind kind, struct probe *probe)
{
	struct field success = field_get(field, "successThreshold");
	struct field grace = field_get(field, "terminationGracePeriodSeconds");

	probe->initial_delay = count_decode(field, "initialDelaySeconds", 0);
	probe->timeout = count_decode(field, "timeoutSeconds", 1);
	probe->period = count_decode(field, "periodSeconds", 10);
	probe->success = count_decode(field, "successThreshold", 1);
	probe->failure = count_decode(field, "failureThreshold", 3);
	if (kind != PROBE_READINESS && probe->success != 1)
		field_invalid(&success, "must be 1");
	if (kind == PROBE_READINESS && grace.json)
		field_invalid(&grace, "must not be set for readinessProbes");
	else if (field_int(&grace, INT64_MIN, INT64_MAX, 1) <= 0)
		field_invalid(&grace, "must be greater than 0");
}

/* ------------------------------------------------------------- actions -- */

static void port_decode(const struct field *action, const struct container_port *ports,
			size_t n_ports, struct probe *probe)
{
	struct field port = field_get(action, "port");

	field_required(&port);
	if (!json_is_string(port.json)) {
		probe->port = (uint16_t)field_int(&port, 1, 65535, 0);
		return;
	}
	probe->port_name = field_name(&port, name_port);
	for (size_t i = 0; probe->port_name && i < n_ports; i++) {
		if (ports[i].name && !strcmp(ports[i].name, probe->port_name))
			probe->port = ports[i].port;
	}
}

/* RFC 9110's token. */
static bool is_header_name(const char *text)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
			return false;
	}
	return true;
}

static void headers_decode(const struct field *http, struct probe *probe)
{
	struct field list = field_get(http, "httpHeaders");
	size_t n = field_items(&list);

	probe->headers = xcalloc(n, sizeof(*probe->headers));
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		struct field name = field_get(&item, "name");
		struct field value = field_get(&item, "value");
		const char *name_text = field_string(&name);
		const char *value_text = field_string(&value);

		field_required(&name);
		if (name_text && !is_header_name(name_text))
			field_invalid(&name, "a valid HTTP header must consist of alphanumeric "
					     "characters or '-' (e.g. 'X-Header-Name')");
		/* A line's end would begin a header, or a request, of its own. */
		if (value_text && strpbrk(value_text, "\r\n"))
			field_invalid(&value, "must not contain a line break");
		probe->headers[probe->n_headers++] =
			(struct probe_header){ name_text, value_text ? value_text : "" };
	}
}

static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

static const char *host_decode(const struct field *action)
{
	struct field host = field_get(action, "host");
	const char *text = field_string(&host);

	if (text && (!is_plain(text) || strpbrk(text, "/?#@\\")))
		field_invalid(&host, "must be an IP address or a host name");
	return text;
}

static void http_decode(const struct field *http, struct probe *probe)
{
	static const char *const schemes[] = { "HTTP", "HTTPS", NULL };
	struct field path = field_get(http, "path");
	struct field scheme = field_get(http, "scheme");
	const char *path_text = field_string(&path);
	const char *scheme_text = field_word(&scheme, schemes);

	if (path_text && !is_plain(path_text))
		field_invalid(&path, "must not contain spaces or control characters");
	probe->path = path_text ? path_text : "/";
	probe->https = scheme_text && !strcmp(scheme_text, "HTTPS");
	probe->host = host_decode(http);
	headers_decode(http, probe);
}

static void grpc_decode(const struct field *grpc, struct probe *probe)
{
	struct field port = field_get(grpc, "port");
	struct field service = field_get(grpc, "service");
	const char *text = field_string(&service);

	field_required(&port);
	probe->port = (uint16_t)field_int(&port, 1, 65535, 0);
	probe->service = text ? text : "";
}

static void exec_decode(const struct field *exec, struct probe *probe)
{
	struct field command = field_get(exec, "command");
	size_t n = field_items(&command);

	if (!n)
		field_fail(&command, "Required value");
	probe->command = xcalloc(n + 1, sizeof(*probe->command));
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&command, i);
		const char *text = field_string(&item);

		probe->command[i] = text ? text : "";
	}
}

static void action_decode(const struct field *field, const struct container_port *ports,
			  size_t n_ports, struct probe *probe)
{
	static const char *const keys[] = { [PROBE_HTTP] = "httpGet",
					    [PROBE_TCP] = "tcpSocket",
					    [PROBE_EXEC] = "exec",
					    [PROBE_GRPC] = "grpc" };
	bool found = false;

	for (enum probe_action i = 0; i < ARRAY_LEN(keys); i++) {
		struct field action = field_get(field, keys[i]);

		if (!field_map(&action))
			continue;
		if (found)
			field_forbidden(&action, "may not specify more than 1 handler type");
		found = true;
		probe->action = i;
		if (i == PROBE_HTTP || i == PROBE_TCP)
			port_decode(&action, ports, n_ports, probe);
		if (i == PROBE_HTTP)
			http_decode(&action, probe);
		else if (i == PROBE_TCP)
			probe->host = host_decode(&action);
		else if (i == PROBE_GRPC)
			grpc_decode(&action, probe);
		else if (!probe->command)
			exec_decode(&action, probe);
	}
	if (!found)
		field_fail(field, "Required value: must specify a handler type");
}

struct probe *probe_decode(const struct field *field, enum probe_kind kind,
			   const struct container_port *ports, size_t n_ports)
{
	struct probe *probe;

	if (!field_map(field))
		return NULL;
	probe = xcalloc(1, sizeof(*probe));
	counts_decode(field, kind, probe);
	action_decode(field, ports, n_ports, probe);
	return probe;
}

/* ---------------------------------------------------------- annotation -- */

struct probe *probe_decode_text(const struct field *text)
{
	const char *yaml = field_string(text);
	struct reading reading = { .err = text->reading->err };
	struct probe *probe = NULL;
	struct yaml_stream *stream;
	struct err err = { "" };
	struct field root;

	if (!yaml || text->reading->code)
		return NULL;
	if (yaml_parse("probe", yaml, strlen(yaml), &stream, &err)) {
		field_fail(text, "%s", err.text);
		return NULL;
	}
	reading.err = &err;
	root = field_root(yaml_documents(stream) ? yaml_document(stream, 0) : NULL, &reading);
	if (!root.json)
		field_fail(&root, "Required value: must specify a handler type");
	probe = probe_decode(&root, PROBE_READINESS, NULL, 0);
	if (probe)
		probe->json = json_incref(root.json);
	/* There is no container whose ports could have names, and none to run a command in. */
	if (probe && !reading.code && probe->action == PROBE_EXEC)
		field_forbidden(&root, "a probe of a Service cannot be a command");
	if (probe && !reading.code && probe->port_name)
		field_fail(&root, "port: Invalid value: must be a number");
	if (reading.code)
		field_fail(text, "%s", err.text);
	free(reading.field);
	yaml_stream_free(stream);
	return probe;
}
