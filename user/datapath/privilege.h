/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPATH_PRIVILEGE_H
#define DATAPATH_PRIVILEGE_H

#include "user/util/err.h"

/* -EPERM, naming what is missing, unless this process may load and attach programs. */
LB_CHECKED int privilege_check(struct err *err);

#endif
