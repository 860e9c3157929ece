# SPDX-License-Identifier: Apache-2.0
"""Tests that hold the kind of a row in further forms: file (under tests/) and sentence.

tests/lint/test_field.py looks whether each is there.  A row without any is held by the row alone.
"""

SYSTEM, UNIT = "system/test_%s.py", "unit/%s.c"


def system(name, *sentences):
    return [(SYSTEM % name, s) for s in sentences]


def unit(name, *sentences):
    layer, file = name.split("/")
    return [(UNIT % f"{layer}/test_{file}", s) for s in sentences]


HELD = {
    9: unit("http/answer_ends", "an_answer_without_text_that_gives_its_reason_is_whole",
            "what_neither_answers_nor_ends_is_not_whole"),
    26: system("reload", "test_open_streams_count_against_max_streams_after_the_list_has_changed",
               "test_a_quota_is_not_refilled_by_a_reload",
               "test_a_request_that_waits_ends_in_time_whatever_a_reload_does"),
    27: system("reload", "test_health_taken_out_of_the_file_is_no_verdict_any_more"),
    33: system("relay_heads", "test_the_backends_own_id_stays_and_weirs_is_beside_it",
               "test_a_request_is_found_by_either_id"),
    34: system("strict_requests", "test_names_with_an_underscore_may_be_passed_on"),
    35: system("routes", "test_a_websocket_lives_as_long_as_one_side_speaks",
               "test_a_websocket_on_which_nobody_speaks_ends"),
    36: system("relay_heads", "test_an_answer_without_a_date_gets_one",
               "test_the_backends_own_date_stays_alone"),
    37: system("relay_heads", "test_no_trace_is_invented",
               "test_a_trace_that_is_none_is_left_to_the_backend"),
    38: unit("http/answer_errors", "what_only_looks_like_an_error_is_none",
             "an_error_that_says_nothing_hides_no_content"),
    39: unit("http/response", "words_in_content_encoding_that_are_no_coding_are_none"),
    40: system("relay_bodies", "test_interim_answers_are_counted_for_each_answer_alone"),
    41: unit("http/fields", "takes_a_run_of_slashes_as_one_and_none_at_the_end"),
    45: unit("net/listener", "an_ipv6_address_takes_ipv4_as_well_and_shows_it_as_ipv4"),
    46: system("admin", "test_sessions_and_why_tell_of_a_live_stream"),
    48: system("admin", "test_every_command_that_is_refused_is_logged_with_uid_text_and_reason"),
    49: unit("admin/web", "names_of_admin_hosts_are_ours"),
    51: [("lint/test_tools.py", "test_a_machine_without_criterion_builds_weir_without_its_tests")],
}
