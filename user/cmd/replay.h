/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_REPLAY_H
#define CMD_REPLAY_H

#include <stdbool.h>

#include "user/util/paths.h"

/* Is the instance a recorded node, made by `lbctl replay`? */
bool replay_is_recorded(const struct paths *paths);

#endif
