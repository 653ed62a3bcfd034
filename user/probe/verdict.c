/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/verdict.h"

struct verdict verdict_initial(enum probe_kind kind)
{
	static const enum probed initial[] = { [PROBE_STARTUP] = PROBED_NOT,
					       [PROBE_READINESS] = PROBED_UNREADY,
					       [PROBE_LIVENESS] = PROBED_READY };

	return (struct verdict){ .value = initial[kind] };
}

bool verdict_take(struct verdict *verdict, const struct probe *probe, bool ok)
{
	enum probed value = ok ? PROBED_READY : PROBED_UNREADY;

	if (verdict->run && verdict->last == ok) {
		if (verdict->run < UINT32_MAX)
			verdict->run++;
	} else {
		verdict->last = ok;
		verdict->run = 1;
	}
	if (verdict->value == value || verdict->run < (ok ? probe->success : probe->failure))
		return false;
	verdict->value = value;
	return true;
}

enum probed verdict_of_container(const enum probed *startup, const enum probed *readiness)
{
	if (startup && *startup != PROBED_READY)
		return PROBED_UNREADY;
	return readiness ? *readiness : PROBED_READY;
}
