/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_VERSION_H
#define UTIL_VERSION_H

/* What git describes the sources as; "unknown" when built outside of a repository. */
const char *version_text(void);

/* The day of the commit that was built: "2026-01-31"; "" when nobody knows. */
const char *version_date(void);

#endif
