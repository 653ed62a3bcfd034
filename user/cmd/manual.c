/* SPDX-License-Identifier: Apache-2.0 */
/* The manual's pages, from the table of commands: roff with the macros of man(7). */
#include <ctype.h>
#include <string.h>

#include "user/cmd/command.h"
#include "user/util/version.h"

/* ---------------------------------------------------------------------- roff -- */

/* Characters that roff would take for something else, or print as others. */
static void text_put(FILE *out, const char *text, size_t length)
{
	static const struct {
		char letter;
		const char *roff;
	} special[] = {
		{ '\\', "\\e" },  { '-', "\\-" },   { '\'', "\\(aq" }, { '^', "\\(ha" },
		{ '~', "\\(ti" }, { '`', "\\(ga" }, { '"', "\\(dq" },
	};

	/* A line that begins with a dot is a request. */
	if (length && *text == '.')
		fputs("\\&", out);
	for (size_t i = 0; i < length; i++) {
		const char *roff = NULL;

		for (size_t j = 0; j < sizeof(special) / sizeof(*special); j++)
			if (special[j].letter == text[i])
				roff = special[j].roff;
		if (roff)
			fputs(roff, out);
		else
			fputc(text[i], out);
	}
}

static void text_put_all(FILE *out, const char *text)
{
	text_put(out, text, strlen(text));
}

/* font: B or I. */
static void font_put(FILE *out, char font, const char *text)
{
	fprintf(out, "\\f%c", font);
	text_put_all(out, text);
	fputs("\\fR", out);
}

static void capitals_put(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(toupper((unsigned char)*text), out);
}

static void head_put(FILE *out, const char *command, const char *summary)
{
	fputs(".TH LBCTL", out);
	if (command) {
		fputs("\\-", out);
		capitals_put(out, command);
	}
	fprintf(out, " 1 \"%s\" \"lbctl ", version_date());
	text_put_all(out, version_text());
	fputs("\" \"User Commands\"\n.SH NAME\nlbctl", out);
	if (command) {
		fputs("\\-", out);
		text_put_all(out, command);
	}
	fputs(" \\- ", out);
	text_put_all(out, summary);
	fputc('\n', out);
}

/* ----------------------------------------------------------------- paragraphs -- */

/*
 * Help is written for terminals: blank lines part paragraphs, indented lines stay as they are, and
 * "Examples:" begins what has a section of its own here.
 */
struct paragraphs {
	FILE *out;
	bool begun; /* the section has a line */
	bool as_is; /* between .EX and .EE */
	bool blank; /* a paragraph is due, if anything follows */
};

static void paragraph_end(struct paragraphs *p)
{
	if (p->as_is)
		fputs(".EE\n.RE\n", p->out);
	p->as_is = false;
}

static void line_put(struct paragraphs *p, const char *line, size_t length)
{
	bool indented = length > 2 && !memcmp(line, "  ", 2);

	if (!length) {
		p->blank = true;
		return;
	}
	if (length == 9 && !memcmp(line, "Examples:", 9)) {
		paragraph_end(p);
		fputs(".SH EXAMPLES\n", p->out);
		p->blank = p->begun = false;
		return;
	}
	if (indented && p->as_is && p->blank)
		fputc('\n', p->out);
	if (indented != p->as_is) {
		paragraph_end(p);
		if (indented)
			fprintf(p->out, "%s.RS 4\n.EX\n", p->begun ? ".PP\n" : "");
		p->as_is = indented;
	}
	if (!indented && p->blank && p->begun)
		fputs(".PP\n", p->out);
	p->blank = false;
	p->begun = true;
	text_put(p->out, indented ? line + 2 : line, indented ? length - 2 : length);
	fputc('\n', p->out);
}

static void details_put(FILE *out, const char *text)
{
	struct paragraphs p = { .out = out };

	for (size_t length; *text; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		line_put(&p, text, length);
	}
	paragraph_end(&p);
}

/* -------------------------------------------------------------------- options -- */

static void option_put(FILE *out, const struct option *option)
{
	char name[64];

	fputs(".TP\n", out);
	if (option->letter) {
		snprintf(name, sizeof(name), "-%c", option->letter);
		font_put(out, 'B', name);
		fputs(", ", out);
	}
	snprintf(name, sizeof(name), "--%s", option->name);
	font_put(out, 'B', name);
	if (option->argument) {
		if (*option->argument != '[')
			fputc(' ', out);
		font_put(out, 'I', option->argument);
	}
	fputc('\n', out);
	text_put_all(out, option->help);
	fputc('\n', out);
}

