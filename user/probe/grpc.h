/* SPDX-License-Identifier: Apache-2.0 */
/* The few bytes of grpc.health.v1 that a probe needs. Pure. */
#ifndef PROBE_GRPC_H
#define PROBE_GRPC_H

#include "user/probe/run.h"

/* HealthCheckRequest in its frame, to be freed. */
unsigned char *grpc_request(const char *service, size_t *ret_size);

/* What a frame with a HealthCheckResponse says; grpc_status: the trailer, or NULL. */
enum outcome grpc_outcome(const void *body, size_t size, const char *grpc_status,
			  const char *service, char text[RUN_TEXT]);

#endif
