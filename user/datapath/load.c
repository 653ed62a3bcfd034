/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/load.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lb/maps.h"
#include "lb/types.h"
#include "user/datapath/handle.h"
#include "user/datapath/pin.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#include "lb_ask.skel.h"
#include "lb_sock.skel.h"
#include "lb_tc.skel.h"
#include "lb_xdp.skel.h"

struct object_row {
	const char *name;
	const void *(*bytes)(size_t *ret_size);
	size_t config_offset; /* of lb_config in .rodata */
};

#define OBJECT_ROW(object)                                                                 \
	{                                                                                  \
#object, object##__elf_bytes, offsetof(struct object##__rodata, lb_config) \
	}

static const struct object_row object_rows[OBJECT_COUNT] = {
	[OBJECT_XDP] = OBJECT_ROW(lb_xdp),
	[OBJECT_TC] = OBJECT_ROW(lb_tc),
	[OBJECT_SOCK] = OBJECT_ROW(lb_sock),
	[OBJECT_ASK] = OBJECT_ROW(lb_ask),
};

static const char *const tail_names[LB_TAIL_COUNT] = {
	[LB_TAIL_SLOW4] = "slow4", [LB_TAIL_SLOW6] = "slow6", [LB_TAIL_ICMP4] = "icmp4",
	[LB_TAIL_ICMP6] = "icmp6", [LB_TAIL_DNS4] = "dns4",   [LB_TAIL_DNS6] = "dns6",
	[LB_TAIL_WATCH] = "watch",
};

/* ----------------------------------------------------- libbpf's messages -- */

/* The last lines of what libbpf says: the cause is at the end, and so is the verifier's. */
static __thread char load_log[384];

static int load_print(enum libbpf_print_level level, const char *format, va_list args)
{
	cleanup_free char *line = NULL, *all = NULL;
	size_t length;

	if (level != LIBBPF_WARN || vasprintf(&line, format, args) < 0)
		return 0;
	for (char *p = line; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	all = xasprintf("%s%s", load_log, line);
	length = strlen(all);
	strcpy(load_log, all + (length < sizeof(load_log) ? 0 : length - sizeof(load_log) + 1));
	return 0;
}

static int load_fail(struct err *err, int r, const char *object)
{
	const char *hint = "";

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		hint = " (the kernel has no BTF: it needs CONFIG_DEBUG_INFO_BTF=y)";
	else if (r == -ENOMEM)
		hint = " (out of memory: a smaller \"flows\" in the configuration needs less)";
	return err_set(err, r, "cannot load %s: %s%s: %s", object, strerror(-r), hint, load_log);
}

/* ------------------------------------------------------------------ maps -- */

/* A section of variables is a map too; its name has dots, which no pin may have. */
static const char *map_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	return strcmp(name, ".data.watch") ? name : shared_map_names[MAP_WATCH];
}

/* MAP_COUNT: not one of the shared ones. */
static enum shared_map map_find(const char *name)
{
	int i = 0;

	while (i < MAP_COUNT && strcmp(shared_map_names[i], name) != 0)
		i++;
	return (enum shared_map)i;
}

static bool map_is_shared(const char *name)
{
	return map_find(name) != MAP_COUNT;
}

static int map_mismatch(struct err *err, const char *name, const struct bpf_map *map,
			const struct bpf_map_info *info)
{
	if (!strncmp(name, "lb_flow", strlen("lb_flow")))
		return err_set(err, -EEXIST,
			       "the attached flow table has %u entries of each family, and the "
			       "configuration asks for %u: it cannot grow while it is in use; set "
			       "flows: %u, or end all connections with `lbctl detach --all` and "
			       "attach again",
			       info->max_entries * LB_FLOW_WAYS,
			       bpf_map__max_entries(map) * LB_FLOW_WAYS,
			       info->max_entries * LB_FLOW_WAYS);
	return err_set(err, -EEXIST,
		       "the pinned map %s (type %u, key %u, value %u, %u entries) is not what this "
		       "build needs (type %u, key %u, value %u, %u entries): `lbctl detach --all`, "
		       "then attach again",
		       name, info->type, info->key_size, info->value_size, info->max_entries,
		       bpf_map__type(map), bpf_map__key_size(map), bpf_map__value_size(map),
		       bpf_map__max_entries(map));
}

static int map_reuse(const struct paths *paths, struct bpf_map *map, struct err *err)
{
	cleanup_free char *path = pin_path(paths, NULL, map_name(map));
	cleanup_close int fd = bpf_obj_get(path);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : err_sys(err, fd, "cannot open %s", path);
	r = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (r)
		return err_sys(err, r, "cannot read %s", path);
	if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
	    info.value_size != bpf_map__value_size(map) ||
	    info.max_entries != bpf_map__max_entries(map))
		return map_mismatch(err, map_name(map), map, &info);
	r = bpf_map__reuse_fd(map, fd); /* it makes a copy of fd */
	return r ? err_sys(err, r, "cannot take over %s", path) : 0;
}

