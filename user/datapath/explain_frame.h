/* SPDX-License-Identifier: Apache-2.0 */
/* The packet of a question. Inside of explain. */
#ifndef DATAPATH_EXPLAIN_FRAME_H
#define DATAPATH_EXPLAIN_FRAME_H

#include "user/datapath/explain.h"

#define EXPLAIN_FRAME 128

/*
 * The first packet of a connection: a SYN, a datagram or an INIT. Checksums are left empty: the
 * programs change them by differences. Returns its length.
 */
size_t explain_frame(const struct explain_question *question, uint8_t frame[EXPLAIN_FRAME]);

#endif
