/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/observer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "user/datapath/handle.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define SECOND 1000000000ull
#define LOOK (5 * SECOND) /* without a word from us the programs stop after this */

struct observer {
	int lock, monitor, ring_map, budget, watch;
	struct ring_buffer *ring;
	struct lb_monitor filter;
	uint64_t renewed; /* ns */
	uint64_t lost;	  /* as told last */
	int cpus;
	const struct observer_visitor *visitor; /* NULL: thrown away */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static int lock_take(const struct paths *paths, int *ret_fd, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/monitor.lock", paths->run);
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, -errno, "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB))
		return err_set(err, -EBUSY, "another lbctl monitor looks already");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* The word that each packet meets. */
static int watch_write(const struct observer *observer, uint32_t watch)
{
	const uint32_t zero = 0;

	return bpf_map_update_elem(observer->watch, &zero, &watch, BPF_ANY);
}

static int filter_write(struct observer *observer)
{
	const uint32_t zero = 0;

	observer->renewed = now_ns();
	observer->filter.until = observer->renewed + LOOK;
	return bpf_map_update_elem(observer->monitor, &zero, &observer->filter, BPF_ANY)
		       ?: watch_write(observer, observer->filter.kinds & LB_EVENT_PACKETS);
}

static int on_packet(const struct observer_visitor *visitor, const struct lb_packet *packet,
		     size_t size)
{
	const size_t head = offsetof(struct lb_packet, bytes);

	if (size >= head && packet->captured <= size - head)
		visitor->packet(visitor->arg, packet);
	return 0;
}

static int on_event(void *arg, void *data, size_t size)
{
	const struct observer *observer = arg;
	const struct observer_visitor *visitor = observer->visitor;

	if (!visitor)
		return 0;
	if (observer->filter.kinds & LB_EVENT_PACKETS)
		return on_packet(visitor, data, size);
	if (size >= sizeof(struct lb_event))
		visitor->event(visitor->arg, data);
	return 0;
}

static uint64_t lost_read(const struct observer *observer)
{
	cleanup_free struct lb_event_budget *budgets =
		xcalloc((size_t)observer->cpus, sizeof(*budgets));
	const uint32_t zero = 0;
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(observer->budget, &zero, budgets))
		return observer->lost;
	for (int cpu = 0; cpu < observer->cpus; cpu++)
		sum += budgets[cpu].lost;
	return sum;
}

uint64_t observer_lost(struct observer *observer)
{
	uint64_t lost = lost_read(observer), since = lost - observer->lost;

	observer->lost = lost;
	return since;
}

int observer_open(const struct paths *paths, const struct lb_monitor *filter,
		  struct observer **ret_observer, struct err *err)
{
	struct observer *observer = xcalloc(1, sizeof(*observer));
	int r;

	*observer = (struct observer){ .lock = -EBADF,
				       .monitor = -EBADF,
				       .ring_map = -EBADF,
				       .budget = -EBADF,
				       .watch = -EBADF,
				       .filter = *filter,
				       .cpus = libbpf_num_possible_cpus() };
	r = handle_open_map(paths, MAP_MONITOR, &observer->monitor, err);
	r = r ?: handle_open_map(paths, MAP_EVENTS, &observer->ring_map, err);
	r = r ?: handle_open_map(paths, MAP_EVENT_BUDGET, &observer->budget, err);
	r = r ?: handle_open_map(paths, MAP_WATCH, &observer->watch, err);
	r = r ?: lock_take(paths, &observer->lock, err);
	if (!r) {
		observer->ring = ring_buffer__new(observer->ring_map, on_event, observer, NULL);
		r = observer->ring ? 0 : err_sys(err, -errno, "cannot map lb_events");
	}
	if (!r) {
		ring_buffer__consume(observer->ring);
		observer->lost = lost_read(observer);
		r = filter_write(observer);
		if (r)
			err_sys(err, r, "cannot write lb_monitor");
	}
	if (r)
		observer_close(observer);
	else
		*ret_observer = observer;
	return r;
}

int observer_poll(struct observer *observer, int timeout_ms, const struct observer_visitor *visitor,
		  struct err *err)
{
	int r;

	observer->visitor = visitor;
	if (now_ns() - observer->renewed > SECOND) {
		r = filter_write(observer);
		if (r)
			return err_sys(err, r, "cannot write lb_monitor");
	}
	r = ring_buffer__poll(observer->ring, timeout_ms);
	if (r < 0)
		return err_sys(err, r, "cannot read lb_events");
	return 0;
}

void observer_close(struct observer *observer)
{
	const struct lb_monitor nobody = { 0 };
	const uint32_t zero = 0;

	if (observer->lock >= 0) {
		(void)watch_write(observer, 0);
		bpf_map_update_elem(observer->monitor, &zero, &nobody, BPF_ANY);
		close(observer->lock);
	}
	ring_buffer__free(observer->ring);
	if (observer->monitor >= 0)
		close(observer->monitor);
	if (observer->ring_map >= 0)
		close(observer->ring_map);
	if (observer->budget >= 0)
		close(observer->budget);
	if (observer->watch >= 0)
		close(observer->watch);
	free(observer);
}
