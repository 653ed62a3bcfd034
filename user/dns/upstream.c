/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/upstream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define UPSTREAMS_MAX 32 /* bits of the mask of those tried */

static void upstream_add(struct upstreams *upstreams, const struct addr_port *server,
			 const struct addr_port_list *own)
{
	for (size_t i = 0; i < own->n; i++) {
		if (!addr_compare(&own->items[i].addr, &server->addr) &&
		    own->items[i].port == server->port)
			return;
	}
	if (upstreams->n < UPSTREAMS_MAX)
		vec_push(upstreams, (struct upstream){ .server = *server });
}

static void resolv_conf_read(struct upstreams *upstreams, const char *path,
			     const struct addr_port_list *own)
{
	cleanup_fclose FILE *file = fopen(path, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0) {
		struct addr_port server = { .port = htons(53) };
		char *rest = line, *word = strsep(&rest, " \t\n");

		if (strcmp(word, "nameserver") != 0 || !rest)
			continue;
		rest += strspn(rest, " \t");
		word = strsep(&rest, " \t\n#;");
		if (!addr_parse(word, &server.addr))
			upstream_add(upstreams, &server, own);
	}
}

void upstreams_init(struct upstreams *upstreams, const struct dns_config *config, const char *file,
		    const struct addr_port_list *own)
{
	*upstreams = (struct upstreams){ 0 };
	for (size_t i = 0; i < config->upstreams.n; i++)
		upstream_add(upstreams, &config->upstreams.items[i], own);
	if (!config->upstreams_given)
		resolv_conf_read(upstreams, file, own);
}

void upstreams_done(struct upstreams *upstreams)
{
	vec_free(upstreams);
}

struct upstream *upstream_pick(struct upstreams *upstreams, uint32_t tried, uint64_t now)
{
	struct upstream *resting = NULL;

	for (size_t i = 0; i < upstreams->n; i++) {
		struct upstream *upstream = &upstreams->items[i];

		if (tried & 1u << i)
			continue;
		if (upstream->failures < UPSTREAM_FAILURES || now >= upstream->retry_at)
			return upstream;
		if (!resting)
			resting = upstream;
	}
	return resting;
}

void upstream_answered(struct upstream *upstream)
{
	upstream->failures = 0;
}

void upstream_failed(struct upstream *upstream, uint64_t now)
{
	upstream->failures++;
	upstream->retry_at = now + UPSTREAM_PAUSE;
}

socklen_t addr_port_sockaddr(const struct addr_port *server, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (addr_is_v4(&server->addr)) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;

		in->sin_family = AF_INET;
		in->sin_port = server->port;
		in->sin_addr.s_addr = server->addr.word[3];
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = server->port;
	memcpy(&in6->sin6_addr, server->addr.word, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}
