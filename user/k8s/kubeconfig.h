/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an API server is reached and who asks it: one context of a kubeconfig file (kind Config,
 * apiVersion v1), or what a pod is given of its service account.
 */
#ifndef K8S_KUBECONFIG_H
#define K8S_KUBECONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "user/util/err.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

/* A file's path, or what would be in it; at most one of them. Data is PEM, and a secret if a key.
 */
struct kubeconfig_pem {
	char *file, *data;
};

struct kubeconfig_variable {
	char *name, *value;
};

/* A program that prints an ExecCredential. */
struct kubeconfig_exec {
	char *api_version; /* client.authentication.k8s.io/v1 or v1beta1 */
	char *command;	   /* a path, or a name to be found by PATH */
	char **args;
	size_t n_args;
	struct kubeconfig_variable *env; /* beside those of the agent */
	size_t n_env;
	char *install_hint; /* or NULL */
	bool cluster_info;  /* it is told about the cluster */
};

/* All strings are owned; NULL: not given. */
struct kubeconfig {
	char *source;	      /* "/etc/kubernetes/admin.conf (context kind)", for people */
	char *file, *context; /* absolute; NULL: the service account of a pod */
	char *server;	      /* "https://10.0.0.1:6443", without a last slash */
	struct kubeconfig_pem ca;
	char *tls_server_name;
	bool insecure; /* insecure-skip-tls-verify */
	char *proxy;   /* proxy-url */
	struct kubeconfig_pem certificate, key;
	char *token, *token_file;
	struct kubeconfig_exec *exec;
};

/*
 * context NULL: the file's current one. Errors: "file:line: field: reason". What is known to be
 * in the file and cannot be done here is refused, as acting as somebody else is.
 */
LB_CHECKED int kubeconfig_load(const char *file, const char *context,
			       struct kubeconfig *ret_kubeconfig, struct err *err);

/* From the environment and the files below dir (SERVICE_ACCOUNT_DIR). */
LB_CHECKED int kubeconfig_in_cluster(const char *dir, struct kubeconfig *ret_kubeconfig,
				     struct err *err);

void kubeconfig_done(struct kubeconfig *kubeconfig);

#endif
