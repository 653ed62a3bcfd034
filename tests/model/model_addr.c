/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/model_parts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* 16 bytes, IPv4 mapped; false: no address. */
bool bytes_of(const char *text, unsigned char bytes[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, bytes + 12) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

bool is_v4(const char *text)
{
	return !strchr(text, ':');
}

bool same(const char *a, const char *b)
{
	unsigned char x[16], y[16];

	return bytes_of(a, x) && bytes_of(b, y) && !memcmp(x, y, 16);
}

/* Blanks around a network, host bits and leading zeros in it do not matter. */
static bool in_network(const char *text, const char *network)
{
	unsigned char addr[16], base[16];
	char copy[TEXT], *slash;
	unsigned int bits;

	while (*network == ' ')
		network++;
	snprintf(copy, sizeof(copy), "%s", network);
	slash = strchr(copy, '/');
	*slash = '\0';
	bits = (unsigned int)strtoul(slash + 1, NULL, 10);
	if (is_v4(text) != is_v4(copy))
		return false;
	if (is_v4(text))
		bits += 96;
	if (!bytes_of(text, addr) || !bytes_of(copy, base))
		return false;
	for (unsigned int i = 0; i < bits; i++) {
		unsigned int mask = 0x80u >> i % 8;

		if ((addr[i / 8] & mask) != (base[i / 8] & mask))
			return false;
	}
	return true;
}

bool in_any(const char *text, const struct texts *networks)
{
	for (size_t i = 0; i < networks->n; i++)
		if (in_network(text, networks->item[i]))
			return true;
	return false;
}

bool among(const char *text, const struct texts *addresses)
{
	for (size_t i = 0; i < addresses->n; i++)
		if (same(text, addresses->item[i]))
			return true;
	return false;
}

bool named(const char *text, const struct texts *names)
{
	for (size_t i = 0; *text && i < names->n; i++)
		if (!strcmp(text, names->item[i]))
			return true;
	return false;
}

bool is_loopback(const char *text)
{
	return !strncmp(text, "127.", 4) || !strcmp(text, "::1");
}
