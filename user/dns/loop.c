/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/loop.h"

#include <libknot/dname.h>
#include <string.h>

#include "user/util/vec.h"

struct answer_view loop_view(const struct loop *loop)
{
	return (struct answer_view){ .zone = loop->zone,
				     .domain = &loop->domain,
				     .forwards = forwarder_has_upstreams(loop->forwarder) };
}

void request_init(struct request *request, struct loop *loop, bool udp, const uint8_t *query,
		  size_t size)
{
	request->loop = loop;
	request->udp = udp;
	request->size = size;
	request->query = xmalloc(size);
	memcpy(request->query, query, size);
}

static void request_done(void *arg, const uint8_t *reply, size_t size, uint32_t age)
{
	static __thread uint8_t wire[ANSWER_TCP_MAX];
	struct request *request = arg;
	struct answer_view view = loop_view(request->loop);
	struct answer answer = { .wire = wire };
	bool sent = answer_relay(request->loop->answerer, &view, request->query, request->size,
				 request->udp, reply, size, age, &answer) == ANSWER_SEND;

	if (sent)
		dns_count_answer(&request->loop->counts, &answer);
	request->reply(request, sent ? &answer : NULL);
	free(request->query);
	free(request);
}

void request_forward(struct request *request, const struct answer *answer)
{
	struct question question = { .name = answer->name,
				     .type = answer->type,
				     .dnssec = answer->dnssec };

	knot_dname_to_lower(question.name.wire);
	if (!forward_ask(request->loop->forwarder, &question, request_done, request))
		request_done(request, NULL, 0, 0);
}
