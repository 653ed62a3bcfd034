/* SPDX-License-Identifier: Apache-2.0 */
/* Attach and upgrade: maps, programs, tail calls, links, in this order; all or nothing. */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "user/datapath/bloom.h"
#include "user/datapath/clock.h"
#include "user/datapath/handle.h"
#include "user/datapath/hooks.h"
#include "user/datapath/load.h"
#include "user/datapath/pin.h"
#include "user/datapath/ports.h"
#include "user/datapath/privilege.h"
#include "user/datapath/request.h"
#include "user/datapath/settings.h"
#include "user/datapath/teardown.h"
#include "user/util/cleanup.h"
#include "user/util/version.h"

struct attach {
	const struct paths *paths;
	const struct config *config;
	struct attach_state was, state;
	bool fresh;		 /* nothing was attached before */
	struct lb_meta meta_was; /* valid unless fresh */
	struct lb_meta meta;
	struct load load;
	struct device_view view;
	int device_map;
	char *folder;	   /* of the new programs' pins, until they take the place of the old */
	VEC(char *) lines; /* of the report: told when all is done, and true */
};

static bool state_wants_xdp(const struct attach_state *state)
{
	for (size_t i = 0; i < state->nics.n; i++)
		if (state->nics.items[i].asked != ATTACH_TC)
			return true;
	return false;
}

static int check_foreign(const struct attach *attach, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < attach->state.nics.n && !r; i++)
		if (attach->state.nics.items[i].asked != ATTACH_TC)
			r = xdp_check_foreign(attach->paths, attach->state.nics.items[i].name, err);
	return r;
}

/* ------------------------------------------------------------------- load -- */

static int measure_hz(uint32_t *ret_hz, struct err *err)
{
	struct lb_clock *clock = NULL;
	int r = clock_open(&clock, err);

	r = r ?: clock_measure_hz(clock, ret_hz, err);
	clock_close(clock);
	return r;
}

/* The seed lives as long as the flow tables: another one would lose every flow. */
static int make_meta(struct attach *attach, struct err *err)
{
	struct lb_meta *meta = &attach->meta;
	uint64_t seed = attach->meta_was.config.seed;
	uint32_t hz = attach->meta_was.config.hz;
	int r = 0;

	if (attach->fresh) {
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			return err_sys(err, -errno, "cannot read random numbers");
		r = measure_hz(&hz, err);
	}
	*meta = (struct lb_meta){ .magic = LB_MAGIC, .abi = LB_ABI };
	snprintf(meta->build, sizeof(meta->build), "%s", version_text());
	r = r ?: settings_make(attach->config, hz, seed, &meta->config, err);
	meta->config.netns = settings_netns();
	meta->config.pods = attach->state.pods != NULL;
	return r;
}

static int write_meta(const struct attach *attach, const struct lb_meta *meta, struct err *err)
{
	cleanup_close int fd = -EBADF;
	__u32 key = 0;
	int r = handle_open_map(attach->paths, MAP_META, &fd, err);

	if (r)
		return r;
	r = bpf_map_update_elem(fd, &key, meta, BPF_ANY);
	return r ? err_sys(err, r, "cannot write lb_meta") : 0;
}

/* Frontends may have outlived programs that had no such filter. */
static int fill_bloom(const struct paths *paths, struct err *err)
{
	cleanup_close int bloom = -EBADF, frontend = -EBADF;
	int r = handle_open_map(paths, MAP_BLOOM, &bloom, err);

	r = r ?: handle_open_map(paths, MAP_FRONTEND, &frontend, err);
	return r ?: bloom_fill(bloom, frontend, err);
}

