/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/show.h"

#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/text.h"

#define OUTPUTS "wide|json|yaml"
#define LIST_SHOWN 3

static const struct show_kind *const kinds[] = {
	&show_svc,   &show_endpoints, &show_flows, &show_stats,
	&show_drops, &show_devices,   &show_meta,
};

static const struct option show_options[] = {
	{ "output", 'o', OUTPUTS, "more columns, or the data itself" },
	{ "service", 0, "NS/NAME:PORT", "flows of this service only" },
	{ "backend", 0, "ADDR:PORT", "flows to this backend only" },
	{ "client", 0, "ADDR:PORT", "flows of this client only" },
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
	default:
		return "?";
	}
}

json_t *show_addr_port(const struct lb_addr *addr, __be16 port)
{
	char text[ADDR_PORT_TEXT];

	return addr_is_zero(addr) ? json_null() : json_string(addr_port_format(addr, port, text));
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

static int kind_show(const struct show_kind *kind, struct show *show, struct err *err)
{
	cleanup_json json_t *rows = json_array();
	struct table table = TABLE_GET;
	int r;

	if (kind->run)
		return kind->run(show, err);
	r = kind->rows(show, rows, err);
	if (r)
		return r;
	if (show->output == OUTPUT_JSON || show->output == OUTPUT_YAML)
		output_json(stdout, show->output, rows);
	else if (json_array_size(rows))
		show_table(show, kind->columns, rows, true, &table);
	else
		fprintf(stderr, "%s\n", kind->nothing);
	return 0;
}

static int show_run(struct cli *cli)
{
	const struct show_kind *kind = kind_find(cli->args[0]);
	struct show show = { .cli = cli };
	struct err err;
	int r;

	if (!kind)
		return kind_unknown(cli, cli->args[0]);
	if (output_parse(cli, OUTPUTS, &show.output, &err))
		return cli_usage(cli, "%s", err.text);
	r = datapath_open(&cli->paths, &show.dp, &err);
	if (r)
		return cli_fail(&err);
	r = kind_show(kind, &show, &err);
	datapath_close(show.dp);
	return r ? cli_fail(&err) : CLI_OK;
}

const struct command cmd_show = {
	.name = "show",
	.args = "svc|endpoints|flows|stats|drops|devices|meta",
	.summary = "Show what the datapath has, from the maps alone",
	.details = "Works without the agent and without the objects: this is what packets meet.\n"
		   "\n"
		   "  lbctl show svc\n"
		   "  lbctl show flows --service default/kubia:80\n"
		   "  lbctl show drops\n"
		   "  lbctl show svc -o json",
	.options = show_options,
	.min_args = 1,
	.max_args = 1,
	.run = show_run,
};
