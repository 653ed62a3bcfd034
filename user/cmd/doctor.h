/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why does a Service not work? Facts are gathered once (doctor_facts.c); each check is a row that
 * looks at them and says one sentence. What a check asks of the system goes through
 * struct doctor_system, so that tests can stage a fault by a text.
 */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

#include <jansson.h>
#include <time.h>

#include "user/cmd/command.h"
#include "user/datapath/attached.h"
#include "user/datapath/explain.h"
#include "user/model/store.h"
#include "user/util/vec.h"

enum doctor_level {
	DOCTOR_NONE, /* does not apply: nothing is printed */
	DOCTOR_OK,
	DOCTOR_UNKNOWN,
	DOCTOR_WARN,
	DOCTOR_BAD,
};

struct doctor_finding {
	enum doctor_level level;
	char *text;	  /* one sentence, owned */
	const char *hint; /* the next step, where it is not the row's */
};

struct doctor_system {
	/* What is in a file; NULL: it cannot be read. */
	char *(*read)(void *arg, const char *path);
	/* What a program prints, argv ends with NULL; NULL: it is not there, or failed. */
	char *(*run)(void *arg, const char *const *argv);
	/* Connects by TCP and closes again; 0 or -errno. */
	int (*connect)(void *arg, const struct lb_addr *addr, uint16_t port);
	bool (*has_process)(void *arg, const char *name);
	/* Link addresses of the others on a device's link that have addr: how many, or -errno. */
	int (*who_has)(void *arg, const char *device, const struct lb_addr *addr, uint8_t macs[][6],
		       size_t room);
	void *arg;
};

extern const struct doctor_system doctor_real_system;

/* who_has of the real one. */
int doctor_who_has(void *arg, const char *device, const struct lb_addr *addr, uint8_t macs[][6],
		   size_t room);

/* Connections of one service, by id in the maps. */
struct doctor_flows {
	uint32_t service;
	size_t answered, unanswered; /* the backend was heard, or not */
};

/* What is attached, as the maps have it. */
struct doctor_datapath {
	struct actual actual;
	struct lb_reason_stats reasons[LB_REASON_COUNT];
	struct datapath_devices devices;
	VEC(unsigned int) mtus; /* of the devices; 0: unknown */
	struct attached_list links;
	VEC(struct doctor_flows) flows; /* sorted as actual.services */
	size_t n_flows4, n_flows6;	/* connections; each has two entries */
	size_t max_flows;		/* entries of each family */
	size_t most_masqueraded;	/* connections to the one backend that has most of them */
	size_t snat_ports;
	struct explain *explain; /* the programs, to be asked; NULL: they cannot be */
};

struct doctor {
	const struct doctor_system *system;
	const struct config *config;
	const struct store *store;
	time_t now;
	const json_t *agent; /* its status; NULL: none */
	int agent_code;	     /* why: -ENOENT no agent, else it does not answer */
	const char *socket;
	const struct doctor_datapath *dp; /* NULL: nothing is attached, or not to be read */
	const char *dp_error;
	const char *resolv_conf;
	bool resolv_given; /* a pod's, or another that must point here */
	bool recorded;	   /* a replayed node: this machine is not it */

	/* Of the checks of a service. */
	const char *ns, *name;
	const struct object *service; /* NULL: there is none */
	const struct lb_addr *from;   /* the client, or NULL */
	uint16_t port;		      /* that the client dials, 0: not said */
};

struct doctor_check {
	const char *name;
	const char *why; /* why one looks there */
	void (*run)(const struct doctor *doctor, struct doctor_finding *finding);
	const char *hint; /* the next step when it is not ok */
};

/* In the order in which a person would look. NULL name at the end. */
extern const struct doctor_check doctor_service_checks[], doctor_node_checks[];

/* One check of a table; the finding's text is the caller's. */
struct doctor_finding doctor_check_run(const struct doctor *doctor,
				       const struct doctor_check *check);

/* Says what was found; a worse finding replaces one that is there. */
void doctor_say(struct doctor_finding *finding, enum doctor_level level, const char *format, ...)
	LB_PRINTF(3, 4);

/* Does the service have packets pass here: cluster IPs, no external name? */
bool doctor_has_address(const struct doctor *doctor);

/* Reads what is attached. -ENOENT: nothing. */
LB_CHECKED int doctor_datapath_load(const struct cli *cli, bool ask, struct doctor_datapath *ret_dp,
				    struct err *err);
void doctor_datapath_done(struct doctor_datapath *dp);

/* The checks, by file. */
void doctor_exists(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_reach(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_announced(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_ping(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_selector(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_ready(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_named_port(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_port(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_target(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_local(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_source(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_in_maps(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_path(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_packets(const struct doctor *doctor, struct doctor_finding *finding);

void doctor_attached(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_mode(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_programs(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_agent(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_maps(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_snat(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_reasons(const struct doctor *doctor, struct doctor_finding *finding);

void doctor_forwarding(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_rp_filter(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_firewall(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_mtu(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_dns(const struct doctor *doctor, struct doctor_finding *finding);
void doctor_kube_proxy(const struct doctor *doctor, struct doctor_finding *finding);

#endif
