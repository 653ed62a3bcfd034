/* SPDX-License-Identifier: Apache-2.0 */
/* A probe of a container, or of the endpoints of a Service, with the API server's defaults. */
#ifndef K8S_PROBE_H
#define K8S_PROBE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe_kind { PROBE_STARTUP, PROBE_READINESS, PROBE_LIVENESS, PROBE_KINDS };

enum probe_action {
	PROBE_HTTP,
	PROBE_TCP,
	PROBE_EXEC,
	PROBE_GRPC,
};

/* What a readiness probe has made of its target. */
enum probed {
	PROBED_NOT, /* there is no word yet */
	PROBED_READY,
	PROBED_UNREADY,
};

struct probe_header {
	const char *name, *value; /* value "" takes a default header away */
};

struct probe {
	enum probe_action action;
	uint32_t initial_delay, period, timeout; /* seconds */
	uint32_t success, failure;		 /* consecutive results that turn it */

	const char *port_name; /* as given, or NULL */
	uint16_t port;	       /* 0: no port of the container has that name */
	const char *host;      /* HTTP, TCP; NULL: the pod's address */
	const char *path;      /* HTTP */
	bool https;
	struct probe_header *headers;
	size_t n_headers;
	const char *service;  /* gRPC; "" when not given */
	const char **command; /* exec; NULL behind the last */

	json_t *json; /* held where there is no object to borrow the strings from; or NULL */
};

/* A copy that holds tree, which the strings of the probe are borrowed from. */
struct probe *probe_copy(const struct probe *probe, json_t *tree);
bool probe_equal(const struct probe *a, const struct probe *b);
void probe_free(struct probe *probe);

#endif