static int maps_prepare(const struct paths *paths, struct bpf_object *object,
			const struct lb_config *config, struct err *err)
{
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_map (map, object) {
		const char *name = map_name(map);

		if (!map_is_shared(name))
			continue;
		if (!strcmp(name, "lb_flow4"))
			r = bpf_map__set_max_entries(map, config->flow4_mask + 1);
		else if (!strcmp(name, "lb_flow6"))
			r = bpf_map__set_max_entries(map, config->flow6_mask + 1);
		else if (!strcmp(name, "lb_backend_stats"))
			r = bpf_map__set_max_entries(map, config->backends * cpus);
		if (r)
			return err_sys(err, r, "cannot size %s", name);
		r = map_reuse(paths, map, err);
		if (r)
			return r;
	}
	return 0;
}

/* What test runs count is read by nobody, and one set holds the flows of a question. */
static uint32_t map_private_size(enum shared_map map, const struct load_maps *maps, uint32_t size)
{
	switch (map) {
	case MAP_FLOW4:
	case MAP_FLOW6:
	case MAP_BACKEND_STATS:
	case MAP_SERVICE_STATS:
		return 1;
	case MAP_AFFINITY:
	case MAP_FRAGMENT:
		return 1024;
	case MAP_EVENTS: /* nobody is told of questions; a ring has at least a page */
		return (uint32_t)getpagesize();
	case MAP_MAGLEV:
		return (maps->slots + LB_MAGLEV_LINE - 1) / LB_MAGLEV_LINE;
	default:
		return size;
	}
}

static int maps_prepare_private(struct load_maps *maps, struct bpf_object *object, struct err *err)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object) {
		enum shared_map id = map_find(map_name(map));
		uint32_t size = bpf_map__max_entries(map);
		int r;

		if (id == MAP_COUNT)
			continue;
		if (maps->fd[id] >= 0)
			r = bpf_map__reuse_fd(map, maps->fd[id]);
		else
			r = bpf_map__set_max_entries(map, map_private_size(id, maps, size));
		if (r)
			return err_sys(err, r, "cannot prepare %s", map_name(map));
	}
	return 0;
}

/* The next object takes over what this one has. */
static void maps_note(struct load_maps *maps, struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object) {
		enum shared_map id = map_find(map_name(map));

		if (id != MAP_COUNT && maps->fd[id] < 0)
			maps->fd[id] = bpf_map__fd(map);
	}
}

static int maps_pin(const struct paths *paths, struct bpf_object *object, struct err *err)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object) {
		cleanup_free char *path = pin_path(paths, NULL, map_name(map));
		int r;

		if (!map_is_shared(map_name(map)))
			continue;
		r = bpf_obj_pin(bpf_map__fd(map), path);
		if (r && r != -EEXIST) /* taken over from there */
			return err_sys(err, r, "cannot pin %s", path);
	}
	return 0;
}

/* --------------------------------------------------------------- objects -- */

static int config_write(struct bpf_object *object, size_t offset, const struct lb_config *config)
{
	struct bpf_map *map;
	size_t size;

	bpf_object__for_each_map (map, object) {
		cleanup_free char *copy = NULL;
		const void *data =
			bpf_map__is_internal(map) ? bpf_map__initial_value(map, &size) : NULL;

		if (!data || !strstr(bpf_map__name(map), ".rodata"))
			continue;
		if (offset + sizeof(*config) > size)
			return -EINVAL;
		copy = xmalloc(size);
		memcpy(copy, data, size);
		memcpy(copy + offset, config, sizeof(*config));
		return bpf_map__set_initial_value(map, copy, size);
	}
	return -ENOENT;
}

/* Slots that name their programs by "<object>_<tail>". */
static int tails_fill(struct bpf_object *object, const char *name, struct err *err)
{
	cleanup_free char *array = xasprintf("%s_tail", name);
	int fd = bpf_object__find_map_fd_by_name(object, array);

	if (fd < 0)
		return 0;
	for (__u32 i = 0; i < LB_TAIL_COUNT; i++) {
		cleanup_free char *target = xasprintf("%s_%s", name, tail_names[i]);
		struct bpf_program *prog = bpf_object__find_program_by_name(object, target);
		int prog_fd = prog ? bpf_program__fd(prog) : -ENOENT;
		int r = prog_fd < 0 ? prog_fd : bpf_map_update_elem(fd, &i, &prog_fd, BPF_ANY);

		if (r)
			return err_sys(err, r, "cannot put %s into %s", target, array);
	}
	return 0;
}

