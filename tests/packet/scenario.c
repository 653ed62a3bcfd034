/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/packet/scenario.h"

#include <stdio.h>
#include <string.h>

/* One variant of a scenario while it runs. */
struct run {
	const struct scenario *scenario;
	enum rig_mode mode;
	bool v4;
	uint8_t proto;
	uint16_t masq_port; /* 0: not chosen yet */
	char name[160];
};

static void ports_fill(const struct run *run, struct frame *frame)
{
	if (!frame->proto)
		frame->proto = run->proto;
	if (frame->sport == MASQ)
		frame->sport = run->masq_port;
	if (frame->dport == MASQ)
		frame->dport = run->masq_port;
}

static size_t expect_expired(const struct run *run, const struct step *step, uint8_t *want)
{
	struct frame quoted = step->in;
	struct frame outer = {
		.smac = step->in.dmac,
		.dmac = step->in.smac,
		.src = H_NODE,
		.dst = step->in.src,
		.made_here = true,
	};

	ports_fill(run, &quoted);
	return frame_build_error(ERROR_TTL, &outer, &quoted, 8, run->v4, want);
}

/* What the outcome looks like as a frame; 0: there is none to compare. */
static size_t expect(struct run *run, const struct step *step, const uint8_t *sent,
		     size_t sent_size, const uint8_t *got, uint8_t *want)
{
	struct frame frame = step->out;

	switch (step->outcome) {
	case EXPIRED:
		return expect_expired(run, step, want);
	case DROPPED:
		return 0;
	case UNTOUCHED:
		memcpy(want, sent, sent_size);
		return sent_size;
	case REFUSED:
		if (run->proto != IPPROTO_TCP)
			return frame_build_unreachable(sent, run->v4, want);
		frame = (struct frame){
			.smac = step->in.dmac,
			.dmac = step->in.smac,
			.src = step->in.dst,
			.dst = step->in.src,
			.sport = step->in.dport,
			.dport = step->in.sport,
			.seq = step->in.tcp_flags & TH_ACK ? step->in.ack : 0,
			.ack = step->in.tcp_flags & TH_ACK
				       ? 0
				       : step->in.seq + step->in.payload +
						 !!(step->in.tcp_flags & TH_SYN) +
						 !!(step->in.tcp_flags & TH_FIN),
			.tcp_flags = step->in.tcp_flags & TH_ACK ? TH_RST : TH_RST | TH_ACK,
			.made_here = true,
		};
		ports_fill(run, &frame);
		return frame_build(&frame, run->v4, want);
	default:
		break;
	}
	if (frame.sport == MASQ && !run->masq_port)
		run->masq_port = frame_sport(got, run->v4);
	frame.tcp_flags = step->in.tcp_flags;
	frame.payload = step->in.payload;
	frame.seq = step->in.seq;
	frame.ack = step->in.ack;
	frame.no_udp_checksum = step->in.no_udp_checksum;
	frame.options = step->in.options;
	frame.ttl = step->in.ttl ? step->in.ttl : 64;
	if (step->outcome != STACK)
		frame.ttl--;
	ports_fill(run, &frame);
	return frame_build(&frame, run->v4, want);
}

static bool action_right(struct run *run, const struct step *step, enum rig_action action)
{
	static const char *const names[] = { "pass", "send", "hand off", "drop" };
	enum rig_action want;

	switch (step->outcome) {
	case UNTOUCHED:
	case STACK:
		want = DO_PASS;
		break;
	case DROPPED:
		want = DO_DROP;
		break;
	default:
		want = DO_SEND;
	}
	if (action == want)
		return true;
	printf("    %s: want %s, got %s\n", run->name, names[want], names[action]);
	return false;
}

static bool masq_port_right(const struct run *run)
{
	if (!run->masq_port || (run->masq_port >= 10000 && run->masq_port < 30000))
		return true;
	printf("    %s: source port %u is out of range\n", run->name, run->masq_port);
	return false;
}

/* What XDP leaves to TC must be untouched, and TC must then find it. */
static enum rig_action run_handed_off(const struct run *run, const struct step *step,
				      uint8_t *frame, size_t *size)
{
	enum rig_action action = rig_run(step->hook, frame, size);

	if (step->outcome != SENT_BY_TC && step->outcome != RESOLVED)
		return action;
	if (run->mode == RIG_TC || step->hook != AT_NIC)
		return action;
	if (action != DO_HANDOFF) {
		printf("    %s: XDP did not hand the frame over\n", run->name);
		return DO_DROP;
	}
	return rig_run(AT_NIC_TC, frame, size);
}

static bool step_run(struct run *run, const struct step *step)
{
	uint8_t sent[FRAME_MAX], frame[FRAME_MAX * 2], want[FRAME_MAX];
	uint64_t all = rig_reasons(), one = rig_reason(step->reason);
	struct frame in = step->in;
	size_t sent_size, size, want_size;
	bool right;

	ports_fill(run, &in);
	if (step->before)
		step->before(run->v4, run->proto);
	sent_size = size = frame_build(&in, run->v4, sent);
	memcpy(frame, sent, size);
	right = action_right(run, step, run_handed_off(run, step, frame, &size));
	want_size = expect(run, step, sent, sent_size, frame, want);
	right &= masq_port_right(run);
	if (want_size)
		right &= frame_equal(run->name, want, want_size, frame, size);
	if (rig_reasons() - all != !!step->reason ||
	    rig_reason(step->reason) - one != !!step->reason) {
		printf("    %s: the reason was not counted once\n", run->name);
		right = false;
	}
	return right;
}

static const char *protocol_name(uint8_t proto)
{
	return proto == IPPROTO_TCP ? "TCP" : proto == IPPROTO_UDP ? "UDP" : "SCTP";
}

static int variant_run(struct run *run)
{
	int wrong = 0;

	rig_reset(run->mode);
	run->masq_port = 0;
	run->scenario->setup(run->v4, run->proto);
	for (int i = 0; i < STEPS_MAX && run->scenario->steps[i].in.src; i++) {
		snprintf(run->name, sizeof(run->name), "%s, step %d, IPv%d %s %s",
			 run->scenario->name, i + 1, run->v4 ? 4 : 6, protocol_name(run->proto),
			 run->mode == RIG_XDP ? "XDP" : "TC");
		wrong += !step_run(run, &run->scenario->steps[i]);
	}
	return wrong;
}

int scenario_run(const struct scenario *scenario)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	int wrong = 0;

	for (int variant = 0; variant < 12; variant++) {
		struct run run = {
			.scenario = scenario,
			.v4 = variant & 1,
			.proto = protos[variant / 2 % 3],
			.mode = variant / 6 ? RIG_TC : RIG_XDP,
		};

		if ((scenario->protos == TCP_ONLY && run.proto != IPPROTO_TCP) ||
		    (scenario->protos == UDP_ONLY && run.proto != IPPROTO_UDP))
			continue;
		wrong += variant_run(&run);
	}
	return wrong;
}
