/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/control_nft.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/control.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define CPU_MAX 90 /* seconds */

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double nft_run(const char *path)
{
	struct rusage usage;
	int status;
	pid_t child = fork();

	control_must(child < 0 ? -1 : 0, "fork", NULL);
	if (!child) {
		setrlimit(RLIMIT_CPU, &(struct rlimit){ CPU_MAX, CPU_MAX });
		execlp("nft", "nft", "-f", path, (char *)NULL);
		_exit(127);
	}
	control_must(wait4(child, &status, 0, &usage) == child ? 0 : -1, "wait", NULL);
	if (WIFSIGNALED(status))
		return -1;
	control_must(WEXITSTATUS(status) ? -1 : 0, "nft", NULL);
	return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static size_t place(size_t service, size_t index, size_t endpoints, size_t turn)
{
	return service * 16 + index + (index + 1 == endpoints ? turn << 20 : 0);
}

static void endpoint_name(FILE *out, size_t service, size_t at)
{
	fprintf(out, "endpoint-%06zu-default/service-%06zu/tcp/__%zu", at, service, at);
}

static void endpoint_add(FILE *out, size_t service, size_t at)
{
	size_t a = 128 + (at >> 16 & 127), b = at >> 8 & 255, c = at & 255;

	fprintf(out, "add chain ip kube-proxy ");
	endpoint_name(out, service, at);
	fprintf(out, "\nadd rule ip kube-proxy ");
	endpoint_name(out, service, at);
	fprintf(out, " ip saddr 10.%zu.%zu.%zu jump mark-for-masquerade\nadd rule ip kube-proxy ",
		a, b, c);
	endpoint_name(out, service, at);
	fprintf(out, " meta l4proto tcp dnat to 10.%zu.%zu.%zu:8080\n", a, b, c);
}

static void service_rules(FILE *out, size_t service, size_t endpoints, size_t turn)
{
	fprintf(out,
		"add rule ip kube-proxy service-%06zu ip daddr 10.%zu.%zu.%zu tcp dport 80 ip "
		"saddr "
		"!= 10.128.0.0/9 jump mark-for-masquerade\n"
		"add rule ip kube-proxy service-%06zu numgen random mod %zu vmap { ",
		service, 96 + (service >> 16), service >> 8 & 255, service & 255, service,
		endpoints);
	for (size_t i = 0; i < endpoints; i++) {
		fprintf(out, "%s%zu : goto ", i ? ", " : "", i);
		endpoint_name(out, service, place(service, i, endpoints, turn));
	}
	fprintf(out, " }\n");
}

static void service_add(FILE *out, size_t service, size_t endpoints)
{
	size_t b = service >> 8 & 255, c = service & 255;

	for (size_t i = 0; i < endpoints; i++)
		endpoint_add(out, service, place(service, i, endpoints, 0));
	fprintf(out, "add chain ip kube-proxy service-%06zu\n", service);
	service_rules(out, service, endpoints, 0);
	fprintf(out,
		"add element ip kube-proxy cluster-ips { 10.%zu.%zu.%zu }\n"
		"add element ip kube-proxy service-ips { 10.%zu.%zu.%zu . tcp . 80 : goto "
		"service-%06zu }\n",
		96 + (service >> 16), b, c, 96 + (service >> 16), b, c, service);
}

double nft_load(const char *dir, size_t services, size_t endpoints)
{
	cleanup_free char *path = xasprintf("%s/rules.nft", dir);
	FILE *out = fopen(path, "w");

	control_must(out ? 0 : -1, path, NULL);
	fputs("table ip kube-proxy {\n"
	      "	set cluster-ips { type ipv4_addr; }\n"
	      "	map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }\n"
	      "	chain mark-for-masquerade { mark set mark or 0x4000; }\n"
	      "	chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }\n"
	      "	chain nat-prerouting {\n"
	      "		type nat hook prerouting priority -100\n"
	      "		jump services\n"
	      "	}\n"
	      "}\n",
	      out);
	for (size_t i = 0; i < services; i++)
		service_add(out, i, endpoints);
	fclose(out);
	return nft_run(path);
}

double nft_change(const char *dir, size_t service, size_t endpoints, size_t turn)
{
	cleanup_free char *path = xasprintf("%s/change.nft", dir);
	FILE *out = fopen(path, "w");
	size_t last = endpoints - 1;

	control_must(out ? 0 : -1, path, NULL);
	endpoint_add(out, service, place(service, last, endpoints, turn));
	fprintf(out, "flush chain ip kube-proxy service-%06zu\n", service);
	service_rules(out, service, endpoints, turn);
	fprintf(out, "delete chain ip kube-proxy ");
	endpoint_name(out, service, place(service, last, endpoints, turn - 1));
	fprintf(out, "\n");
	fclose(out);
	return nft_run(path);
}
