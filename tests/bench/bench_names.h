/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster's names in the programs' maps, and questions for them. */
#ifndef BENCH_NAMES_H
#define BENCH_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum name_kind {
	NAME_ADDRESS,
	NAME_NO_TYPE, /* the name is there, without such a record */
	NAME_NONE,
	NAME_KINDS,
};

/* Fills the maps of the rig with the names of so many Services, and a frontend that is asked. */
void names_fill(unsigned int services);

/* A question of pod A's about Service `number`. Writes the frame into buffer[FRAME_MAX]; returns
 * its length. */
size_t names_question(enum name_kind kind, unsigned int number, bool v4, uint8_t *buffer);

/* Whether a frame is the answer that such a question has. */
bool names_answered(enum name_kind kind, bool v4, const uint8_t *frame);

#endif
