/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/packet/rig_parts.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <sys/mman.h>

#include "lb/bloom.h"
#include "lb/maps.h"
#include "lb_tc.skel.h"
#include "lb_xdp.skel.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

struct rig rig;

/* -------------------------------------------------------- the programs -- */

static struct lb_config config_make(unsigned int snat_ports, bool masquerade_all, bool pod_cidrs)
{
	struct lb_config config = {
		.seed = 0x1234567890abcdefull,
		.hz = HZ_ASSUMED,
		.flow4_mask = rig.sets4 - 1,
		.flow6_mask = rig.sets6 - 1,
		.refresh = rig.size.refresh * HZ_ASSUMED,
		.backends = rig.size.backends,
		.snat_first = 10000,
		.snat_count = (uint16_t)snat_ports,
		.masquerade_all = masquerade_all,
		.pod_cidrs = pod_cidrs ? 2 : 0,
	};
	struct prefix prefix;

	for (int i = LB_FLOW_HALF_OPEN; i < LB_FLOW_STATES; i++) {
		config.tcp_timeout[i] = 60 * HZ_ASSUMED;
		config.udp_timeout[i] = 30 * HZ_ASSUMED;
	}
	config.tcp_timeout[LB_FLOW_ESTABLISHED] = 86400 * HZ_ASSUMED;
	if (config.udp_timeout[LB_FLOW_ESTABLISHED] < config.refresh)
		config.udp_timeout[LB_FLOW_ESTABLISHED] = config.refresh;
	network_must(prefix_parse("172.17.0.0/16", &prefix), "prefix");
	config.pod_cidr[0] = prefix_to_lb(&prefix);
	network_must(prefix_parse("fd00:17::/32", &prefix), "prefix");
	config.pod_cidr[1] = prefix_to_lb(&prefix);
	return config;
}

