/* SPDX-License-Identifier: Apache-2.0 */
/* The only file compiled with LBCTL_VERSION and LBCTL_DATE: a commit rebuilds nothing else. */
#include "user/util/version.h"

const char *version_text(void)
{
	return LBCTL_VERSION;
}

const char *version_date(void)
{
	return LBCTL_DATE;
}
