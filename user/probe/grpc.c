/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc: grpc.health.v1.Health/Check over HTTP/2, without TLS, as the kubelet does it. A frame is a
 * byte (compressed?), four bytes of length, and the message; both messages have one field.
 */
#include "user/probe/grpc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "user/probe/curl.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define FRAME_HEAD 5
#define TAG_SERVICE 0x0a /* field 1, a string */
#define TAG_STATUS 0x08	 /* field 1, a number */

static const char *const statuses[] = { "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN" };

/* gRPC's status codes that a health check gives sense to. */
#define GRPC_NOT_FOUND "5"
#define GRPC_UNIMPLEMENTED "12"

static size_t varint_put(unsigned char *at, size_t value)
{
	size_t n = 0;

	for (; value > 0x7f; value >>= 7)
		at[n++] = (unsigned char)(value | 0x80);
	at[n++] = (unsigned char)value;
	return n;
}

unsigned char *grpc_request(const char *service, size_t *ret_size)
{
	size_t length = strlen(service), size = FRAME_HEAD;
	unsigned char *frame = xcalloc(1, FRAME_HEAD + 1 + 10 + length);
	uint32_t be;

	/* An empty string is left out, as protobuf has it. */
	if (length) {
		frame[size++] = TAG_SERVICE;
		size += varint_put(frame + size, length);
		memcpy(frame + size, service, length);
		size += length;
	}
	be = htonl((uint32_t)(size - FRAME_HEAD));
	memcpy(frame + 1, &be, sizeof(be));
	*ret_size = size;
	return frame;
}

static bool varint_get(const unsigned char **at, const unsigned char *end, uint64_t *ret_value)
{
	*ret_value = 0;
	for (unsigned int shift = 0; *at < end && shift < 64; shift += 7) {
		unsigned char byte = *(*at)++;

		*ret_value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* A field that is not the status is skipped; false: not a message. */
static bool field_skip(const unsigned char **at, const unsigned char *end, unsigned int type)
{
	uint64_t value;

	if (type == 0)
		return varint_get(at, end, &value);
	if (type == 1)
		value = 8;
	else if (type == 5)
		value = 4;
	else if (type != 2 || !varint_get(at, end, &value))
		return false;
	if (value > (uint64_t)(end - *at))
		return false;
	*at += value;
	return true;
}

/* -1: not a frame with a HealthCheckResponse. */
static int64_t response_status(const unsigned char *body, size_t size)
{
	const unsigned char *at = body + FRAME_HEAD, *end;
	uint64_t status = 0, tag;
	uint32_t length;

	if (size < FRAME_HEAD || body[0])
		return -1;
	memcpy(&length, body + 1, sizeof(length));
	if (ntohl(length) > size - FRAME_HEAD)
		return -1;
	end = at + ntohl(length);
	while (at < end) {
		if (!varint_get(&at, end, &tag))
			return -1;
		if (tag == TAG_STATUS ? !varint_get(&at, end, &status)
				      : !field_skip(&at, end, tag & 7))
			return -1;
	}
	return status <= INT32_MAX ? (int64_t)status : -1;
}

enum outcome grpc_outcome(const void *body, size_t size, const char *grpc_status,
			  const char *service, char text[RUN_TEXT])
{
	int64_t status;

	*text = '\0';
	if (grpc_status && !strcmp(grpc_status, GRPC_UNIMPLEMENTED)) {
		snprintf(text, RUN_TEXT,
			 "error: this server does not implement the grpc health protocol "
			 "(grpc.health.v1.Health)");
		return OUTCOME_FAILURE;
	}
	if (grpc_status && !strcmp(grpc_status, GRPC_NOT_FOUND)) {
		snprintf(text, RUN_TEXT,
			 "error: health rpc probe failed: unknown service \"%.200s\"", service);
		return OUTCOME_FAILURE;
	}
	if (!grpc_status || strcmp(grpc_status, "0") != 0) {
		snprintf(text, RUN_TEXT, "error: health rpc probe failed: code %s",
			 grpc_status ? grpc_status : "missing");
		return OUTCOME_FAILURE;
	}
	status = response_status(body, size);
	if (status == 1)
		return OUTCOME_SUCCESS;
	if (status < 0)
		snprintf(text, RUN_TEXT,
			 "error: health rpc probe failed: not a HealthCheckResponse");
	else
		snprintf(text, RUN_TEXT, "service unhealthy (responded with \"%s\")",
			 status < (int64_t)ARRAY_LEN(statuses) ? statuses[status] : "?");
	return OUTCOME_FAILURE;
}

static void grpc_end(struct run *run, enum outcome outcome, const char *text)
{
	transfer_free(run->state);
	run->state = NULL;
	run->done(run, outcome, text);
}

static void grpc_answered(void *arg, const struct transfer_result *result)
{
	struct run *run = arg;
	char text[RUN_TEXT], where[RUN_TEXT];
	enum outcome outcome;

	if (result->failed) {
		snprintf(text, sizeof(text), "error: cannot reach %.100s: %.300s",
			 run_where(run, where), result->text);
		grpc_end(run, OUTCOME_FAILURE, text);
		return;
	}
	if (result->status != 200) {
		snprintf(text, sizeof(text), "error: health rpc probe failed: HTTP status %ld",
			 result->status);
		grpc_end(run, OUTCOME_FAILURE, text);
		return;
	}
	outcome = grpc_outcome(result->body, result->body_size, result->header, run->probe->service,
			       text);
	grpc_end(run, outcome, text);
}

static void grpc_start(struct run *run)
{
	cleanup_free unsigned char *request = NULL;
	char url[RUN_TEXT + 64], where[RUN_TEXT];
	struct transfer *transfer;
	size_t size;

	request = grpc_request(run->probe->service, &size);
	snprintf(url, sizeof(url), "http://%s/grpc.health.v1.Health/Check", run_where(run, where));
	transfer = transfer_new(run->runners->curl, url, grpc_answered, run);
	run->state = transfer;
	transfer_post_h2(transfer, request, size);
	transfer_header(transfer, "Content-Type: application/grpc");
	transfer_header(transfer, "TE: trailers");
	transfer_header(transfer, "User-Agent: " RUN_USER_AGENT);
	transfer_header(transfer, "Accept:");
	transfer_want(transfer, "grpc-status");
	transfer_start(transfer);
}

static void grpc_stop(struct run *run, char *text)
{
	transfer_free(run->state);
	run->state = NULL;
	snprintf(text, RUN_TEXT, "timeout: health rpc did not complete within %us",
		 run->probe->timeout);
}

const struct runner runner_grpc = { grpc_start, grpc_stop };
