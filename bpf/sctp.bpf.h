/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SCTP (RFC 9260). Its checksum is a CRC over the whole packet, but a CRC is linear: changing
 * the ports changes it by the CRC of the difference followed by zeroes, which is the difference
 * times x^(8 * length) modulo the polynomial. So ports are rewritten without reading the packet,
 * in about as many steps as the length has bits. Addresses are not part of it.
 *
 * Example: source port 40000 to 10042 in a packet of 100 bytes: (40000 ^ 10042) * x^800.
 *
 * What it does badly: a fragmented packet passes untouched, since the first fragment does not
 * know the length of the whole; SCTP itself never sends any.
 */
#ifndef LB_SCTP_BPF_H
#define LB_SCTP_BPF_H

#ifdef __bpf__ /* the unit tests compile this natively */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#else
#include <linux/types.h>
#endif

#define SCTP_HEADER 12
#define SCTP_CHECK 8
#define SCTP_POLYNOMIAL 0x82f63b78u /* Castagnoli, reflected */
#define SCTP_LENGTH_BITS 16

/* Kinds of chunk that tell where an association stands. */
#define SCTP_INIT 1
#define SCTP_ABORT 6
#define SCTP_SHUTDOWN_COMPLETE 14

/* x^(8 * 2^n), reflected: x^0 is the uppermost bit. */
static const __u32 sctp_powers[SCTP_LENGTH_BITS] = {
	0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a,
	0xb82be955, 0xb8fdb1e7, 0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a,
	0x35d73a62, 0x28461564, 0xbf455269, 0xe2ea32dc,
};

/* a * b modulo the polynomial. */
static __always_inline __u32 sctp_multiply(__u32 a, __u32 b)
{
	__u32 product = 0;

	for (int i = 0; i < 32; i++) {
		product ^= a & 0x80000000u ? b : 0;
		a <<= 1;
		b = b >> 1 ^ (b & 1 ? SCTP_POLYNOMIAL : 0);
	}
	return product;
}

/*
 * The checksum of a packet of `length` bytes whose ports were `old` and are `new`; all as they
 * lie in memory on a little-endian machine.
 */
static __always_inline __u32 sctp_checksum_update(__u32 check, __u32 old, __u32 new, __u32 length)
{
	__u32 delta = old ^ new;

	for (int i = 0; i < SCTP_LENGTH_BITS; i++)
		if (length >> i & 1)
			delta = sctp_multiply(delta, sctp_powers[i]);
	return check ^ delta;
}

#endif
