/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool privilege_has(const struct __user_cap_data_struct *data, unsigned int cap)
{
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

int privilege_check(struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	const char *missing = NULL;

	if (syscall(SYS_capget, &header, data))
		return err_sys(err, -errno, "cannot read this process's capabilities");
	if (!privilege_has(data, CAP_SYS_ADMIN) && !privilege_has(data, CAP_BPF))
		missing = "CAP_BPF";
	else if (!privilege_has(data, CAP_NET_ADMIN))
		missing = "CAP_NET_ADMIN";
	if (missing)
		return err_set(err, -EPERM, "this needs root (%s is missing): try sudo", missing);
	return 0;
}
