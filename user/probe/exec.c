/* SPDX-License-Identifier: Apache-2.0 */
/* exec: a command in the pod. Exit status 0 is success. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/minder.h"
#include "user/probe/run.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

struct exec {
	struct run *run; /* NULL: it was stopped */
	struct runners *runners;
	struct exec *next;
	pid_t minder;
	int lifeline, result;
	struct event *event;
	char answer[sizeof(struct minder_result) + RUN_BODY];
	size_t n;
};

/* One line of what the command said; what is no text comes out as ?. */
static void output_text(const char *output, size_t n, char *text)
{
	size_t size = 0;

	for (size_t i = 0; i < n && size < RUN_TEXT - 1; i++) {
		unsigned char c = (unsigned char)output[i];

		if (c == '\n' || c == '\t')
			c = ' ';
		text[size++] = (char)(c < ' ' || c >= 0x7f ? '?' : c);
	}
	while (size && text[size - 1] == ' ')
		size--;
	text[size] = '\0';
}

static void exec_free(struct exec *exec)
{
	if (exec->lifeline >= 0)
		close(exec->lifeline);
	event_free(exec->event);
	close(exec->result);
	free(exec);
}

static void exec_end(struct exec *exec)
{
	const struct minder_result *answer = (const void *)exec->answer;
	size_t head = sizeof(*answer);
	bool ok = exec->n >= head && !answer->status;
	struct run *run = exec->run;
	char text[RUN_TEXT] = "";

	if (exec->n > head)
		output_text(answer->output, exec->n - head, text);
	if (exec->n < head)
		snprintf(text, sizeof(text), "the command could not be run");
	else if (!ok && !*text)
		snprintf(text, sizeof(text), "exit status %d", (int)answer->status);
	exec_free(exec);
	run->state = NULL;
	run->done(run, ok ? OUTCOME_SUCCESS : OUTCOME_FAILURE, ok ? "" : text);
}

static void ending_remove(struct runners *runners, const struct exec *exec)
{
	struct exec **at = &runners->ending;

	while (*at != exec)
		at = &(*at)->next;
	*at = exec->next;
}

static void exec_read(evutil_socket_t fd, short what, void *arg)
{
	struct exec *exec = arg;
	ssize_t n;

	(void)what;
	n = read(fd, exec->answer + exec->n, sizeof(exec->answer) - exec->n);
	if (n > 0)
		exec->n += (size_t)n;
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	/* The minder closes its end by its own: there is no wait. */
	waitpid(exec->minder, NULL, 0);
	if (exec->run) {
		exec_end(exec);
		return;
	}
	ending_remove(exec->runners, exec);
	exec_free(exec);
}

static void exec_start(struct run *run)
{
	struct exec *exec;
	struct entrance entrance;
	struct err err;
	int rc;

	rc = entrance_open(run->place, &entrance, &err);
	if (rc) {
		run->done(run, OUTCOME_FAILURE, err.text);
		return;
	}
	exec = xcalloc(1, sizeof(*exec));
	exec->run = run;
	exec->runners = run->runners;
	rc = minder_start(&entrance, run->probe->command, &exec->minder, &exec->result,
			  &exec->lifeline, &err);
	entrance_close(&entrance);
	if (rc) {
		free(exec);
		run->done(run, OUTCOME_FAILURE, err.text);
		return;
	}
	run->state = exec;
	exec->event =
		event_new(run->runners->base, exec->result, EV_READ | EV_PERSIST, exec_read, exec);
	event_add(exec->event, NULL);
}

/* The minder kills what there is and ends, which is waited for without standing still. */
static void exec_stop(struct run *run, char *text)
{
	struct exec *exec = run->state;

	run->state = NULL;
	exec->run = NULL;
	close(exec->lifeline);
	exec->lifeline = -1;
	exec->next = run->runners->ending;
	run->runners->ending = exec;
	snprintf(text, RUN_TEXT, "command \"%.400s\" timed out after %us", run->probe->command[0],
		 run->probe->timeout);
}

void exec_forget(struct runners *runners)
{
	while (runners->ending) {
		struct exec *exec = runners->ending;

		runners->ending = exec->next;
		exec_free(exec);
	}
}

const struct runner runner_exec = { exec_start, exec_stop };
