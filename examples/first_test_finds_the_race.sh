#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# first_test fails by design. Checks that it does, how, and that the command that it prints fails in the same way.
set -uo pipefail

first_test=$1
source=$2

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

[ -x "$first_test" ] || die "usage: first_test_finds_the_race.sh PROGRAM SOURCE"
unset TEST_TARGET      # Under Bazel the command would be `bazel test ...`, which a test cannot run.
unset XML_OUTPUT_FILE  # This test's report is not first_test's.
unset TEST_RUN_NUMBER TEST_RANDOM_SEED  # With --runs_per_test every run but the first searches other schedules.

# In the order of the real loop, schedule 1, the race does not show.
DETENT_SCHEDULES=1 "$first_test" >/dev/null || die "the race shows in the first schedule already"

found=$("$first_test" 2>&1) && die "first_test passed:" "$found"
grep -q 'account.balance()' <<<"$found" || die "the failed expectation is missing:" "$found"
schedule=$(sed -nE 's/^schedule ([0-9]+) of 100, seed 0.*/\1/p' <<<"$found")
[ -n "$schedule" ] || die "the schedule and the seed are missing:" "$found"
[ "$schedule" -gt 1 ] || die "found in schedule $schedule, not in one after the first"

# The command stands on the line after "replay it with".
command=$(sed -n '/replay it with/{n;s/^ *//;p;}' <<<"$found")
[[ $command == DETENT_REPLAY=d2:* ]] || die "the command that replays it is missing:" "$found"
replayed=$(bash -c "$command" 2>&1) && die "the replay passed:" "$command" "$replayed"

# The same expectation fails, with the same values.
values() { grep -A3 -m1 'Failure$' <<<"$1"; }
[ -n "$(values "$found")" ] || die "no values:" "$found"
[ "$(values "$found")" = "$(values "$replayed")" ] || die "the replay failed otherwise:" "$found" "$replayed"
grep -q 'does not fit\|did other things' <<<"$replayed" && die "the replay went another way:" "$replayed"

lines=$(wc -l <"$source")
[ "$lines" -lt 40 ] || die "first_test.cc has $lines lines; the shortest racy test should have fewer than 40"
exit 0
