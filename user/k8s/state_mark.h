/* SPDX-License-Identifier: Apache-2.0 */
/* Whether anything in the state directory has changed, without reading it. */
#ifndef K8S_STATE_MARK_H
#define K8S_STATE_MARK_H

#include <stdint.h>

/*
 * A number made of the names, inodes, sizes and times of all files. The same number twice: nothing
 * has changed in between. 0: it cannot be told, as a file was changed so lately that a further
 * change might leave no trace.
 */
uint64_t state_mark(const char *dir);

#endif
