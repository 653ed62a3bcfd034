/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/settings.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lb/maps.h"

#include "user/util/cleanup.h"

#define REFRESH_SECONDS 4
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

uint32_t settings_flow_sets(uint32_t flows)
{
	uint32_t sets = 1;

	while (sets < flows / LB_FLOW_WAYS + !!(flows % LB_FLOW_WAYS))
		sets *= 2;
	return sets;
}

static uint32_t jiffies_of(uint32_t seconds, uint32_t hz)
{
	uint64_t jiffies = (uint64_t)seconds * hz;

	/* Ages are differences of 32 bits: more than half the circle looks like the future. */
	return jiffies > INT32_MAX ? INT32_MAX : (uint32_t)jiffies;
}

/* An active flow must write to its entry well before the shortest timeout, or it expires. */
static uint32_t refresh_of(const struct lb_config *config)
{
	uint32_t refresh = REFRESH_SECONDS * config->hz;

	for (int i = LB_FLOW_HALF_OPEN; i < LB_FLOW_STATES; i++) {
		if (config->tcp_timeout[i] / 4 < refresh)
			refresh = config->tcp_timeout[i] / 4;
		if (config->udp_timeout[i] / 4 < refresh)
			refresh = config->udp_timeout[i] / 4;
	}
	return refresh ? refresh : 1;
}

uint64_t settings_netns(void)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		return 0;
	return cookie;
}

int settings_make(const struct config *config, uint32_t hz, uint64_t seed,
		  struct lb_config *ret_config, struct err *err)
{
	const struct flow_timeouts *timeouts = &config->timeouts;
	struct lb_config lb = {
		.seed = seed,
		.hz = hz,
		.flow4_mask = settings_flow_sets(config->flows) - 1,
		.flow6_mask = settings_flow_sets(config->flows) - 1,
		.backends = LB_MAX_BACKENDS,
		.snat_first = config->snat_first,
		.snat_count = (uint16_t)(config->snat_last - config->snat_first + 1),
		.masquerade_all = config->masquerade_all,
		.pod_cidrs = (uint32_t)config->pod_cidrs.n,
	};

	if (config->pod_cidrs.n > LB_POD_CIDRS)
		return err_set(err, -E2BIG, "podCIDRs: %zu given, at most %d", config->pod_cidrs.n,
			       LB_POD_CIDRS);
	for (size_t i = 0; i < config->pod_cidrs.n; i++)
		lb.pod_cidr[i] = prefix_to_lb(&config->pod_cidrs.items[i]);
	lb.tcp_timeout[LB_FLOW_HALF_OPEN] = jiffies_of(timeouts->tcp_half_open, hz);
	lb.tcp_timeout[LB_FLOW_REPLIED] = lb.tcp_timeout[LB_FLOW_HALF_OPEN];
	lb.tcp_timeout[LB_FLOW_ESTABLISHED] = jiffies_of(timeouts->tcp_established, hz);
	for (int i = LB_FLOW_CLIENT_CLOSED; i <= LB_FLOW_CLOSED; i++) {
		lb.tcp_timeout[i] = jiffies_of(timeouts->tcp_closing, hz);
		lb.udp_timeout[i] = lb.tcp_timeout[i]; /* never entered: UDP has no end */
	}
	lb.udp_timeout[LB_FLOW_HALF_OPEN] = jiffies_of(timeouts->udp_one_way, hz);
	lb.udp_timeout[LB_FLOW_REPLIED] = lb.udp_timeout[LB_FLOW_HALF_OPEN];
	lb.udp_timeout[LB_FLOW_ESTABLISHED] = jiffies_of(timeouts->udp_replied, hz);
	lb.refresh = refresh_of(&lb);
	*ret_config = lb;
	return 0;
}
