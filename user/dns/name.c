/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libknot/dname.h>
#include <stdio.h>
#include <string.h>

#include "user/util/num.h"

#define IN_ADDR "\7in-addr\4arpa"
#define IP6 "\3ip6\4arpa"

int name_parse(const char *text, struct name *ret_name)
{
	struct name name;

	if (!*text || !knot_dname_from_str(name.wire, text, sizeof(name.wire)))
		return -EINVAL;
	knot_dname_to_lower(name.wire);
	name.size = knot_dname_size(name.wire);
	*ret_name = name;
	return 0;
}

const char *name_format(const uint8_t *wire, char *text)
{
	if (!knot_dname_to_str(text, wire, NAME_TEXT))
		snprintf(text, NAME_TEXT, "?");
	return text;
}

bool name_child(const char *label, size_t length, const uint8_t *parent, size_t parent_size,
		struct name *ret_name)
{
	if (!length || length > NAME_LABEL || 1 + length + parent_size > NAME_SIZE)
		return false;
	ret_name->wire[0] = (uint8_t)length;
	memcpy(ret_name->wire + 1, label, length);
	memcpy(ret_name->wire + 1 + length, parent, parent_size);
	ret_name->size = 1 + length + parent_size;
	return true;
}

void name_reverse(const struct lb_addr *addr, struct name *ret_name)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = (const uint8_t *)addr->word;
	uint8_t *out = ret_name->wire;

	if (addr_is_v4(addr)) {
		for (int i = 15; i >= 12; i--) {
			char label[4];
			int n = snprintf(label, sizeof(label), "%u", bytes[i]);

			*out++ = (uint8_t)n;
			memcpy(out, label, (size_t)n);
			out += n;
		}
		memcpy(out, IN_ADDR, sizeof(IN_ADDR));
		ret_name->size = (size_t)(out - ret_name->wire) + sizeof(IN_ADDR);
		return;
	}
	for (int i = 15; i >= 0; i--) {
		*out++ = 1;
		*out++ = (uint8_t)digits[bytes[i] & 15];
		*out++ = 1;
		*out++ = (uint8_t)digits[bytes[i] >> 4];
	}
	memcpy(out, IP6, sizeof(IP6));
	ret_name->size = (size_t)(out - ret_name->wire) + sizeof(IP6);
}

static bool reverse_parse_v4(const uint8_t *wire, size_t size, struct lb_addr *ret_addr)
{
	uint8_t bytes[4];

	for (int i = 3; i >= 0; i--) {
		char label[4] = "";
		uint64_t value;

		if (size <= 1u + wire[0] || wire[0] < 1 || wire[0] > 3)
			return false;
		memcpy(label, wire + 1, wire[0]);
		if (num_parse(label, 0, 255, &value) || (label[0] == '0' && label[1]))
			return false;
		bytes[i] = (uint8_t)value;
		size -= 1u + wire[0];
		wire += 1 + wire[0];
	}
	if (size != sizeof(IN_ADDR) || memcmp(wire, IN_ADDR, size) != 0)
		return false;
	*ret_addr = (struct lb_addr){ .word = { [2] = htonl(0xffff) } };
	memcpy(&ret_addr->word[3], bytes, sizeof(bytes));
	return true;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool reverse_parse_v6(const uint8_t *wire, size_t size, struct lb_addr *ret_addr)
{
	uint8_t bytes[16] = { 0 };

	if (size != 64 + sizeof(IP6) || memcmp(wire + 64, IP6, sizeof(IP6)) != 0)
		return false;
	for (size_t i = 0; i < 32; i++) {
		int digit = wire[2 * i] == 1 ? hex_digit(wire[2 * i + 1]) : -1;

		if (digit < 0)
			return false;
		bytes[15 - i / 2] |= (uint8_t)(i % 2 ? digit << 4 : digit);
	}
	memcpy(ret_addr->word, bytes, sizeof(bytes));
	return true;
}

bool name_reverse_parse(const uint8_t *wire, size_t size, struct lb_addr *ret_addr)
{
	return reverse_parse_v4(wire, size, ret_addr) || reverse_parse_v6(wire, size, ret_addr);
}

bool name_in(const uint8_t *wire, size_t size, const struct name *zone)
{
	while (size > zone->size) {
		size -= 1u + wire[0];
		wire += 1 + wire[0];
	}
	return size == zone->size && !memcmp(wire, zone->wire, size);
}

size_t name_size(const uint8_t *wire)
{
	return knot_dname_size(wire);
}
