/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CUT_H
#define API_CUT_H

#include <stddef.h>

/*
 * Copies the JSON text of an object without its managedFields, which nobody here reads and which
 * are often half of it: what is not parsed takes no time. to holds size bytes; returns how many of
 * them are used. Text that is not well-formed may come out as another that is not.
 */
size_t cut_managed_fields(const char *text, size_t size, char *to);

#endif