static void options_put(FILE *out, const struct option *options)
{
	for (; options && options->name; options++)
		option_put(out, options);
}

/* --------------------------------------------------------------------- pages -- */

static const char exit_status[] = ".SH EXIT STATUS\n"
				  ".TP\n0\ndone\n"
				  ".TP\n1\nfailed\n"
				  ".TP\n2\nthe command line was not understood\n"
				  ".TP\n3\nchecked, and found something: diff, doctor, verify\n";

static const char files[] = ".SH FILES\n"
			    ".TP\n.I /etc/lbctl/config.yaml\nthe node\\(aqs configuration\n"
			    ".TP\n.I /var/lib/lbctl/state\nobjects, a YAML file each\n"
			    ".TP\n.I /run/lbctl\nthe agent\\(aqs socket, locks, what is attached\n"
			    ".TP\n.I /sys/fs/bpf/lbctl\npinned maps, programs and links\n"
			    ".SH ENVIRONMENT\n"
			    ".TP\n.B LBCTL_ROOT\nsee \\fB\\-\\-root\\fR\n"
			    ".TP\n.B NO_COLOR\nno colours, also on a terminal\n"
			    ".TP\n.B EDITOR\nwhat \\fBlbctl edit\\fR opens\n";

static void command_page(FILE *out, const struct command *command)
{
	head_put(out, command->name, command->summary);
	fputs(".SH SYNOPSIS\n", out);
	fputs("\\fBlbctl ", out);
	text_put_all(out, command->name);
	fputs("\\fR ", out);
	if (command->args && *command->args) {
		text_put_all(out, command->args);
		fputc(' ', out);
	}
	fputs("[OPTIONS]\n", out);
	if (command->details) {
		fputs(".SH DESCRIPTION\n", out);
		details_put(out, command->details);
	}
	fputs(".SH OPTIONS\n", out);
	options_put(out, command->options);
	options_put(out, cli_global_options);
	fputs(exit_status, out);
	fputs(".SH SEE ALSO\n.BR lbctl (1)\n", out);
}

static void main_page(FILE *out)
{
	head_put(out, NULL, "Kubernetes Services in the kernel: XDP, TC and socket programs");
	fputs(".SH SYNOPSIS\n\\fBlbctl\\fR \\fICOMMAND\\fR [ARGUMENTS] [OPTIONS]\n"
	      ".SH DESCRIPTION\n"
	      "BPF programs at XDP, TC and the socket find the Service that a packet or a "
	      "connection\n"
	      "is for, choose one of its endpoints, rewrite the addresses and send it on. lbctl "
	      "turns\n"
	      "Kubernetes objects into the maps that these programs read: as a command line with\n"
	      "kubectl\\(aqs words, and as a daemon, \\fBlbctl agent\\fR.\n"
	      ".SH COMMANDS\n",
	      out);
	for (const struct command *const *c = commands; *c; c++) {
		fputs(".TP\n\\fBlbctl\\-", out);
		text_put_all(out, (*c)->name);
		fputs("\\fR(1)\n", out);
		text_put_all(out, (*c)->summary);
		fputc('\n', out);
	}
	fputs(".SH OPTIONS\n", out);
	options_put(out, cli_global_options);
	fputs(exit_status, out);
	fputs(files, out);
}

static int manual_run(struct cli *cli)
{
	const struct command *command;

	if (!cli->n_args) {
		main_page(stdout);
		return CLI_OK;
	}
	command = command_find(cli->args[0]);
	if (!command)
		return cli_usage(cli, "unknown command \"%s\"", cli->args[0]);
	command_page(stdout, command);
	return CLI_OK;
}

const struct command cmd_manual = {
	.name = "manual",
	.args = "[COMMAND]",
	.summary = "Print a page of the manual, for man to show",
	.details = "\"make install\" installs all of them: man lbctl, man lbctl-get.\n"
		   "\n"
		   "Examples:\n"
		   "  lbctl manual get | man -l -\n",
	.max_args = 1,
	.standalone = true,
	.run = manual_run,
};
