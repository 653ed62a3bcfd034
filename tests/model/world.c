/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/world.h"

#include <stdlib.h>
#include <string.h>

/* What a letter with a number stands for; capitals are IPv4. */
static const struct {
	char letter;
	const char *network;
} aliases[] = {
	{ 'L', "172.17.0." },	{ 'l', "fd00:17::" },	 /* pods on this node */
	{ 'R', "172.17.1." },	{ 'r', "fd00:17:1::" },	 /* pods on another node */
	{ 'C', "203.0.113." },	{ 'c', "2001:db8:c::" }, /* clients outside */
	{ 'N', "192.0.2." },	{ 'n', "2001:db8::" },	 /* this node */
	{ 'V', "10.96.0." },	{ 'v', "fd00:10:96::" }, /* cluster IPs */
	{ 'B', "198.51.100." }, { 'b', "2001:db8:b::" }, /* load-balancer addresses */
	{ 'X', "198.18.0." },	{ 'x', "2001:db8:e::" }, /* external IPs */
};

#define ALIASES (sizeof(aliases) / sizeof(aliases[0]))

void texts_add(struct texts *texts, const char *text)
{
	if (texts->n == MAX_ADDRESSES)
		abort();
	snprintf(texts->item[texts->n++], TEXT, "%s", text);
}

const char *alias_expand(const char *word, char *text)
{
	bool plain = !word[1] || strspn(word + 1, "0123456789") == strlen(word + 1);

	for (size_t i = 0; plain && i < ALIASES; i++) {
		if (aliases[i].letter != *word)
			continue;
		snprintf(text, TEXT, "%s%s", aliases[i].network, word[1] ? word + 1 : "1");
		return text;
	}
	snprintf(text, TEXT, "%s", word);
	return text;
}

const char *alias_of(const char *addr, char *text)
{
	for (size_t i = 0; i < ALIASES; i++) {
		size_t length = strlen(aliases[i].network);
		const char *rest = addr + length;

		if (strncmp(addr, aliases[i].network, length) != 0 || !*rest ||
		    strspn(rest, "0123456789") != strlen(rest))
			continue;
		snprintf(text, TEXT, "%c%s", aliases[i].letter, rest);
		return text;
	}
	snprintf(text, TEXT, "%s", addr);
	return text;
}

void world_init(struct world *world)
{
	memset(world, 0, sizeof(*world));
	snprintf(world->node, TEXT, "here");
	texts_add(&world->node_addresses, "192.0.2.1");
	texts_add(&world->node_addresses, "2001:db8::1");
	texts_add(&world->pod_cidrs, "172.17.0.0/16");
	texts_add(&world->pod_cidrs, "fd00:17::/32");
}
