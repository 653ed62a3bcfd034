/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/reload.h"

#include "user/agent/sync.h"

int reload_datapath(const struct cli *cli)
{
	struct sync_result result;
	struct err err;

	fflush(stdout);
	if (sync_reload(&cli->paths, &cli->config, &result, &err)) {
		err_wrap(&err, -1, "the devices are done, but the maps do not follow the objects");
		return cli_fail(&err);
	}
	for (size_t i = 0; i < result.n_warnings; i++)
		fprintf(stderr, "warning: %s\n", result.warnings[i]);
	sync_result_done(&result);
	return CLI_OK;
}
