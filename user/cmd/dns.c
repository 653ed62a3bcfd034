/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "user/cmd/dns.h"
#include "user/cmd/resource.h"
#include "user/dns/builtin.h"
#include "user/dns/dump.h"
#include "user/dns/stub.h"
#include "user/util/cleanup.h"
#include "user/util/table.h"
#include "user/util/vec.h"

#define TYPES_MAX 2

/* What is asked: each name, in order, for each type, until one is there. */
struct lookup {
	struct addr_port server;
	struct name names[STUB_SEARCH];
	size_t n_names;
	const char *types[TYPES_MAX];
	size_t n_types;
};

/* ------------------------------------------------------------------- the server -- */

/* The cluster's DNS address, else one of dns.listen. */
static int server_find(const struct cli *cli, struct lookup *lookup, struct stub_answer *answer,
		       struct err *err)
{
	const struct dns_config *dns = &cli->config.dns;
	struct addr_port_list servers = { 0 };
	int code = err_set(err, -ENOENT, "no DNS address: dns.address in the configuration");
	uint16_t type;

	for (size_t i = 0; i < dns->addresses.n; i++)
		vec_push(&servers,
			 ((struct addr_port){ dns->addresses.items[i], htons(BUILTIN_PORT) }));
	for (size_t i = 0; i < dns->listen.n; i++)
		vec_push(&servers, dns->listen.items[i]);
	if (stub_type_parse(lookup->types[0], &type))
		type = 1;
	for (size_t i = 0; i < servers.n && code; i++) {
		struct err cause;
		int tried = stub_ask(&servers.items[i], &lookup->names[0], type, answer, &cause);

		/* The first one's reason is the one to tell. */
		if (!tried || !i)
			code = tried ? err_set(err, tried, "%s", cause.text) : 0;
		lookup->server = servers.items[i];
	}
	vec_free(&servers);
	return code;
}

/* -------------------------------------------------------------------- the steps -- */

static void step_print(FILE *out, const struct name *name, const char *type,
		       const struct stub_answer *answer)
{
	char text[NAME_TEXT];

	fprintf(out, "%s\t%s\t%s\t", name_format(name->wire, text), type, answer->status);
	for (size_t i = 0; i < answer->n; i++)
		fprintf(out, "%s%s", i ? ", " : "", answer->items[i]);
	fputc('\n', out);
}

/* One name, every type. ret_found: some record is there. */
static int name_ask(const struct lookup *lookup, const struct name *name, FILE *out,
		    bool *ret_found, struct err *err)
{
	for (size_t i = 0; i < lookup->n_types; i++) {
		struct stub_answer answer;
		uint16_t type;
		int code = stub_type_parse(lookup->types[i], &type);

		if (code)
			return err_set(err, code, "%s is no type of records", lookup->types[i]);
		code = stub_ask(&lookup->server, name, type, &answer, err);
		if (code)
			return code;
		step_print(out, name, lookup->types[i], &answer);
		*ret_found |= answer.n > 0;
		stub_answer_done(&answer);
	}
	return 0;
}

static int steps_run(const struct lookup *lookup, FILE *out, size_t *ret_found, struct err *err)
{
	bool found = false;

	fputs("NAME\tTYPE\tSTATUS\tANSWER\n", out);
	for (size_t i = 0; i < lookup->n_names; i++) {
		int code = name_ask(lookup, &lookup->names[i], out, &found, err);

		if (code)
			return code;
		if (found) {
			*ret_found = i;
			return 0;
		}
	}
	*ret_found = lookup->n_names;
	return 0;
}

