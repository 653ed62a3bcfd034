/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record: no crash, and an error has a text. */
#include <stdint.h>
#include <stdlib.h>

#include "user/k8s/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct record_visitor visitor = { NULL };
	struct err err = { "" };

	if (record_parse("fuzz", (const char *)data, size, &visitor, &err) && !err.text[0])
		abort();
	return 0;
}
