/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/version.h"

#include <errno.h>
#include <sys/utsname.h>

#include "user/cmd/command.h"
#include "user/cmd/output.h"
#include "user/datapath/features.h"
#include "user/util/cleanup.h"
#include "user/util/table.h"

#define OUTPUTS "json|yaml"

static const struct option options[] = {
	{ "output", 'o', OUTPUTS, "the same as data" },
	{ 0 },
};

/* ok: this process may try at all. */
static json_t *feature_json(const struct feature *feature, bool ok)
{
	int there = ok ? feature->try() : -EPERM;

	return json_pack("{s:s, s:o, s:s, s:s?}", "name", feature->name, "found",
			 there < 0 ? json_null() : json_boolean(there), "use", feature->use,
			 "without", feature->without);
}

static json_t *version_json(bool ok)
{
	json_t *list = json_array();
	struct utsname system;

	uname(&system);
	for (const struct feature *feature = features; feature->name; feature++)
		json_array_append_new(list, feature_json(feature, ok));
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "version", version_text(), "date",
			 version_date(), "kernel", system.release, "machine", system.machine,
			 "features", list);
}

static const char *found_text(const json_t *found)
{
	if (json_is_null(found))
		return "unknown";
	return json_is_true(found) ? "yes" : "no";
}

static void features_print(const json_t *list)
{
	struct table table = TABLE_GET;
	cleanup_free char *text = NULL;
	const json_t *feature;
	size_t i, size;
	FILE *out = open_memstream(&text, &size);

	fputs("FEATURE\tFOUND\tUSE\tWITHOUT IT\n", out);
	json_array_foreach (list, i, feature) {
		const char *without = json_string_value(json_object_get(feature, "without"));

		fprintf(out, "%s\t%s\t%s\t%s\n",
			json_string_value(json_object_get(feature, "name")),
			found_text(json_object_get(feature, "found")),
			json_string_value(json_object_get(feature, "use")),
			without ? without : "lbctl does not work");
	}
	fclose(out);
	table_print(&table, stdout, text);
}

static int version_run(struct cli *cli)
{
	enum output output;
	struct err err;
	json_t *version;
	bool ok;

	if (output_parse(cli, OUTPUTS, &output, &err))
		return cli_usage(cli, "%s", err.text);
	ok = !features_permitted(&err);
	version = version_json(ok);
	if (output != OUTPUT_PLAIN) {
		output_json(stdout, output, version);
	} else {
		printf("lbctl %s\nLinux %s %s\n\n", version_text(),
		       json_string_value(json_object_get(version, "kernel")),
		       json_string_value(json_object_get(version, "machine")));
		features_print(json_object_get(version, "features"));
		if (!ok)
			printf("\nWhat the kernel can do is found by trying: %s.\n", err.text);
	}
	json_decref(version);
	return CLI_OK;
}

const struct command cmd_version = {
	.name = "version",
	.args = "",
	.summary = "Print the version of this binary, and what the kernel can do for it",
	.details = "Features are found by trying, and taken back at once. The first line is the "
		   "version.\n"
		   "\n"
		   "Examples:\n"
		   "  lbctl version\n"
		   "  lbctl version -o json\n",
	.options = options,
	.standalone = true,
	.run = version_run,
};