static int lookup_run(const struct cli *cli, struct lookup *lookup)
{
	cleanup_free char *text = NULL;
	struct table table = TABLE_GET;
	char name[NAME_TEXT], server[ADDR_PORT_TEXT];
	struct stub_answer answer = { 0 };
	size_t size, found = 0;
	struct err err;
	FILE *out;
	int code = server_find(cli, lookup, &answer, &err);

	stub_answer_done(&answer);
	if (code) {
		err_wrap(&err, code,
			 "no DNS server: does lbctl agent run, with a datapath attached?");
		return cli_fail(&err);
	}
	out = open_memstream(&text, &size);
	code = steps_run(lookup, out, &found, &err);
	fclose(out);
	table_print(&table, stdout, text);
	fflush(stdout);
	if (code)
		return cli_fail(&err);
	addr_port_format(&lookup->server.addr, lookup->server.port, server);
	if (found == lookup->n_names) {
		fprintf(stderr, "%s has no answer at any step\n", server);
		return CLI_FAILED;
	}
	printf("%s answered at step %zu: %s\n", server, found + 1,
	       name_format(lookup->names[found].wire, name));
	return CLI_OK;
}

/* ------------------------------------------------------------------- the command -- */

static int dns_run(struct cli *cli)
{
	struct lookup lookup = { .types = { "A", "AAAA" }, .n_types = 2 };
	struct lb_addr addr;
	uint16_t type;

	if (cli->all_namespaces)
		return cli_usage(cli, "a pod lives in one namespace: name it with -n");
	if (!addr_parse(cli->args[0], &addr)) {
		name_reverse(&addr, &lookup.names[0]);
		lookup.n_names = 1;
		lookup.types[0] = "PTR";
		lookup.n_types = 1;
	} else {
		lookup.n_names =
			stub_search(cli->args[0], cli->ns, cli->config.dns.domain, lookup.names);
	}
	if (!lookup.n_names)
		return cli_usage(cli, "\"%s\" is no domain name", cli->args[0]);
	if (cli->n_args > 1) {
		if (stub_type_parse(cli->args[1], &type))
			return cli_usage(cli, "\"%s\" is no type of records", cli->args[1]);
		lookup.types[0] = cli->args[1];
		lookup.n_types = 1;
	}
	return lookup_run(cli, &lookup);
}

const struct command cmd_dns = {
	.name = "dns",
	.args = "(NAME | ADDRESS) [TYPE]",
	.summary = "Look a name up as a pod would, step by step",
	.details =
		"Asks the agent's DNS server for what a pod of the namespace asks for: a name "
		"with\n"
		"fewer than five dots is looked for in NAMESPACE.svc.DOMAIN, svc.DOMAIN and "
		"DOMAIN\n"
		"before it is taken as it is. Each step is shown, and the one that has an answer\n"
		"ends the search. Without TYPE it asks for A and AAAA, as programs do, and for "
		"PTR\n"
		"of an address. \"lbctl get dns\" lists all records.\n"
		"\n"
		"Examples:\n"
		"  lbctl dns kubia\n"
		"  lbctl dns -n shop kubia.default\n"
		"  lbctl dns _http._tcp.kubia SRV\n"
		"  lbctl dns 10.96.0.1",
	.min_args = 1,
	.max_args = 2,
	.run = dns_run,
};

/* ---------------------------------------------------------------------- get dns -- */

int get_dns(const struct cli *cli, bool headers)
{
	cleanup_free char *text = NULL, *below_text = NULL;
	struct table table = TABLE_GET;
	struct store *store;
	struct zone *zone;
	struct name below;
	struct err err;
	size_t size, n;
	FILE *out;

	if (resource_store_load(cli, &store, &err))
		return cli_fail(&err);
	(void)builtin_add(store, &cli->config);
	zone = zone_new(store, &cli->config, 0);
	store_free(store);
	out = open_memstream(&text, &size);
	if (headers)
		fputs("NAME\tTTL\tTYPE\tDATA\n", out);
	below_text = xasprintf("%s.svc.%s", cli->ns, cli->config.dns.domain);
	n = name_parse(below_text, &below)
		    ? 0
		    : dump_zone(out, zone, cli->all_namespaces ? NULL : &below);
	fclose(out);
	zone_free(zone);
	if (n)
		table_print(&table, stdout, text);
	else
		fprintf(stderr, "No records found in %s namespace.\n", cli->ns);
	return CLI_OK;
}
