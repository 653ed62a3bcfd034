/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/pcapng.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1u

#define OPTION_COMMENT 1
#define OPTION_APPLICATION 4 /* shb_userappl */
#define OPTION_NAME 2	     /* if_name */
#define OPTION_DESCRIPTION 3 /* if_description */
#define OPTION_RESOLUTION 9  /* if_tsresol */
#define OPTION_FLAGS 2	     /* epb_flags */
#define OPTION_ID 5	     /* epb_packetid */
#define OPTION_VERDICT 7     /* epb_verdict */

#define FLAGS_INBOUND 1u
#define FLAGS_OUTBOUND 2u
#define TEXT_MOST 1024u

/* A block is put together in memory, since its length is its second word. */
struct block {
	FILE *out;
	char *bytes;
	size_t size;
};

static void put16(FILE *out, uint16_t value)
{
	fwrite(&value, sizeof(value), 1, out);
}

static void put32(FILE *out, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, out);
}

/* What is not a multiple of four is filled up. */
static void put_bytes(FILE *out, const void *bytes, uint32_t size)
{
	static const char zeros[3];

	fwrite(bytes, 1, size, out);
	fwrite(zeros, 1, -size & 3u, out);
}

static void put_option(FILE *out, uint16_t code, const void *value, uint16_t size)
{
	put16(out, code);
	put16(out, size);
	put_bytes(out, value, size);
}

static void put_text(FILE *out, uint16_t code, const char *text)
{
	put_option(out, code, text, (uint16_t)strnlen(text, TEXT_MOST));
}

static void put_end_of_options(FILE *out)
{
	put32(out, 0);
}

static void block_begin(struct block *block)
{
	block->out = open_memstream(&block->bytes, &block->size);
}

static void block_end(struct block *block, FILE *out, uint32_t type)
{
	uint32_t length;

	fclose(block->out);
	length = (uint32_t)block->size + 12; /* type and length in front, length behind */
	put32(out, type);
	put32(out, length);
	fwrite(block->bytes, 1, block->size, out);
	put32(out, length);
	free(block->bytes);
}

void pcapng_begin(FILE *out, const char *application)
{
	struct block block;

	block_begin(&block);
	put32(block.out, BYTE_ORDER_MAGIC);
	put16(block.out, 1); /* version 1.0 */
	put16(block.out, 0);
	put32(block.out, UINT32_MAX); /* the section's length is not known, in 64 bits */
	put32(block.out, UINT32_MAX);
	put_text(block.out, OPTION_APPLICATION, application);
	put_end_of_options(block.out);
	block_end(&block, out, BLOCK_SECTION);
}

void pcapng_interface(FILE *out, const char *name, const char *description, uint32_t snap)
{
	const uint8_t nanoseconds = 9;
	struct block block;

	block_begin(&block);
	put16(block.out, LINKTYPE_ETHERNET);
	put16(block.out, 0);
	put32(block.out, snap);
	put_text(block.out, OPTION_NAME, name);
	put_text(block.out, OPTION_DESCRIPTION, description);
	put_option(block.out, OPTION_RESOLUTION, &nanoseconds, sizeof(nanoseconds));
	put_end_of_options(block.out);
	block_end(&block, out, BLOCK_INTERFACE);
}

static void put_verdict(FILE *out, const struct pcapng_packet *packet)
{
	uint8_t value[1 + sizeof(packet->verdict)] = { (uint8_t)packet->hook };

	memcpy(value + 1, &packet->verdict, sizeof(packet->verdict));
	put_option(out, OPTION_VERDICT, value, sizeof(value));
}

void pcapng_packet(FILE *out, const struct pcapng_packet *packet)
{
	uint32_t flags = packet->outbound ? FLAGS_OUTBOUND : FLAGS_INBOUND;
	struct block block;

	block_begin(&block);
	put32(block.out, packet->interface);
	put32(block.out, (uint32_t)(packet->ns >> 32));
	put32(block.out, (uint32_t)packet->ns);
	put32(block.out, packet->captured);
	put32(block.out, packet->length);
	put_bytes(block.out, packet->bytes, packet->captured);
	put_text(block.out, OPTION_COMMENT, packet->comment);
	put_option(block.out, OPTION_FLAGS, &flags, sizeof(flags));
	put_option(block.out, OPTION_ID, &packet->id, sizeof(packet->id));
	put_verdict(block.out, packet);
	put_end_of_options(block.out);
	block_end(&block, out, BLOCK_PACKET);
}