#define SHARE(map) \
	network_must(bpf_map__reuse_fd(rig.tc->maps.map, bpf_map__fd(rig.xdp->maps.map)), #map)

static void tails_fill(struct bpf_object *object, struct bpf_map *map, const char *prefix)
{
	static const char *const tails[] = { "slow4", "slow6", "icmp4", "icmp6",
					     "dns4",  "dns6",  "watch" };

	for (uint32_t i = 0; i < LB_TAIL_COUNT; i++) {
		cleanup_free char *name = xasprintf("%s_%s", prefix, tails[i]);
		int fd = bpf_program__fd(bpf_object__find_program_by_name(object, name));

		network_must(bpf_map_update_elem(bpf_map__fd(map), &i, &fd, BPF_ANY), name);
	}
}

static void tails_set(void)
{
	tails_fill(rig.xdp->obj, rig.xdp->maps.lb_xdp_tail, "lb_xdp");
	tails_fill(rig.tc->obj, rig.tc->maps.lb_tc_tail, "lb_tc");
}

static void maps_size(void)
{
	bpf_map__set_max_entries(rig.xdp->maps.lb_flow4, rig.sets4);
	bpf_map__set_max_entries(rig.xdp->maps.lb_flow6, rig.sets6);
	bpf_map__set_max_entries(rig.xdp->maps.lb_frontend, rig.size.frontends);
	bpf_map__set_max_entries(rig.xdp->maps.lb_backend, rig.size.backends);
	bpf_map__set_max_entries(rig.xdp->maps.lb_backend_stats,
				 rig.size.backends * (unsigned int)rig.cpus);
	bpf_map__set_max_entries(rig.xdp->maps.lb_maglev, rig.size.slots / LB_MAGLEV_LINE);
}

static void programs_open(const struct lb_config *config)
{
	rig.xdp = lb_xdp__open();
	rig.tc = lb_tc__open();
	network_must(rig.xdp && rig.tc ? 0 : -1, "open");
	memcpy((void *)&rig.xdp->rodata->lb_config, config, sizeof(*config));
	memcpy((void *)&rig.tc->rodata->lb_config, config, sizeof(*config));
	maps_size();
	network_must(lb_xdp__load(rig.xdp), "load lb_xdp");
	SHARE(lb_frontend);
	SHARE(lb_bloom);
	SHARE(lb_maglev);
	SHARE(lb_backend);
	SHARE(lb_flow4);
	SHARE(lb_flow6);
	SHARE(lb_affinity);
	SHARE(lb_source_range);
	SHARE(lb_device);
	SHARE(lb_backend_stats);
	SHARE(lb_reason_stats);
	SHARE(lb_evictions);
	SHARE(lb_fragment);
	SHARE(lb_monitor);
	SHARE(lb_events);
	SHARE(lb_event_budget);
	SHARE(lb_dns);
	SHARE(lb_dns_meta);
	network_must(lb_tc__load(rig.tc), "load lb_tc");
}

void rig_open(unsigned int flows, unsigned int snat_ports, bool masquerade_all, bool pod_cidrs)
{
	rig_open_sized(&(struct rig_size){ 0 }, flows, snat_ports, masquerade_all, pod_cidrs);
}

void rig_open_sized(const struct rig_size *size, unsigned int flows, unsigned int snat_ports,
		    bool masquerade_all, bool pod_cidrs)
{
	struct lb_config config;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	rig.size.frontends = size->frontends ?: LB_MAX_FRONTENDS;
	rig.size.backends = size->backends ?: LB_MAX_BACKENDS;
	rig.size.slots = size->slots ?: LB_MAX_MAGLEV;
	rig.size.refresh = size->refresh ?: 4;
	rig.sets4 = flows / LB_FLOW_WAYS;
	rig.sets6 = (size->flows6 ?: flows) / LB_FLOW_WAYS;
	rig.cpus = libbpf_num_possible_cpus();
	network_must(rig.cpus <= CPUS_MAX ? rig.cpus : -1, "number of CPUs");
	if (!rig.network.nic)
		network_open(&rig.network);
	config = config_make(snat_ports, masquerade_all, pod_cidrs);
	programs_open(&config);
	/* A test run can name only a device whose receive queue XDP knows. */
	network_must(bpf_xdp_attach((int)rig.network.nic, bpf_program__fd(rig.xdp->progs.lb_xdp), 0,
				    NULL),
		     "attach");
	rig.flow4 = mmap(NULL, rig.sets4 * sizeof(struct lb_flow4_set), PROT_READ | PROT_WRITE,
			 MAP_SHARED, bpf_map__fd(rig.xdp->maps.lb_flow4), 0);
	rig.flow6 = mmap(NULL, rig.sets6 * sizeof(struct lb_flow6_set), PROT_READ | PROT_WRITE,
			 MAP_SHARED, bpf_map__fd(rig.xdp->maps.lb_flow6), 0);
	rig.bloom = mmap(NULL, LB_BLOOM_WORDS * sizeof(*rig.bloom), PROT_READ | PROT_WRITE,
			 MAP_SHARED, bpf_map__fd(rig.xdp->maps.lb_bloom), 0);
	rig.slots = mmap(NULL, rig.size.slots * sizeof(*rig.slots), PROT_READ | PROT_WRITE,
			 MAP_SHARED, bpf_map__fd(rig.xdp->maps.lb_maglev), 0);
	rig.stats = mmap(NULL, (size_t)rig.cpus * rig.size.backends * sizeof(*rig.stats),
			 PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(rig.xdp->maps.lb_backend_stats), 0);
	network_must(rig.bloom == MAP_FAILED || rig.stats == MAP_FAILED ||
				     rig.slots == MAP_FAILED || rig.flow4 == MAP_FAILED ||
				     rig.flow6 == MAP_FAILED
			     ? -1
			     : 0,
		     "mmap");
}

void rig_close(void)
{
	bpf_xdp_detach((int)rig.network.nic, 0, NULL);
	munmap(rig.stats, (size_t)rig.cpus * rig.size.backends * sizeof(*rig.stats));
	munmap(rig.bloom, LB_BLOOM_WORDS * sizeof(*rig.bloom));
	munmap(rig.slots, rig.size.slots * sizeof(*rig.slots));
	munmap(rig.flow4, rig.sets4 * sizeof(struct lb_flow4_set));
	munmap(rig.flow6, rig.sets6 * sizeof(struct lb_flow6_set));
	lb_tc__destroy(rig.tc);
	lb_xdp__destroy(rig.xdp);
}

/* ------------------------------------------------------------ the maps -- */

static void map_empty(struct bpf_map *map)
{
	unsigned char key[64];

	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		bpf_map_delete_elem(bpf_map__fd(map), key);
}

void rig_put(struct bpf_map *map, const void *key, const void *value)
{
	network_must(bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY),
		     bpf_map__name(map));
}

static void device_put(unsigned int ifindex, unsigned int flags, bool addresses)
{
	struct lb_device device = { .flags = flags };

	if (addresses) {
		device.addr4 = frame_addr(H_NODE, true);
		device.addr6 = frame_addr(H_NODE, false);
	}
	rig_put(rig.xdp->maps.lb_device, &ifindex, &device);
}

static void devices_put(bool addresses)
{
	device_put(rig.network.nic, LB_DEVICE_NIC | (rig.mode == RIG_XDP ? LB_DEVICE_XDP : 0),
		   addresses);
	device_put(rig.network.pod_a, LB_DEVICE_POD, addresses);
	device_put(rig.network.pod_b, LB_DEVICE_POD, addresses);
}

void rig_device_addr_clear(void)
{
	devices_put(false);
}

