/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/probe.h"

#include <string.h>

#include "user/util/vec.h"

static size_t command_length(const char *const *command)
{
	size_t n = 0;

	while (command && command[n])
		n++;
	return n;
}

struct probe *probe_copy(const struct probe *probe, json_t *tree)
{
	struct probe *copy = xmalloc(sizeof(*copy));
	size_t n = command_length(probe->command);

	*copy = *probe;
	copy->json = json_incref(tree);
	copy->headers = xcalloc(probe->n_headers, sizeof(*copy->headers));
	if (probe->n_headers)
		memcpy(copy->headers, probe->headers, probe->n_headers * sizeof(*copy->headers));
	if (probe->command) {
		copy->command = xcalloc(n + 1, sizeof(*copy->command));
		memcpy(copy->command, probe->command, n * sizeof(*copy->command));
	}
	return copy;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool headers_equal(const struct probe *a, const struct probe *b)
{
	if (a->n_headers != b->n_headers)
		return false;
	for (size_t i = 0; i < a->n_headers; i++) {
		if (!text_equal(a->headers[i].name, b->headers[i].name) ||
		    !text_equal(a->headers[i].value, b->headers[i].value))
			return false;
	}
	return true;
}

static bool commands_equal(const struct probe *a, const struct probe *b)
{
	size_t n = command_length(a->command);

	if (n != command_length(b->command))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(a->command[i], b->command[i]) != 0)
			return false;
	}
	return true;
}

bool probe_equal(const struct probe *a, const struct probe *b)
{
	return a->action == b->action && a->initial_delay == b->initial_delay &&
	       a->period == b->period && a->timeout == b->timeout && a->success == b->success &&
	       a->failure == b->failure && a->port == b->port && a->https == b->https &&
	       text_equal(a->port_name, b->port_name) && text_equal(a->host, b->host) &&
	       text_equal(a->path, b->path) && text_equal(a->service, b->service) &&
	       headers_equal(a, b) && commands_equal(a, b);
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	free(probe->headers);
	free(probe->command);
	json_decref(probe->json);
	free(probe);
}
