/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what an API server sends: as a list, a streamed list or a watch (by the first byte),
 * in pieces (by the second). Whatever was put and is not gone is known to the reflector.
 */
#include <stdint.h>
#include <stdlib.h>

#include "user/api/reflector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void object_put(void *arg, struct object *object)
{
	(void)arg;
	object_free(object);
}

static void object_gone(void *arg, enum k8s_kind kind, const char *ns, const char *name)
{
	(void)arg;
	(void)kind;
	(void)ns;
	(void)name;
}

static void kind_listed(void *arg, enum k8s_kind kind)
{
	const struct reflector *reflector = *(struct reflector **)arg;

	if (reflector->kind != kind || !reflector->state.synced)
		abort();
}

static void object_unreadable(void *arg, const char *why)
{
	(void)arg;
	if (!why[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct reflector_sink sink = { object_put, object_gone, kind_listed,
						    object_unreadable };
	struct api_result result = { .status = 200, .reason = "", .text = "", .body = "" };
	struct reflector reflector, *arg = &reflector;
	struct err err = { "" };
	size_t piece;
	int rc = 0;

	if (size < 2)
		return 0;
	reflector_init(&reflector, K8S_ENDPOINT_SLICE, NULL, &sink, &arg);
	reflector.step = data[0] % 3;
	piece = data[1] + 1;
	free(reflector_begin(&reflector, 0));
	for (size_t at = 2; at < size && !rc; at += piece)
		rc = reflector_feed(&reflector, (const char *)data + at,
				    size - at < piece ? size - at : piece, &err);
	if (rc && !err.text[0])
		abort();
	result.outcome = rc ? API_BROKEN : API_DONE;
	if (reflector_end(&reflector, &result, 0) < 0)
		abort();
	reflector_done(&reflector);
	return 0;
}
