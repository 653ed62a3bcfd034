/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/run.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "user/probe/curl.h"

static const struct runner *const by_action[] = {
	[PROBE_HTTP] = &runner_http,
	[PROBE_TCP] = &runner_tcp,
	[PROBE_EXEC] = &runner_exec,
	[PROBE_GRPC] = &runner_grpc,
};

void runners_open(struct runners *runners, struct event_base *base)
{
	*runners = (struct runners){ .base = base, .curl = curl_loop_open(base) };
}

void runners_close(struct runners *runners)
{
	exec_forget(runners);
	curl_loop_close(runners->curl);
	runners->curl = NULL;
}

void run_start(struct run *run)
{
	char text[RUN_TEXT];

	if (run->probe->action != PROBE_EXEC && !run->probe->port) {
		snprintf(text, sizeof(text), "couldn't find port: the container has none named %s",
			 run->probe->port_name);
		run->done(run, OUTCOME_FAILURE, text);
		return;
	}
	by_action[run->probe->action]->start(run);
}

void run_stop(struct run *run, char text[RUN_TEXT])
{
	by_action[run->probe->action]->stop(run, text);
}

bool run_addr(const struct run *run, struct lb_addr *ret_addr)
{
	if (run->probe->host)
		return !addr_parse(run->probe->host, ret_addr);
	*ret_addr = run->addr;
	return true;
}

const char *run_where(const struct run *run, char *text)
{
	char where[ADDR_PORT_TEXT];
	struct lb_addr addr;

	if (run_addr(run, &addr))
		snprintf(text, RUN_TEXT, "%s",
			 addr_port_format(&addr, htons(run->probe->port), where));
	else
		snprintf(text, RUN_TEXT, "%s:%u", run->probe->host, run->probe->port);
	return text;
}
