/* SPDX-License-Identifier: Apache-2.0 */
/* sd_notify(3) without libsystemd: datagrams to NOTIFY_SOCKET; nothing where it is not set. */
#ifndef AGENT_NOTIFY_H
#define AGENT_NOTIFY_H

/* "READY=1", "STOPPING=1"; several assignments are separated by newlines. */
void notify_send(const char *state);

/* RELOADING=1 with the time that Type=notify-reload asks for. */
void notify_reloading(void);

#endif