void rig_reset(enum rig_mode mode)
{
	static struct lb_reason_stats reasons[CPUS_MAX];
	static const uint64_t zero[CPUS_MAX];
	struct lb_backend none = { 0 };

	rig.mode = mode;
	rig.next_slot = 0;
	rig.mark = 0;
	memset(rig.flow4, 0, rig.sets4 * sizeof(struct lb_flow4_set));
	memset(rig.flow6, 0, rig.sets6 * sizeof(struct lb_flow6_set));
	map_empty(rig.xdp->maps.lb_frontend);
	memset(rig.bloom, 0, LB_BLOOM_WORDS * sizeof(*rig.bloom));
	map_empty(rig.xdp->maps.lb_affinity);
	map_empty(rig.xdp->maps.lb_fragment);
	map_empty(rig.xdp->maps.lb_source_range);
	memset(reasons, 0, sizeof(reasons));
	for (uint32_t i = 0; i < LB_REASON_COUNT; i++)
		rig_put(rig.xdp->maps.lb_reason_stats, &i, reasons);
	for (uint32_t i = 0; i < LB_EVICTIONS; i++)
		rig_put(rig.xdp->maps.lb_evictions, &i, zero);
	for (uint32_t i = 0; i < 16; i++) {
		for (unsigned int cpu = 0; cpu < (unsigned int)rig.cpus; cpu++)
			rig.stats[cpu * rig.size.backends + i] = (struct lb_stats){ 0 };
		rig_put(rig.xdp->maps.lb_backend, &i, &none);
	}
	tails_set();
	devices_put(true);
}

void rig_backend_at(unsigned int id, unsigned int service, const struct lb_addr *addr,
		    uint8_t proto, unsigned int flags)
{
	struct lb_backend backend = {
		.addr = *addr,
		.port = htons(8080),
		.proto = proto,
		.flags = (uint8_t)flags,
		.weight = 1,
		.generation = 1,
		.service = service,
	};

	rig_put(rig.xdp->maps.lb_backend, &id, &backend);
}

void rig_backend(unsigned int id, unsigned int service, enum host host, bool v4, uint8_t proto,
		 unsigned int flags)
{
	struct lb_addr addr = frame_addr(host, v4);

	rig_backend_at(id, service, &addr, proto, flags);
}

int rig_xdp_fd(void)
{
	return bpf_program__fd(rig.xdp->progs.lb_xdp);
}

int rig_egress_fd(void)
{
	return bpf_program__fd(rig.tc->progs.lb_tc_egress);
}

uint32_t rig_mark(void)
{
	return rig.mark;
}

unsigned int rig_nic(void)
{
	return rig.network.nic;
}

void rig_backend_retire(unsigned int id, unsigned int flags)
{
	struct lb_backend backend;

	network_must(bpf_map_lookup_elem(bpf_map__fd(rig.xdp->maps.lb_backend), &id, &backend),
		     "backend");
	backend.flags |= flags;
	backend.generation++;
	rig_put(rig.xdp->maps.lb_backend, &id, &backend);
}

static struct lb_range range_write(unsigned int first, unsigned int n, unsigned int slots)
{
	struct lb_range range = { .base = rig.next_slot, .len = n ? slots : 0 };

	for (unsigned int i = 0; i < range.len; i++)
		rig.slots[rig.next_slot++] = first + i % n;
	return range;
}

static void bloom_put(const struct lb_frontend_key *key)
{
	uint32_t bit = lb_bloom_bit(key->addr.word, key->port, key->proto);

	rig.bloom[bit / 64] |= 1ull << bit % 64;
}

void rig_frontend(const struct rig_frontend *frontend, bool v4, uint8_t proto)
{
	struct lb_addr addr = frame_addr(frontend->host, v4);

	rig_frontend_at(frontend, &addr, proto, frontend->n);
}

void rig_frontend_at(const struct rig_frontend *frontend, const struct lb_addr *addr, uint8_t proto,
		     unsigned int slots)
{
	struct lb_frontend_key key = {
		.addr = *addr,
		.port = htons(frontend->port),
		.proto = proto,
	};
	struct lb_frontend value = {
		.service = frontend->service,
		.flags = frontend->flags,
		.affinity = frontend->affinity,
		.cluster = range_write(frontend->first, frontend->n, slots),
		.local = range_write(frontend->first, frontend->local, frontend->local),
	};

	bloom_put(&key);
	rig_put(rig.xdp->maps.lb_frontend, &key, &value);
}

void rig_frontend_delete(enum host host, uint16_t port, bool v4, uint8_t proto)
{
	struct lb_frontend_key key = { .addr = frame_addr(host, v4),
				       .port = htons(port),
				       .proto = proto };

	network_must(bpf_map_delete_elem(bpf_map__fd(rig.xdp->maps.lb_frontend), &key), "frontend");
}

void rig_source_range(unsigned int service, const char *text)
{
	struct prefix prefix;
	struct lb_source_range_key key = { .service = service };
	uint8_t one = 1;

	network_must(prefix_parse(text, &prefix), text);
	key.prefixlen = 32u + prefix.bits + (prefix.v4 ? 96u : 0u);
	key.addr = prefix.addr;
	rig_put(rig.xdp->maps.lb_source_range, &key, &one);
}

int rig_map_fd(const char *name)
{
	return bpf_object__find_map_fd_by_name(rig.xdp->obj, name);
}

void rig_cut_tail_calls(void)
{
	for (uint32_t i = 0; i < LB_TAIL_COUNT; i++) {
		bpf_map_delete_elem(bpf_map__fd(rig.xdp->maps.lb_xdp_tail), &i);
		bpf_map_delete_elem(bpf_map__fd(rig.tc->maps.lb_tc_tail), &i);
	}
}