static int attach_load(struct attach *attach, struct err *err)
{
	const bool want[OBJECT_COUNT] = {
		[OBJECT_XDP] = state_wants_xdp(&attach->state),
		[OBJECT_TC] = true,
		[OBJECT_SOCK] = attach_state_has_sockets(&attach->state),
	};
	int r = make_meta(attach, err);

	r = r ?: load_objects(attach->paths, &attach->meta.config, want, &attach->load, err);
	r = r ?: load_pin(&attach->load, attach->paths, attach->folder, err);
	r = r ?: handle_open_map(attach->paths, MAP_DEVICE, &attach->device_map, err);
	r = r ?: fill_bloom(attach->paths, err);
	r = r ?: write_meta(attach, &attach->meta, err);
	r = r ?: device_view_load(attach->config, &attach->view, err);
	for (size_t i = 0; i < attach->state.nics.n && !r; i++)
		device_view_add_nic(&attach->view,
				    if_nametoindex(attach->state.nics.items[i].name));
	return r;
}

/* -------------------------------------------------------------- all or nothing -- */

static struct hooks hooks_of(struct attach *attach)
{
	return (struct hooks){
		.paths = attach->paths,
		.state = &attach->state,
		.was = &attach->was,
		.programs = &attach->load.programs,
		.view = &attach->view,
		.device_map = attach->device_map,
		.attach_tcx = link_attach,
	};
}

static void attach_note(void *arg, const char *line)
{
	struct attach *attach = arg;

	vec_push(&attach->lines, xstrdup(line));
}

static void attach_tell(const struct attach *attach, void (*report)(void *arg, const char *line),
			void *arg)
{
	for (size_t i = 0; i < attach->lines.n; i++)
		report(arg, attach->lines.items[i]);
}

static void undo_ports(struct attach *attach)
{
	const struct lb_config *config = &attach->meta_was.config;
	uint16_t last = (uint16_t)(config->snat_first + config->snat_count - 1);
	struct err ignored;

	if (!attach->state.ports ||
	    (attach->was.ports && !strcmp(attach->was.ports, attach->state.ports)))
		return;
	ports_release(attach->state.ports);
	(void)!ports_reserve(config->snat_first, last, &attach->was.ports, &ignored);
}

/* The same work with the old state and the old programs, which are still pinned. */
static void attach_undo(struct attach *attach)
{
	struct hooks hooks = hooks_of(attach);
	struct programs programs;
	struct err ignored;

	if (attach->fresh) {
		/* A failure here leaves pins behind; the caller is told the cause of all. */
		(void)!teardown(attach->paths, &attach->state, &ignored);
		return;
	}
	undo_ports(attach);
	programs_open(attach->paths, &programs);
	for (size_t i = 0; i < attach->was.nics.n; i++)
		attach->was.nics.items[i].asked = attach->was.nics.items[i].mode;
	/* The new list has the old filters too, and those that must go. */
	vec_free(&attach->was.filters);
	attach->was.filters = attach->state.filters;
	memset(&attach->state.filters, 0, sizeof(attach->state.filters));
	hooks.state = &attach->was;
	hooks.was = &attach->state;
	hooks.programs = &programs;
	if (attach->device_map >= 0) {
		if (!write_meta(attach, &attach->meta_was, &ignored) &&
		    !hooks_attach(&hooks, &ignored))
			hooks_prune(&hooks);
	}
	programs_close(&programs);
	pin_remove_folder(attach->paths, attach->folder);
}

static int sweep_folder(void *arg, const char *name)
{
	const struct attach *attach = arg;

	if (!strncmp(name, "prog-", strlen("prog-")))
		pin_remove_folder(attach->paths, name);
	return 0;
}

/*
 * The new programs take the place prog/. Until here both generations of tail-call arrays
 * were pinned, so each link's program found its tails. Folders of attaches that were
 * killed halfway go as well.
 */
static int attach_commit(struct attach *attach, struct err *err)
{
	cleanup_free char *from = pin_path(attach->paths, NULL, attach->folder);
	cleanup_free char *to = pin_path(attach->paths, NULL, "prog");
	struct hooks hooks = hooks_of(attach);
	int r;

	hooks_prune(&hooks);
	r = attach_state_save(attach->paths, &attach->state, err);
	if (r)
		return r;
	pin_remove_folder(attach->paths, "prog");
	if (rename(from, to))
		return err_sys(err, -errno, "cannot rename %s", from);
	pin_each(attach->paths, NULL, sweep_folder, attach);
	return 0;
}

