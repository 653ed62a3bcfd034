/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor learns of the hooks: whole, detached, missing, taken over. */
#include "tests/net/datapath/sandbox.h"

#include "user/datapath/attached.h"

static int device_up(void **state)
{
	if (sandbox_up(state))
		return -1;
	RUN("ip link add eth0 type veth peer name peer0 && ip link set eth0 up && "
	    "ip link set peer0 up && ip addr add 10.9.0.1/24 dev eth0");
	OK(sandbox_attach("eth0", ATTACH_NATIVE, NULL, "none"));
	return 0;
}

static struct attached read_hook(const char *hook)
{
	struct attached found = { .state = (enum attached_state) - 1 };
	struct attached_list list;

	OK(attached_read(&box.paths, &list, &box.err));
	assert_int_equal(list.n, 3);
	for (size_t i = 0; i < list.n; i++)
		if (!strcmp(list.items[i].hook, hook) && !strcmp(list.items[i].device, "eth0"))
			found = list.items[i];
	vec_free(&list);
	return found;
}

static void whole(void **state)
{
	(void)state;
	assert_int_equal(read_hook("xdp").state, ATTACHED_OK);
	assert_int_equal(read_hook("tc-ingress").state, ATTACHED_OK);
	assert_int_equal(read_hook("tc-egress").state, ATTACHED_OK);
}

/* A program that passes everything, in the place of ours. */
static void replaced(void **state)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_XDP_HAS_FRAGS,
		    .expected_attach_type = BPF_XDP);
	cleanup_free char *pin = pin_link_path(&box.paths, "eth0", "xdp");
	cleanup_close int link = bpf_obj_get(pin);
	cleanup_close int program =
		bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", code, ARRAY_LEN(code), &opts);
	struct attached found;

	(void)state;
	assert_true(link >= 0);
	assert_true(program >= 0);
	assert_int_equal(bpf_link_update(link, program, NULL), 0);
	found = read_hook("xdp");
	assert_int_equal(found.state, ATTACHED_REPLACED);
	assert_string_equal(found.program, "foreign");
	assert_int_equal(read_hook("tc-ingress").state, ATTACHED_OK);
	OK(sandbox_attach("eth0", ATTACH_NATIVE, NULL, "none"));
	assert_int_equal(read_hook("xdp").state, ATTACHED_OK);
}

static void detached(void **state)
{
	cleanup_free char *pin = pin_link_path(&box.paths, "eth0", "tc-egress");
	cleanup_close int link = bpf_obj_get(pin);

	(void)state;
	assert_int_equal(bpf_link_detach(link), 0);
	assert_int_equal(read_hook("tc-egress").state, ATTACHED_GONE);
}

static void missing(void **state)
{
	cleanup_free char *pin = pin_link_path(&box.paths, "eth0", "xdp");

	(void)state;
	assert_int_equal(unlink(pin), 0);
	assert_int_equal(read_hook("xdp").state, ATTACHED_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(replaced),
		cmocka_unit_test(detached),
		cmocka_unit_test(missing),
	};

	return cmocka_run_group_tests(tests, device_up, sandbox_down);
}
