/* SPDX-License-Identifier: Apache-2.0 */
/* The same Services as nftables rules, laid out as kube-proxy does. */
#ifndef TESTS_BENCH_CONTROL_NFT_H
#define TESTS_BENCH_CONTROL_NFT_H

#include <stddef.h>

/* CPU seconds that `nft -f` takes; -1: more than a minute and a half. */
double nft_load(const char *dir, size_t services, size_t endpoints);

/* The last endpoint of a Service is another one. */
double nft_change(const char *dir, size_t service, size_t endpoints, size_t turn);

#endif
