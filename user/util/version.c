/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that is compiled with LBCTL_VERSION: a commit rebuilds nothing else. */
#include "user/util/version.h"

const char *version_text(void)
{
	return LBCTL_VERSION;
}
