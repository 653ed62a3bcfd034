/* SPDX-License-Identifier: Apache-2.0 */
/* A system made of texts, and one check at a time. */
#ifndef TESTS_DOCTOR_PATIENT_H
#define TESTS_DOCTOR_PATIENT_H

#include "tests/unit/cmd/fixture.h"
#include "user/cmd/doctor.h"

/* What the faked system says: files and programs by name, NULL at the end. */
struct answer {
	const char *question, *text;
};

struct patient {
	const struct answer *files, *programs; /* or NULL: there are none */
	const char *process;		       /* that runs, or NULL */
	int connect_code;
	int hosts; /* that answer for any address on any link */
	struct doctor_system system;
	struct config config;
	struct doctor doctor;
};

static inline char *patient_find(const struct answer *answers, const char *question)
{
	for (; answers && answers->question; answers++)
		if (!strcmp(answers->question, question))
			return xstrdup(answers->text);
	return NULL;
}

static inline char *patient_read(void *arg, const char *path)
{
	return patient_find(((struct patient *)arg)->files, path);
}

/* By "program argument…". */
static inline char *patient_program(void *arg, const char *const *argv)
{
	cleanup_free char *line = xstrdup(argv[0]);

	for (size_t i = 1; argv[i]; i++) {
		char *longer = xasprintf("%s %s", line, argv[i]);

		free(line);
		line = longer;
	}
	return patient_find(((struct patient *)arg)->programs, line);
}

static inline int patient_connect(void *arg, const struct lb_addr *addr, uint16_t port)
{
	(void)addr;
	(void)port;
	return ((struct patient *)arg)->connect_code;
}

static inline bool patient_has_process(void *arg, const char *name)
{
	const char *process = ((struct patient *)arg)->process;

	return process && !strcmp(process, name);
}

static inline int patient_who_has(void *arg, const char *device, const struct lb_addr *addr,
				  uint8_t macs[][6], size_t room)
{
	int n = ((struct patient *)arg)->hosts;

	(void)device;
	(void)addr;
	for (int i = 0; i < n && (size_t)i < room; i++)
		memset(macs[i], i + 1, 6);
	return n;
}

static inline struct lb_addr patient_addr(const char *text)
{
	struct lb_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static inline void patient_make(struct patient *patient)
{
	struct prefix pods;

	*patient = (struct patient){ .system = { patient_read, patient_program, patient_connect,
						 patient_has_process, patient_who_has, patient } };
	patient->config.node_name = xstrdup("node1");
	patient->config.icmp_echo = true;
	assert_int_equal(prefix_parse("172.17.0.0/16", &pods), 0);
	vec_push(&patient->config.pod_cidrs, pods);
	vec_push(&patient->config.dns.addresses, patient_addr("10.96.0.10"));
	patient->doctor = (struct doctor){ .system = &patient->system,
					   .config = &patient->config,
					   .ns = "default",
					   .name = "kubia",
					   .now = 1000000,
					   .agent_code = -ENOENT,
					   .socket = "/nonexistent/agent.sock",
					   .resolv_conf = "/etc/resolv.conf",
					   .dp_error = "nothing is attached" };
}

static inline void patient_done(struct patient *patient)
{
	free(patient->config.node_name);
	vec_free(&patient->config.pod_cidrs);
	vec_free(&patient->config.dns.addresses);
}

/* One row of a table must find what is expected of it. */
static inline void patient_expect(const struct patient *patient, const struct doctor_check *checks,
				  const char *check, const char *name, enum doctor_level level,
				  const char *text)
{
	struct doctor_finding finding;

	while (checks->name && strcmp(checks->name, check) != 0)
		checks++;
	if (!checks->name)
		fail_msg("%s: no check %s", name, check);
	finding = doctor_check_run(&patient->doctor, checks);
	if (finding.level != level)
		fail_msg("%s: %s: level %d, not %d: %s", name, check, finding.level, level,
			 finding.text);
	if (text && (!finding.text || !strstr(finding.text, text)))
		fail_msg("%s: %s: \"%s\" is not in \"%s\"", name, check, text, finding.text);
	if (finding.level != DOCTOR_NONE && !finding.hint)
		fail_msg("%s: %s has no next step", name, check);
	free(finding.text);
}

#endif
