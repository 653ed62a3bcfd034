/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/privilege.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES 64

/* ----------------------------------------------------------------- reading -- */

/* The rest of the line that begins with key, or NULL. */
static const char *line_find(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (text) {
		if (!strncmp(text, key, length) && text[length] == ':')
			return text + length + 1;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

/* The second of the four numbers: the effective one. */
static bool id_read(const char *status, const char *key, uint32_t *ret_id)
{
	const char *line = line_find(status, key);

	return line && sscanf(line, "%*u %" SCNu32, ret_id) == 1;
}

static bool capabilities_read(const char *status, const char *key, uint64_t *ret_set)
{
	const char *line = line_find(status, key);

	return line && sscanf(line, "%" SCNx64, ret_set) == 1;
}

static void groups_read(const char *status, struct privilege *privilege)
{
	const char *at = line_find(status, "Groups");
	char *end;

	while (at && privilege->n_groups < PRIVILEGE_GROUPS) {
		while (*at == ' ' || *at == '\t')
			at++;
		if (*at < '0' || *at > '9')
			break;
		privilege->groups[privilege->n_groups++] = (gid_t)strtoul(at, &end, 10);
		at = end;
	}
}

int privilege_parse(const char *status, struct privilege *ret_privilege, struct err *err)
{
	struct privilege privilege = { 0 };
	const char *line = line_find(status, "NoNewPrivs");

	if (!id_read(status, "Uid", &privilege.uid) || !id_read(status, "Gid", &privilege.gid) ||
	    !capabilities_read(status, "CapInh", &privilege.inheritable) ||
	    !capabilities_read(status, "CapPrm", &privilege.permitted) ||
	    !capabilities_read(status, "CapEff", &privilege.effective) ||
	    !capabilities_read(status, "CapBnd", &privilege.bounding) ||
	    !capabilities_read(status, "CapAmb", &privilege.ambient))
		return err_set(err, -EINVAL, "its privileges cannot be read");
	groups_read(status, &privilege);
	privilege.no_new_privs = line && strtol(line, NULL, 10) == 1;
	*ret_privilege = privilege;
	return 0;
}

void privilege_least(uid_t uid, gid_t gid, struct privilege *ret_privilege)
{
	*ret_privilege = (struct privilege){ .uid = uid, .gid = gid, .no_new_privs = true };
}

int privilege_map(const char *map, uint32_t outside, uint32_t *ret_inside)
{
	while (map && *map) {
		uint32_t in, out, count;

		if (sscanf(map, "%" SCNu32 " %" SCNu32 " %" SCNu32, &in, &out, &count) != 3)
			return -EINVAL;
		if (outside >= out && outside - out < count) {
			*ret_inside = in + (outside - out);
			return 0;
		}
		map = strchr(map, '\n');
		if (map)
			map++;
	}
	return -EINVAL;
}

/* --------------------------------------------------------------- taking on -- */

static bool has(uint64_t set, int capability)
{
	return set >> capability & 1;
}

static const char *bounding_limit(uint64_t set)
{
	for (int i = 0; i < CAPABILITIES; i++) {
		int is = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (is < 0)
			break; /* the kernel knows no more */
		if (is && !has(set, i) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0))
			return "drop capabilities";
	}
	return NULL;
}

static const char *ids_set(const struct privilege *privilege)
{
	/* In a user namespace that denies setgroups there are none to drop. */
	if (setgroups(privilege->n_groups, privilege->groups) &&
	    (errno != EPERM || privilege->n_groups))
		return "setgroups";
	if (setresgid(privilege->gid, privilege->gid, privilege->gid))
		return "setgid";
	if (setresuid(privilege->uid, privilege->uid, privilege->uid))
		return "setuid";
	return NULL;
}

static const char *capabilities_set(const struct privilege *privilege)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	/* Ours may be fewer than the pod's: a confined agent gives what it has. */
	if (syscall(SYS_capget, &header, data))
		return "capget";
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(privilege->permitted >> 32 * i);
		data[i].effective = data[i].permitted & (uint32_t)(privilege->effective >> 32 * i);
		data[i].inheritable =
			data[i].permitted & (uint32_t)(privilege->inheritable >> 32 * i);
	}
	return syscall(SYS_capset, &header, data) ? "capset" : NULL;
}

const char *privilege_assume(const struct privilege *privilege)
{
	const char *failed = bounding_limit(privilege->bounding);

	if (!failed && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		failed = "keep capabilities";
	if (!failed)
		failed = ids_set(privilege);
	if (!failed)
		failed = capabilities_set(privilege);
	for (int i = 0; !failed && i < CAPABILITIES; i++) {
		/* One that was left out cannot be raised. */
		if (has(privilege->ambient, i) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) && errno != EPERM)
			failed = "ambient capabilities";
	}
	if (!failed && privilege->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		failed = "no_new_privs";
	return failed;
}
