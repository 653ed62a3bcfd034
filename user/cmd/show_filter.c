/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows were asked for: names, --service, --backend, --client, --state. */
#include <errno.h>
#include <string.h>

#include "user/cmd/show.h"
#include "user/util/cleanup.h"
#include "user/util/num.h"

static const char *const states[] = { "active",	       "draining",    "terminating",
				      "gone",	       "half-open",   "one-way",
				      "replied",       "established", "client-closed",
				      "server-closed", "closed" };

static int check_place(const char *option, const char *filter, struct err *err)
{
	struct lb_addr addr;
	__be16 port;

	if (!filter || !addr_parse(filter, &addr) || !addr_port_parse(filter, &addr, &port))
		return 0;
	return err_set(err, -EINVAL, "--%s: \"%s\" is neither an address nor ADDRESS:PORT", option,
		       filter);
}

static int check_state(const char *filter, struct err *err)
{
	if (!filter)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcmp(states[i], filter))
			return 0;
	return err_set(err, -EINVAL, "--state: \"%s\" is no state of a flow or an endpoint",
		       filter);
}

int show_filter_check(const struct show *show, struct err *err)
{
	int r = check_place("backend", cli_option(show->cli, "backend"), err);

	r = r ?: check_place("client", cli_option(show->cli, "client"), err);
	return r ?: check_state(cli_option(show->cli, "state"), err);
}

bool show_wants_place(const char *filter, const struct lb_addr *addr, __be16 port)
{
	struct lb_addr wanted;
	__be16 wanted_port;

	if (!filter)
		return true;
	if (!addr_parse(filter, &wanted))
		return !addr_compare(&wanted, addr);
	return !addr_port_parse(filter, &wanted, &wanted_port) && wanted_port == port &&
	       !addr_compare(&wanted, addr);
}

/* "[NAMESPACE/]NAME[:PORT]", the port by number or name (NULL: it is not known). */
static bool matches_service(const char *filter, const char *ns, const char *name, unsigned int port,
			    const char *port_name)
{
	const char *slash = strchr(filter, '/');
	const char *rest = slash ? slash + 1 : filter;
	size_t length = strcspn(rest, ":");
	char number[8];

	if (slash && (strlen(ns) != (size_t)(slash - filter) ||
		      strncmp(ns, filter, (size_t)(slash - filter)) != 0))
		return false;
	if (strlen(name) != length || strncmp(name, rest, length) != 0)
		return false;
	snprintf(number, sizeof(number), "%u", port);
	return !rest[length] || !strcmp(rest + length + 1, number) ||
	       (port_name && !strcmp(rest + length + 1, port_name));
}

static bool wants(const struct show *show, const char *ns, const char *name, unsigned int port,
		  const char *port_name)
{
	const char *filter = cli_option(show->cli, "service");
	bool named = show->cli->n_args < 2;

	if (show_skips(show, ns) || (filter && !matches_service(filter, ns, name, port, port_name)))
		return false;
	for (size_t i = 1; i < show->cli->n_args && !named; i++)
		named = matches_service(show->cli->args[i], ns, name, port, port_name);
	return named;
}

bool show_wants_service(const struct show *show, const struct lb_name *name)
{
	if (name)
		return wants(show, name->namespace, name->name, ntohs(name->port), name->port_name);
	/* Of no service any more: only who asks for everything gets it. */
	return show->cli->n_args < 2 && !cli_option(show->cli, "service");
}

/* A cell that holds "address:port", or "address" alone. */
static bool cell_is_place(const char *filter, const json_t *cell)
{
	struct lb_addr addr;
	__be16 port = 0;

	if (!filter)
		return true;
	if (!json_is_string(cell))
		return false;
	if (addr_port_parse(json_string_value(cell), &addr, &port) &&
	    addr_parse(json_string_value(cell), &addr))
		return false;
	return show_wants_place(filter, &addr, port);
}

static bool row_is_wanted(const struct show *show, const json_t *row)
{
	const char *state = cli_option(show->cli, "state"), *backend, *name, *ns;
	const json_t *address = json_object_get(row, "address"), *cell;

	backend = cli_option(show->cli, "backend");
	name = json_string_value(json_object_get(row, "name"));
	ns = json_string_value(json_object_get(row, "namespace"));
	cell = json_object_get(row, "state");
	if (state && (!json_is_string(cell) || strcmp(state, json_string_value(cell)) != 0))
		return false;
	if (!cell_is_place(backend, address ? address : json_object_get(row, "backend")) ||
	    !cell_is_place(cli_option(show->cli, "client"), json_object_get(row, "client")))
		return false;
	if (!name)
		return show_wants_service(show, NULL);
	return wants(show, ns ? ns : "", name,
		     (unsigned int)json_integer_value(json_object_get(row, "port")),
		     json_string_value(json_object_get(row, "portName")));
}

void show_filter_rows(const struct show *show, json_t *rows)
{
	for (size_t i = json_array_size(rows); i-- > 0;) {
		json_t *row = json_array_get(rows, i);

		if (row_is_wanted(show, row))
			json_object_del(row, "portName"); /* for --service NAME:PORT alone */
		else
			json_array_remove(rows, i);
	}
}