static int attach_prepare(struct attach *attach, const struct attach_options *options,
			  struct err *err)
{
	unsigned int abi;
	int r;

	if (pin_other_abi(attach->paths, &abi))
		return err_set(
			err, -EBUSY,
			"another version of lbctl (ABI %u) is attached: `lbctl detach --all` "
			"first",
			abi);
	r = handle_read_meta(attach->paths, &attach->meta_was, err);
	if (r == -ENOENT) {
		/*
		 * Links come after lb_meta: what an interrupted attach left serves nobody. Where
		 * somebody took lb_meta away there are some, and a pin's end alone would leave them
		 * to the kernel for a moment, in which they were somebody else's.
		 */
		attach->fresh = true;
		link_remove_all(attach->paths);
		r = pin_remove_all(attach->paths, err);
		r = r ?: pin_prepare(attach->paths, err);
	} else if (!r) {
		r = attach_state_load(attach->paths, &attach->was, err);
		r = r ?: attach_state_check_netns(&attach->was, err);
	}
	r = r ?: request_merge(attach->paths, options, &attach->was, &attach->state, err);
	return r ?: check_foreign(attach, err);
}

static void attach_done(struct attach *attach)
{
	load_done(&attach->load);
	device_view_done(&attach->view);
	attach_state_done(&attach->was);
	attach_state_done(&attach->state);
	if (attach->device_map >= 0)
		close(attach->device_map);
	for (size_t i = 0; i < attach->lines.n; i++)
		free(attach->lines.items[i]);
	vec_free(&attach->lines);
	free(attach->folder);
}

/* Where /proc/sys is read-only this is left to somebody else: no reason to have no datapath. */
static void attach_reserve_ports(struct attach *attach, const struct hooks *hooks)
{
	struct err err;

	if (ports_reserve(attach->config->snat_first, attach->config->snat_last,
			  &attach->state.ports, &err))
		hooks_report(hooks, "-", "ports", "-", "%s", err.text);
}

static void attach_note_vanished(const struct attach *attach, const struct hooks *hooks)
{
	for (size_t i = 0; i < attach->was.nics.n; i++)
		if (!attach_state_nic(&attach->state, attach->was.nics.items[i].name))
			hooks_report(hooks, attach->was.nics.items[i].name, "-", "-",
				     "there is no such device any more: forgotten");
}

static int attach_run(struct attach *attach, const struct attach_options *options, struct err *err)
{
	struct hooks hooks;
	int r = attach_prepare(attach, options, err);

	r = r ?: attach_load(attach, err);
	if (r)
		return r;
	hooks = hooks_of(attach);
	hooks.report = attach_note;
	hooks.arg = attach;
	attach_note_vanished(attach, &hooks);
	attach_reserve_ports(attach, &hooks);
	r = hooks_attach(&hooks, err);
	return r ?: attach_commit(attach, err);
}

int datapath_attach(const struct paths *paths, const struct config *config,
		    const struct attach_options *options,
		    void (*report)(void *arg, const char *line), void *arg, struct err *err)
{
	struct attach attach = { .paths = paths, .config = config, .device_map = -EBADF };
	cleanup_close int lock = -EBADF;
	int r = request_check(options, err);

	r = r ?: privilege_check(err);
	r = r ?: pin_lock(paths, &lock, err);
	if (r)
		return r;
	programs_init(&attach.load.programs);
	attach.folder = xasprintf("prog-%d", getpid());
	r = attach_run(&attach, options, err);
	if (r)
		attach_undo(&attach);
	else
		attach_tell(&attach, report, arg);
	attach_done(&attach);
	return r;
}
