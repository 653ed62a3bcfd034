/* SPDX-License-Identifier: Apache-2.0 */
/* The way of changes into the datapath. */
#include <errno.h>

#include "user/agent/client.h"
#include "user/agent/sync.h"
#include "user/cmd/change.h"
#include "user/util/cleanup.h"

#define AGENT_SECONDS 3

int changes_sync(const struct cli *cli)
{
	struct sync_result result;
	struct err err;

	if (sync_now(&cli->paths, &cli->config, &result, &err)) {
		fflush(stdout);
		fprintf(stderr,
			"error: the objects are stored, but the datapath does not follow: %s\n",
			err.text);
		return CLI_FAILED;
	}
	fflush(stdout);
	for (size_t i = 0; i < result.n_warnings; i++)
		fprintf(stderr, "warning: %s\n", result.warnings[i]);
	sync_result_done(&result);
	return CLI_OK;
}

/* An agent serves names besides the objects, and its own Service with them. */
static bool agent_answers(const struct cli *cli)
{
	cleanup_json json_t *status = NULL;
	struct err silence;

	return !client_ask_within(&cli->paths, PROTOCOL_STATUS, AGENT_SECONDS, &status, &silence);
}

static int make_plan(const struct changes *changes, struct plan *ret_plan, struct err *err)
{
	const struct cli *cli = changes->cli;
	struct datapath *dp;
	int code = datapath_open(&cli->paths, &dp, err);

	if (code)
		return code;
	code = sync_plan(dp, changes->store, &cli->config, agent_answers(cli), ret_plan, err);
	datapath_close(dp);
	return code;
}

void changes_print_plan(const struct changes *changes, FILE *out)
{
	struct plan plan;
	struct err err;
	int code = make_plan(changes, &plan, &err);

	if (code == -ENOENT)
		return;
	fflush(out);
	if (code) {
		fprintf(stderr, "warning: what would change in the datapath is unknown: %s\n",
			err.text);
		return;
	}
	plan_print(out, &plan);
	plan_done(&plan);
}
