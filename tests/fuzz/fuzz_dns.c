/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a query, and as an upstream's reply: no crash, and no answer larger than allowed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/dns/answer.h"
#include "user/util/vec.h"

static const char manifest[] =
	"{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: 10.96.0.5, "
	"ports: [{name: http, port: 80}]}}\n"
	"---\n{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {type: ExternalName, "
	"externalName: example.com}}\n"
	"---\n{apiVersion: v1, kind: Service, metadata: {name: c}, spec: {type: ExternalName, "
	"externalName: a.default.svc.c}}\n";

static struct zone *zone_make(void)
{
	struct config config = { .dns = { .domain = (char *)"c" } };
	struct object_list list = { 0 };
	struct store *store = store_new();
	struct zone *zone;
	struct err err;

	if (manifest_parse("fuzz", manifest, sizeof(manifest) - 1, "default", &list, &err))
		abort();
	store_load(store, &list);
	zone = zone_new(store, &config, 1);
	store_free(store);
	return zone;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* b.default.svc.c. A */
	static const uint8_t query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\1b\7default\3svc\1c\0\0\1\0\1";
	static uint8_t wire[ANSWER_TCP_MAX];
	static struct zone *zone;
	static struct answerer *answerer;
	struct answer answer = { .wire = wire };
	struct answer_view view = { .forwards = true };

	if (!zone) {
		zone = zone_make();
		answerer = answerer_new();
	}
	view.zone = zone;
	if (answer_make(answerer, &view, data, size, true, &answer) == ANSWER_SEND &&
	    answer.size > ANSWER_UDP_MAX)
		abort();
	if (answer_make(answerer, &view, data, size, false, &answer) == ANSWER_FORWARD &&
	    (!answer.name.size || answer.name.size > NAME_SIZE))
		abort();
	if (answer_relay(answerer, &view, query, sizeof(query) - 1, true, data, size, 1, &answer) !=
		    ANSWER_SEND ||
	    answer.size > ANSWER_UDP_MAX)
		abort();
	if (answer_truncated(answerer, &view, data, size, &answer) == ANSWER_SEND &&
	    answer.size > size + 11)
		abort();
	return 0;
}
