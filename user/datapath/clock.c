/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>

#include "lb_clock.skel.h"
#include "user/util/cleanup.h"

#define NS_PER_S 1000000000ull
#define MEASURE_NS (40 * 1000 * 1000ull) /* 4 jiffies at the slowest HZ */
#define MEASURE_TRIES 10
#define TOLERANCE_PERCENT 6 /* 250 and 300 are 20 % apart */

int clock_open(struct lb_clock **ret_clock, struct err *err)
{
	struct lb_clock *clock = lb_clock__open_and_load();

	if (!clock)
		return err_sys(err, -errno, "cannot load the clock program");
	*ret_clock = clock;
	return 0;
}

void clock_close(struct lb_clock *clock)
{
	if (clock)
		lb_clock__destroy(clock);
}

static int clock_run(struct lb_clock *clock, struct err *err)
{
	char frame[ETH_ZLEN] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);
	int r = bpf_prog_test_run_opts(bpf_program__fd(clock->progs.lb_clock), &opts);

	return r ? err_sys(err, r, "cannot run the clock program") : 0;
}

int clock_read(struct lb_clock *clock, uint64_t *ret_jiffies, struct err *err)
{
	int r = clock_run(clock, err);

	if (!r)
		*ret_jiffies = clock->bss->lb_clock_jiffies;
	return r;
}

uint32_t clock_nearest_hz(uint64_t jiffies, uint64_t ns)
{
	static const uint32_t rates[] = { 100, 250, 300, 1000 };

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		uint64_t expected = jiffies * NS_PER_S / rates[i];
		uint64_t off = expected > ns ? expected - ns : ns - expected;

		if (jiffies && off * 100 <= expected * TOLERANCE_PERCENT)
			return rates[i];
	}
	return 0;
}

/* Runs until the jiffy changes, and tells when that was: only edges are exact. */
static int clock_edge(struct lb_clock *clock, uint64_t not_before, uint64_t *ret_jiffies,
		      uint64_t *ret_ns, struct err *err)
{
	uint64_t last;
	int r = clock_run(clock, err);

	do {
		last = clock->bss->lb_clock_jiffies;
		r = r ?: clock_run(clock, err);
	} while (!r &&
		 (clock->bss->lb_clock_jiffies == last || clock->bss->lb_clock_ns < not_before));
	if (r)
		return r;
	*ret_jiffies = clock->bss->lb_clock_jiffies;
	*ret_ns = clock->bss->lb_clock_ns;
	return 0;
}

int clock_measure_hz(struct lb_clock *clock, uint32_t *ret_hz, struct err *err)
{
	uint64_t jiffies[2], ns[2];

	for (int i = 0; i < MEASURE_TRIES; i++) {
		int r = clock_edge(clock, 0, &jiffies[0], &ns[0], err);

		r = r ?: clock_edge(clock, ns[0] + MEASURE_NS, &jiffies[1], &ns[1], err);
		if (r)
			return r;
		*ret_hz = clock_nearest_hz(jiffies[1] - jiffies[0], ns[1] - ns[0]);
		if (*ret_hz)
			return 0;
	}
	return err_set(err, -ETIME, "cannot tell the kernel's HZ: %llu jiffies took %llu ns",
		       (unsigned long long)(jiffies[1] - jiffies[0]),
		       (unsigned long long)(ns[1] - ns[0]));
}
