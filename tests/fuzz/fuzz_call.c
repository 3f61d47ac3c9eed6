/* SPDX-License-Identifier: MIT */
/*
 * What a client sends to POST /v1/runs: taken whole or refused; what is taken
 * has valid names, and its input is a part of the body that is JSON by itself
 * and the same value as the member.
 */
#include "fuzz.h"

#include "codec/json.h"
#include "serve/call.h"
#include "serve/route.h"
#include "skill/names.h"

static void must_be_input(const struct sbx_call *call, const char *body,
			  size_t size)
{
	struct sbx_error err = fuzz_error();
	json_t *whole = NULL;
	json_t *input = NULL;
	json_t *member;

	must(sbx_json_parse(body, size, &whole, &err) == 0);
	must(sbx_json_parse(call->input, call->input_size, &input, &err) == 0);
	member = json_object_get(whole, "input");
	must(member ? json_equal(member, input)
		    : json_is_object(input) && json_object_size(input) == 0);
	must(!member || (call->input >= body &&
			 call->input + call->input_size <= body + size));
	json_decref(whole);
	json_decref(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = fuzz_exact(data, size);
	struct sbx_call call = SBX_CALL_INIT;
	struct sbx_error err = fuzz_error();
	int result = sbx_call_decode(body, size, &call, &err);

	must_fit(result, &err);
	if (result == 0) {
		must(sbx_name_is_skill(call.skill));
		must(sbx_name_is_action(call.action));
		must(!call.run_id || sbx_route_is_run_id(call.run_id));
		must(!call.owner || sbx_name_is_owner(call.owner));
		must_be_input(&call, body, size);
	} else {
		must(err.outcome == SBX_OUTCOME_INVALID ||
		     err.outcome == SBX_OUTCOME_MISCONFIGURED);
		must(fuzz_is_harmless(err.message));
	}
	sbx_call_clear(&call);
	free(body);
	return 0;
}
