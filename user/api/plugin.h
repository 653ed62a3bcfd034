/* SPDX-License-Identifier: Apache-2.0 */
/* A program that prints an ExecCredential, run beside the loop: without a shell, without a
 * terminal.
 */
#ifndef API_PLUGIN_H
#define API_PLUGIN_H

#include <event2/event.h>
#include <time.h>

#include "user/k8s/kubeconfig.h"

struct plugin_answer {
	char *token;
	struct kubeconfig_pem certificate, key; /* data only */
	time_t expires;				/* 0: it does not say */
};

void plugin_answer_done(struct plugin_answer *answer);

struct plugin;

/* done is called once, from the loop, unless the plugin is freed before; it frees the plugin. */
LB_CHECKED int plugin_start(struct event_base *base, const struct kubeconfig *kubeconfig,
			    void (*done)(void *arg, int rc, struct plugin_answer *answer,
					 const struct err *err),
			    void *arg, struct plugin **ret_plugin, struct err *err);

/* Ends the program, if it still runs. */
void plugin_free(struct plugin *plugin);

/* What the program printed. */
LB_CHECKED int plugin_parse(const char *text, size_t size, const char *api_version,
			    struct plugin_answer *ret_answer, struct err *err);

#endif
