/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/range.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "user/util/num.h"
#include "user/util/vec.h"

/* Splits text at its dash; first holds size bytes. */
static int split(const char *text, char *first, size_t size, const char **ret_last)
{
	const char *dash = strchr(text, '-');

	if (!dash || (size_t)(dash - text) >= size)
		return -EINVAL;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	*ret_last = dash + 1;
	return 0;
}

int range_parse_ports(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
	char first_text[8];
	const char *last_text;
	uint64_t first, last;

	if (split(text, first_text, sizeof(first_text), &last_text) ||
	    num_parse(first_text, 1, 65535, &first) || num_parse(last_text, first, 65535, &last))
		return -EINVAL;
	*ret_first = (uint16_t)first;
	*ret_last = (uint16_t)last;
	return 0;
}

static unsigned __int128 number_of(const struct lb_addr *addr)
{
	unsigned __int128 number = 0;

	for (int i = 0; i < 4; i++)
		number = number << 32 | ntohl(addr->word[i]);
	return number;
}

static struct lb_addr addr_of(unsigned __int128 number)
{
	struct lb_addr addr;

	for (int i = 3; i >= 0; i--, number >>= 32)
		addr.word[i] = htonl((uint32_t)number);
	return addr;
}

int range_parse_addrs(const char *text, struct prefix_list *list)
{
	unsigned __int128 at, end;
	struct lb_addr first, last;
	char first_text[ADDR_TEXT];
	const char *last_text;
	unsigned int width;

	if (split(text, first_text, sizeof(first_text), &last_text) ||
	    addr_parse(first_text, &first) || addr_parse(last_text, &last) ||
	    addr_is_v4(&first) != addr_is_v4(&last) || addr_compare(&first, &last) > 0)
		return -EINVAL;
	width = addr_is_v4(&first) ? 32 : 128;
	at = number_of(&first);
	end = number_of(&last);
	for (;;) {
		unsigned int host = 0; /* bits of the block that starts here */

		while (host < width - 1 && !(at >> host & 1) &&
		       ((unsigned __int128)2 << host) - 1 <= end - at)
			host++;
		vec_push(list, ((struct prefix){ .addr = addr_of(at),
						 .bits = (uint8_t)(width - host),
						 .v4 = width == 32 }));
		if (end - at < (unsigned __int128)1 << host)
			break;
		at += (unsigned __int128)1 << host;
		if (at > end)
			break;
	}
	return 0;
}
