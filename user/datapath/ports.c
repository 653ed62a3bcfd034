/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/ports.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define SYSCTL "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define PORTS 65536

/* "8080,10000-29999", as the kernel prints it. */
static void ports_parse(const char *text, bool *ports)
{
	unsigned int first, last;
	int used;

	while (sscanf(text, "%5u%n", &first, &used) == 1) {
		text += used;
		last = first;
		if (sscanf(text, "-%5u%n", &last, &used) == 1)
			text += used;
		for (unsigned int port = first; port <= last && port < PORTS; port++)
			ports[port] = true;
		if (*text == ',')
			text++;
	}
}

static char *ports_format(const bool *ports)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (unsigned int port = 0; port < PORTS; port++) {
		unsigned int first = port;

		if (!ports[port])
			continue;
		while (port + 1 < PORTS && ports[port + 1])
			port++;
		fprintf(out, first == port ? "%s%u" : "%s%u-%u", ftell(out) ? "," : "", first,
			port);
	}
	fclose(out);
	return text;
}

static int ports_read(bool *ports)
{
	cleanup_fclose FILE *in = fopen(SYSCTL, "re");
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (!in)
		return -errno;
	if (getline(&line, &size, in) > 0)
		ports_parse(line, ports);
	return 0;
}

/* One write: the kernel takes the whole list at a time. */
static int ports_write(const bool *ports)
{
	cleanup_free char *text = ports_format(ports);
	FILE *out = fopen(SYSCTL, "we");
	int r;

	if (!out)
		return -errno;
	setvbuf(out, NULL, _IOFBF, strlen(text) + 2);
	fprintf(out, "%s\n", text);
	r = fclose(out) ? -errno : 0;
	return r;
}

static void ports_remove(bool *ports, const char *text)
{
	cleanup_free bool *removed = xcalloc(PORTS, sizeof(*removed));

	ports_parse(text ? text : "", removed);
	for (unsigned int port = 0; port < PORTS; port++)
		ports[port] &= !removed[port];
}

int ports_reserve(uint16_t first, uint16_t last, char **added, struct err *err)
{
	cleanup_free bool *ports = xcalloc(PORTS, sizeof(*ports));
	cleanup_free bool *ours = xcalloc(PORTS, sizeof(*ours));
	int r = ports_read(ports);

	if (r)
		return err_sys(err, r, "cannot read %s", SYSCTL);
	ports_remove(ports, *added);
	for (unsigned int port = first; port <= last; port++) {
		ours[port] = !ports[port];
		ports[port] = true;
	}
	r = ports_write(ports);
	if (r)
		return err_sys(err, r, "cannot reserve the ports %u-%u in %s", first, last, SYSCTL);
	free(*added);
	*added = ports_format(ours);
	return 0;
}

void ports_release(const char *added)
{
	cleanup_free bool *ports = xcalloc(PORTS, sizeof(*ports));

	if (!added || ports_read(ports))
		return;
	ports_remove(ports, added);
	/* Failing leaves a few ports reserved: no reason not to detach. */
	(void)!ports_write(ports);
}
