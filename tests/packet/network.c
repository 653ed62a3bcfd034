/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/packet/network.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void network_must(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char network[] =
	"link add nic type veth peer name nic-far\n"
	"link set nic address 02:00:00:00:00:01\n"
	"link add pod-a type veth peer name pod-a-far\n"
	"link set pod-a address 02:00:00:00:00:04\n"
	"link add pod-b type veth peer name pod-b-far\n"
	"link set pod-b address 02:00:00:00:00:06\n"
	"link set nic-far up\nlink set pod-a-far up\nlink set pod-b-far up\n"
	"link set lo up\nlink set nic up\nlink set pod-a up\nlink set pod-b up\n"
	"address add 192.0.2.1/24 dev nic\n"
	"address add 2001:db8::1/64 dev nic nodad\n"
	"neighbour add 192.0.2.9 lladdr 02:00:00:00:00:02 dev nic nud permanent\n"
	"neighbour add 2001:db8::9 lladdr 02:00:00:00:00:02 dev nic nud permanent\n"
	"neighbour add 192.0.2.2 lladdr 02:00:00:00:00:03 dev nic nud permanent\n"
	"neighbour add 2001:db8::2 lladdr 02:00:00:00:00:03 dev nic nud permanent\n"
	"neighbour add 172.17.0.2 lladdr 02:00:00:00:00:05 dev pod-a nud permanent\n"
	"neighbour add fd00:17:0::2 lladdr 02:00:00:00:00:05 dev pod-a nud permanent\n"
	"neighbour add 172.17.0.3 lladdr 02:00:00:00:00:07 dev pod-b nud permanent\n"
	"neighbour add fd00:17:0::3 lladdr 02:00:00:00:00:07 dev pod-b nud permanent\n"
	"route add 172.17.0.2/32 dev pod-a\nroute add fd00:17:0::2/128 dev pod-a\n"
	"route add 172.17.0.3/32 dev pod-b\nroute add fd00:17:0::3/128 dev pod-b\n"
	"route add 172.17.1.0/24 via 192.0.2.2\nroute add fd00:17:1::/64 via 2001:db8::2\n"
	"route add 172.17.2.0/24 via 192.0.2.200\nroute add fd00:17:2::/64 via 2001:db8::200\n";

static void write_sysctl(const char *path)
{
	int fd = open(path, O_WRONLY);

	network_must(fd, path);
	network_must((int)write(fd, "1", 1), path);
	close(fd);
}

static void ip_batch(const char *commands)
{
	int pipes[2], status;
	pid_t child;

	network_must(pipe(pipes), "pipe");
	child = fork();
	network_must(child, "fork");
	if (!child) {
		dup2(pipes[0], 0);
		close(pipes[0]);
		close(pipes[1]);
		execlp("ip", "ip", "-batch", "-", (char *)NULL);
		_exit(127);
	}
	close(pipes[0]);
	network_must((int)write(pipes[1], commands, strlen(commands)), "ip -batch");
	close(pipes[1]);
	network_must(waitpid(child, &status, 0), "waitpid");
	errno = EIO;
	network_must(status ? -1 : 0, "ip -batch");
}

void network_open(struct network *ret)
{
	network_must(unshare(CLONE_NEWNET), "a network namespace (root?)");
	ip_batch(network);
	write_sysctl("/proc/sys/net/ipv4/ip_forward");
	write_sysctl("/proc/sys/net/ipv6/conf/all/forwarding");
	ret->nic = if_nametoindex("nic");
	ret->pod_a = if_nametoindex("pod-a");
	ret->pod_b = if_nametoindex("pod-b");
}
