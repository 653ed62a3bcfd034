/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/base64.h"

#include <openssl/evp.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

char *base64_decode(const char *text, size_t *ret_size)
{
	cleanup_free unsigned char *value = xmalloc(strlen(text) + 1);
	EVP_ENCODE_CTX *decoder = EVP_ENCODE_CTX_new();
	int size = 0, last = 0, rc;

	EVP_DecodeInit(decoder);
	rc = EVP_DecodeUpdate(decoder, value, &size, (const unsigned char *)text,
			      (int)strlen(text));
	if (rc >= 0)
		rc = EVP_DecodeFinal(decoder, value + size, &last);
	EVP_ENCODE_CTX_free(decoder);
	if (rc < 0)
		return NULL;
	value[size + last] = '\0';
	*ret_size = (size_t)size + (size_t)last;
	return (char *)TAKE_PTR(value);
}