/* Where an object's maps come from: the pins, or what is given. */
struct load_source {
	const struct paths *paths; /* NULL: nothing is pinned */
	struct load_maps *given;
	const struct lb_config *config;
};

static int object_open(const struct load_source *source, const struct object_row *row,
		       struct bpf_object **ret_object, struct err *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = row->name);
	struct bpf_object *object;
	const void *bytes;
	size_t size;
	int r;

	load_log[0] = '\0';
	bytes = row->bytes(&size);
	object = bpf_object__open_mem(bytes, size, &opts);
	if (!object)
		return load_fail(err, -errno, row->name);
	r = config_write(object, row->config_offset, source->config);
	if (r)
		r = err_sys(err, r, "%s: no room for the configuration", row->name);
	else if (source->given)
		r = maps_prepare_private(source->given, object, err);
	else
		r = maps_prepare(source->paths, object, source->config, err);
	if (r)
		bpf_object__close(object);
	else
		*ret_object = object;
	return r;
}

static int object_load(const struct load_source *source, const struct object_row *row,
		       struct bpf_object **ret_object, struct err *err)
{
	struct bpf_object *object = NULL;
	int r = object_open(source, row, &object, err);

	if (r)
		return r;
	r = bpf_object__load(object);
	if (r)
		r = load_fail(err, r, row->name);
	else if (source->given)
		maps_note(source->given, object);
	else
		r = maps_pin(source->paths, object, err);
	r = r ?: tails_fill(object, row->name, err);
	if (r)
		bpf_object__close(object);
	else
		*ret_object = object;
	return r;
}

static int load_all(const struct load_source *source, const bool want[OBJECT_COUNT],
		    struct load *ret_load, struct err *err)
{
	libbpf_print_fn_t before = libbpf_set_print(load_print);
	struct load load = { 0 };
	int r = 0;

	programs_init(&load.programs);
	for (int i = 0; i < OBJECT_COUNT && !r; i++)
		if (want[i])
			r = object_load(source, &object_rows[i], &load.objects[i], err);
	for (int i = 0; i < PROGRAM_COUNT && !r; i++) {
		struct bpf_object *object = load.objects[program_rows[i].object];
		struct bpf_program *prog;

		if (!object)
			continue;
		prog = bpf_object__find_program_by_name(object, program_rows[i].name);
		load.programs.fd[i] = prog ? bpf_program__fd(prog) : -EBADF;
	}
	libbpf_set_print(before);
	if (r)
		load_done(&load);
	else
		*ret_load = load;
	return r;
}

int load_objects(const struct paths *paths, const struct lb_config *config,
		 const bool want[OBJECT_COUNT], struct load *ret_load, struct err *err)
{
	const struct load_source source = { .paths = paths, .config = config };

	return load_all(&source, want, ret_load, err);
}

int load_private(struct load_maps *maps, const struct lb_config *config,
		 const bool want[OBJECT_COUNT], struct load *ret_load, struct err *err)
{
	struct lb_config copy = *config;
	const struct load_source source = { .given = maps, .config = &copy };

	copy.flow4_mask = copy.flow6_mask = 0;
	return load_all(&source, want, ret_load, err);
}

int load_pin(const struct load *load, const struct paths *paths, const char *folder,
	     struct err *err)
{
	cleanup_free char *path = pin_path(paths, NULL, folder);
	int r = pin_make_folder(path, err);

	for (int i = 0; i < PROGRAM_COUNT && !r; i++) {
		cleanup_free char *pin = pin_path(paths, folder, program_rows[i].name);

		if (load->programs.fd[i] < 0)
			continue;
		r = bpf_obj_pin(load->programs.fd[i], pin);
		if (r)
			r = err_sys(err, r, "cannot pin %s", pin);
	}
	/* A tail-call array is emptied when no user reference is left: the pin is one. */
	for (int i = 0; i < OBJECT_COUNT && !r; i++) {
		cleanup_free char *name = xasprintf("%s_tail", object_rows[i].name);
		cleanup_free char *pin = pin_path(paths, folder, name);
		int fd = load->objects[i] ? bpf_object__find_map_fd_by_name(load->objects[i], name)
					  : -ENOENT;

		if (fd < 0)
			continue;
		r = bpf_obj_pin(fd, pin);
		if (r)
			r = err_sys(err, r, "cannot pin %s", pin);
	}
	return r;
}

void load_done(struct load *load)
{
	for (int i = 0; i < OBJECT_COUNT; i++)
		bpf_object__close(load->objects[i]);
	*load = (struct load){ 0 };
	programs_init(&load->programs);
}
