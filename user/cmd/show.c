/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/show.h"

#include <errno.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/text.h"

#define OUTPUTS "wide|json|yaml"
#define LIST_SHOWN 3

static const struct show_kind *const kinds[] = {
	&show_svc, &show_endpoints, &show_flows, &show_affinity, &show_nat,  &show_maglev,
	&show_dns, &show_stats,	    &show_drops, &show_devices,	 &show_meta,
};

static const struct option show_options[] = {
	{ "output", 'o', OUTPUTS, "more columns, or the data itself" },
	{ "service", 0, "NS/NAME:PORT", "of this service only" },
	{ "backend", 0, "ADDR:PORT", "of this backend only" },
	{ "client", 0, "ADDR:PORT", "of this client only" },
	{ "state", 0, "STATE", "flows or endpoints in this state only" },
	{ "watch", 'w', NULL, "look again every second, and show what changed" },
	{ "rate", 0, NULL, "svc, endpoints: also what was counted within a second" },
	{ 0 },
};

/* ------------------------------------------------------------ for the kinds -- */

bool show_skips(const struct show *show, const char *ns)
{
	return show->cli->ns_given && !show->cli->all_namespaces && strcmp(show->cli->ns, ns) != 0;
}

const char *show_protocol(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_SCTP:
		return "SCTP";
	default:
		return "?";
	}
}

json_t *show_addr_port(const struct lb_addr *addr, __be16 port)
{
	char text[ADDR_PORT_TEXT];

	return addr_is_zero(addr) ? json_null() : json_string(addr_port_format(addr, port, text));
}

json_t *show_service(const struct lb_name *name)
{
	return name ? json_sprintf("%s/%s:%u", name->namespace, name->name, ntohs(name->port))
		    : json_null();
}

static int service_order(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_service *service = item;

	return (*id > service->id) - (*id < service->id);
}

const struct lb_name *show_name_find(const struct actual *actual, uint32_t id)
{
	const struct actual_service *service = bsearch(&id, actual->services, actual->n_services,
						       sizeof(*actual->services), service_order);

	return service ? &service->name : NULL;
}

static int backend_order(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_backend *backend = item;

	return (*id > backend->id) - (*id < backend->id);
}

const struct lb_backend *show_backend_find(const struct actual *actual, uint32_t id)
{
	const struct actual_backend *backend = bsearch(&id, actual->backends, actual->n_backends,
						       sizeof(*actual->backends), backend_order);

	return backend ? &backend->value : NULL;
}

json_t *show_addr(const struct lb_addr *addr)
{
	char text[ADDR_TEXT];

	return addr_is_zero(addr) ? json_null() : json_string(addr_format(addr, text));
}

/* ------------------------------------------------------------------ tables -- */

static void print_list(FILE *out, const json_t *list)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < LIST_SHOWN; i++) {
		const json_t *item = json_array_get(list, i);

		if (i)
			fputc(',', out);
		show_cell(out, json_is_object(item) ? json_object_get(item, "address") : item);
	}
	if (n > LIST_SHOWN)
		fprintf(out, " + %zu more...", n - LIST_SHOWN);
	if (!n)
		fputs("<none>", out);
}

void show_cell(FILE *out, const json_t *cell)
{
	if (json_is_string(cell))
		fputs(json_string_value(cell), out);
	else if (json_is_integer(cell))
		fprintf(out, "%lld", (long long)json_integer_value(cell));
	else if (json_is_boolean(cell))
		fputs(json_is_true(cell) ? "yes" : "no", out);
	else if (json_is_array(cell))
		print_list(out, cell);
	else
		fputs("<none>", out);
}

static void print_row(const struct show *show, const struct show_column *columns, const json_t *row,
		      FILE *out)
{
	for (const struct show_column *column = columns; column->title; column++) {
		if (column->wide && show->output != OUTPUT_WIDE)
			continue;
		if (column != columns)
			fputc('\t', out);
		if (row)
			show_cell(out, json_object_get(row, column->key));
		else
			fputs(column->title, out);
	}
	fputc('\n', out);
}

void show_table(const struct show *show, const struct show_column *columns, const json_t *rows,
		bool header, struct table *table)
{
	cleanup_free char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);
	const json_t *row;

	if (header)
		print_row(show, columns, NULL, out);
	json_array_foreach (rows, i, row)
		print_row(show, columns, row, out);
	fclose(out);
	table_print(table, stdout, text);
}

void show_piece(const struct show *show, json_t *rows, bool first, bool last)
{
	cleanup_free char *text = NULL;
	char *body, *end;
	size_t size;
	FILE *out;

	/* A list of YAML is its items, one behind the other. */
	if (show->output == OUTPUT_YAML) {
		if (json_array_size(rows) || (first && last))
			output_json(stdout, show->output, rows);
		return;
	}
	if (!json_array_size(rows)) {
		fputs(first ? "[]\n" : "\n]\n", stdout);
		return;
	}
	/* "[\n…\n]\n" without its brackets. */
	out = open_memstream(&text, &size);
	output_json(out, show->output, rows);
	fclose(out);
	body = text + strlen("[\n");
	end = text + size - strlen("\n]\n");
	*end = '\0';
	printf("%s%s%s", first ? "[\n" : ",\n", body, last ? "\n]\n" : "");
}

/* ----------------------------------------------------------------- command -- */

static const struct show_kind *kind_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i]->name, name) ||
		    (kinds[i]->alias && !strcmp(kinds[i]->alias, name)))
			return kinds[i];
	return NULL;
}

static int kind_unknown(const struct cli *cli, const char *name)
{
	const char *words[ARRAY_LEN(kinds) + 1] = { 0 };
	const char *nearest;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		words[i] = kinds[i]->name;
	nearest = text_nearest(name, words);
	return cli_usage(cli, "\"%s\" is nothing that can be shown%s%s%s", name,
			 nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			 nearest ? "\"?" : "");
}

static int kind_check(const struct show_kind *kind, const struct show *show, struct err *err)
{
	if (cli_switch(show->cli, "rate") && !kind->rates)
		return err_set(err, -EINVAL, "--rate is for svc and endpoints");
	return show_filter_check(show, err);
}

static int show_run(struct cli *cli)
{
	const struct show_kind *kind = kind_find(cli->args[0]);
	struct show show = { .cli = cli };
	struct err err;
	int r;

	if (!kind)
		return kind_unknown(cli, cli->args[0]);
	if (output_parse(cli, OUTPUTS, &show.output, &err) || kind_check(kind, &show, &err))
		return cli_usage(cli, "%s", err.text);
	r = datapath_open(&cli->paths, &show.dp, &err);
	if (r)
		return cli_fail(&err);
	r = kind->run ? kind->run(&show, &err) : show_watch(kind, &show, &err);
	datapath_close(show.dp);
	return r ? cli_fail(&err) : CLI_OK;
}

const struct command cmd_show = {
	.name = "show",
	.args = "svc|endpoints|flows|affinity|nat|maglev|dns|stats|drops|devices|meta [NAME...]",
	.summary = "Show what the datapath has, from the maps alone",
	.details = "Works without the agent and without the objects: this is what packets meet.\n"
		   "\n"
		   "  lbctl show svc kubia --rate\n"
		   "  lbctl show flows --service default/kubia:80\n"
		   "  lbctl show drops\n"
		   "  lbctl show svc -o json",
	.options = show_options,
	.min_args = 1,
	.max_args = -1,
	.run = show_run,
};
