/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/state.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/datapath/pin.h"
#include "user/util/cleanup.h"

static const char *const mode_texts[] = {
	[ATTACH_AUTO] = "auto",
	[ATTACH_NATIVE] = "native",
	[ATTACH_GENERIC] = "generic",
	[ATTACH_TC] = "tc",
};

const char *attach_mode_text(enum attach_mode mode)
{
	return mode_texts[mode];
}

static enum attach_mode mode_find(const char *text)
{
	for (size_t i = 0; text && i < ARRAY_LEN(mode_texts); i++)
		if (!strcmp(mode_texts[i], text))
			return (enum attach_mode)i;
	return ATTACH_AUTO;
}

static char *state_path(const struct paths *paths)
{
	return xasprintf("%s/attach.json", paths->run);
}

static void name_set(char *name, const json_t *value)
{
	const char *text = json_string_value(value);

	snprintf(name, IF_NAMESIZE, "%s", text ? text : "");
}

static char *text_get(const json_t *root, const char *key)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text ? xstrdup(text) : NULL;
}

static void state_decode(const json_t *root, struct attach_state *state)
{
	const json_t *devices = json_object_get(root, "devices");
	const json_t *filters = json_object_get(root, "filters");
	const json_t *item;
	size_t i;

	json_array_foreach (devices, i, item) {
		struct attach_nic *nic = vec_add(&state->nics);

		name_set(nic->name, json_object_get(item, "name"));
		nic->asked = mode_find(json_string_value(json_object_get(item, "asked")));
		nic->mode = mode_find(json_string_value(json_object_get(item, "mode")));
	}
	json_array_foreach (filters, i, item) {
		struct attach_filter *filter = vec_add(&state->filters);

		name_set(filter->device, json_object_get(item, "device"));
		filter->qdisc = json_is_true(json_object_get(item, "qdisc"));
	}
	state->pods = text_get(root, "pods");
	state->cgroup = text_get(root, "cgroup");
	state->ports = text_get(root, "reservedPorts");
	state->cgroup_mounted = json_is_true(json_object_get(root, "cgroupMounted"));
	state->netns = (uint64_t)json_integer_value(json_object_get(root, "netns"));
}

int attach_state_load(const struct paths *paths, struct attach_state *ret_state, struct err *err)
{
	cleanup_free char *path = state_path(paths);
	struct attach_state state = { 0 };
	cleanup_json json_t *root = NULL;
	json_error_t error;

	if (!access(path, F_OK)) {
		root = json_load_file(path, 0, &error);
		if (!root)
			return err_set(err, -EINVAL, "%s:%d: %s", path, error.line, error.text);
		state_decode(root, &state);
	} else if (errno != ENOENT) {
		return err_sys(err, -errno, "cannot read %s", path);
	}
	*ret_state = state;
	return 0;
}

static json_t *state_encode(const struct attach_state *state)
{
	json_t *devices = json_array(), *filters = json_array();

	for (size_t i = 0; i < state->nics.n; i++) {
		const struct attach_nic *nic = &state->nics.items[i];

		json_array_append_new(devices, json_pack("{s:s, s:s, s:s}", "name", nic->name,
							 "asked", attach_mode_text(nic->asked),
							 "mode", attach_mode_text(nic->mode)));
	}
	for (size_t i = 0; i < state->filters.n; i++) {
		const struct attach_filter *filter = &state->filters.items[i];

		json_array_append_new(filters, json_pack("{s:s, s:b}", "device", filter->device,
							 "qdisc", filter->qdisc));
	}
	return json_pack("{s:o, s:o, s:s*, s:s*, s:s*, s:b, s:I}", "devices", devices, "filters",
			 filters, "pods", state->pods, "cgroup", state->cgroup, "reservedPorts",
			 state->ports, "cgroupMounted", state->cgroup_mounted, "netns",
			 (json_int_t)state->netns);
}

/* Written beside and renamed: a reader sees the old or the new one. */
int attach_state_save(const struct paths *paths, const struct attach_state *state, struct err *err)
{
	cleanup_free char *path = state_path(paths);
	cleanup_free char *next = xasprintf("%s.new", path);
	cleanup_json json_t *root = state_encode(state);

	if (json_dump_file(root, next, JSON_INDENT(2)))
		return err_sys(err, -EIO, "cannot write %s", next);
	if (rename(next, path))
		return err_sys(err, -errno, "cannot write %s", path);
	return 0;
}

void attach_state_remove(const struct paths *paths)
{
	cleanup_free char *path = state_path(paths);

	unlink(path);
}

void attach_state_copy(const struct attach_state *from, struct attach_state *ret_state)
{
	struct attach_state state = {
		.pods = from->pods ? xstrdup(from->pods) : NULL,
		.cgroup = from->cgroup ? xstrdup(from->cgroup) : NULL,
		.ports = from->ports ? xstrdup(from->ports) : NULL,
		.cgroup_mounted = from->cgroup_mounted,
		.netns = from->netns,
	};

	for (size_t i = 0; i < from->nics.n; i++)
		vec_push(&state.nics, from->nics.items[i]);
	for (size_t i = 0; i < from->filters.n; i++)
		vec_push(&state.filters, from->filters.items[i]);
	*ret_state = state;
}

void attach_state_done(struct attach_state *state)
{
	vec_free(&state->nics);
	vec_free(&state->filters);
	free(state->pods);
	free(state->cgroup);
	free(state->ports);
	*state = (struct attach_state){ 0 };
}

struct attach_nic *attach_state_nic(const struct attach_state *state, const char *name)
{
	for (size_t i = 0; i < state->nics.n; i++)
		if (!strcmp(state->nics.items[i].name, name))
			return &state->nics.items[i];
	return NULL;
}

bool attach_state_is_pod(const struct attach_state *state, const char *name)
{
	return state->pods && strcmp(name, "lo") && !attach_state_nic(state, name) &&
	       !fnmatch(state->pods, name, 0);
}

bool attach_state_has_sockets(const struct attach_state *state)
{
	return state->cgroup && strcmp(state->cgroup, "none") != 0;
}

uint64_t attach_state_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

int attach_state_check_netns(const struct attach_state *state, struct err *err)
{
	if (!state->netns || state->netns == attach_state_netns())
		return 0;
	return err_set(
		err, -EXDEV,
		"attached in another network namespace (net:[%llu]): run this command there, or "
		"`lbctl detach --all` if that one is gone",
		(unsigned long long)state->netns);
}
