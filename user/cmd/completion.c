/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "user/cmd/command.h"
#include "user/cmd/complete.h"
#include "user/util/cleanup.h"

/*
 * The scripts know nothing of lbctl: they ask it what may follow. So they never are older than the
 * binary.
 */

/*
 * Words are parted at blanks here, not where readline parts them (at "=" and ":", too); what is
 * offered begins where it goes on.
 */
static const char bash[] =
	"# bash completion of lbctl. For this shell: source <(lbctl completion bash)\n"
	"_lbctl()\n"
	"{\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} words word keep cut\n"
	"\tread -ra words <<<\"$line\"\n"
	"\t[[ $line == *[[:space:]] ]] && words+=('')\n"
	"\tkeep=${COMP_WORDS[COMP_CWORD]}\n"
	"\t[[ $keep == [=:] ]] && keep=\n"
	"\tcut=$((${#words[-1]} - ${#keep}))\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS=$'\\t' read -r word _; do\n"
	"\t\tif [[ $word == " COMPLETE_FILES " ]]; then\n"
	"\t\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$keep\")\n"
	"\t\telse\n"
	"\t\t\tCOMPREPLY+=(\"${word:cut}\")\n"
	"\t\tfi\n"
	"\tdone < <(\"${words[0]}\" completion candidates -- \"${words[@]:1}\" 2>/dev/null)\n"
	"}\n"
	"complete -F _lbctl lbctl\n";

static const char zsh[] =
	"#compdef lbctl\n"
	"# zsh completion of lbctl. For this shell: source <(lbctl completion zsh)\n"
	"_lbctl()\n"
	"{\n"
	"\tlocal line files=0\n"
	"\tlocal -a lines candidates\n"
	"\tlines=(\"${(@f)$(\"${words[1]}\" completion candidates -- "
	"\"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
	"\tfor line in \"${lines[@]}\"; do\n"
	"\t\tcase $line in\n"
	"\t\t" COMPLETE_FILES ") files=1 ;;\n"
	"\t\t?*) candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\t(( ! ${#candidates} )) || _describe lbctl candidates\n"
	"\t(( ! files )) || _files\n"
	"}\n"
	"if [[ ${funcstack[1]} == _lbctl ]]; then _lbctl; else compdef _lbctl lbctl; fi\n";

static const char fish[] =
	"# fish completion of lbctl. For this shell: lbctl completion fish | source\n"
	"function __lbctl_complete\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l lbctl $words[1]\n"
	"\tset -e words[1]\n"
	"\tset -l current (commandline -ct)\n"
	"\tfor line in ($lbctl completion candidates -- $words \"$current\" 2>/dev/null)\n"
	"\t\tif test \"$line\" = " COMPLETE_FILES "\n"
	"\t\t\t__fish_complete_path \"$current\"\n"
	"\t\telse\n"
	"\t\t\techo $line\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"complete -c lbctl -f -a '(__lbctl_complete)'\n";

static const struct {
	const char *name, *script;
} shells[] = {
	{ "bash", bash },
	{ "zsh", zsh },
	{ "fish", fish },
};

static int completion_run(struct cli *cli)
{
	if (!strcmp(cli->args[0], "candidates")) {
		complete_words(stdout, cli->args + 1, cli->n_args - 1);
		return CLI_OK;
	}
	if (cli->n_args > 1)
		return cli_usage(cli, "completion: unexpected argument \"%s\"", cli->args[1]);
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (!strcmp(shells[i].name, cli->args[0])) {
			fputs(shells[i].script, stdout);
			return CLI_OK;
		}
	}
	return cli_usage(cli, "completion: there is bash, zsh and fish, not \"%s\"", cli->args[0]);
}

const struct command cmd_completion = {
	.name = "completion",
	.args = "bash|zsh|fish | candidates -- WORD...",
	.summary = "Print what makes a shell complete lbctl's words",
	.details = "Completes commands, options and their values, kinds, names of objects and "
		   "devices.\n"
		   "\"make install\" puts the scripts where the shells look for them. "
		   "\"candidates\" is\n"
		   "what the scripts ask: how may the last of these words go on?\n"
		   "\n"
		   "Examples:\n"
		   "  source <(lbctl completion bash)     # in ~/.bashrc\n"
		   "  source <(lbctl completion zsh)      # in ~/.zshrc, behind compinit\n"
		   "  lbctl completion fish | source      # in ~/.config/fish/config.fish\n"
		   "  lbctl completion candidates -- get sv\n",
	.min_args = 1,
	.max_args = -1,
	.standalone = true,
	.run = completion_run,
};
