/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon tells: one line each on standard error. A journal gets its level
 * prefixes, a terminal gets timestamps, anything else plain lines. Libraries do not log.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include "user/util/err.h"

void log_info(const char *format, ...) LB_PRINTF(1, 2);
void log_warn(const char *format, ...) LB_PRINTF(1, 2);
void log_error(const char *format, ...) LB_PRINTF(1, 2);

#endif
