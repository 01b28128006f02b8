#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lets AFL++ find the bug in fuzz_sample.cc. Bounded in runs, not in time.
set -uo pipefail

program=$1
[ -x "$program" ] || { echo "usage: afl_test.sh PROGRAM" >&2; exit 1; }
if said=$("$program" </dev/null 2>&1) && [[ $said == skipped:* ]]; then
  echo "$said"
  exit 0
fi

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/in"
printf '\0' >"$folder/in/calm"
fuzzer=$(command -v afl-fuzz || command -v "${AFL_PATH:-/usr/lib/afl}/../../bin/afl-fuzz") || die "there is no afl-fuzz"
export AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_BENCH_UNTIL_CRASH=1
unset TEST_TARGET XML_OUTPUT_FILE TEST_PREMATURE_EXIT_FILE
said=$("$fuzzer" -s 1 -E 300000 -i "$folder/in" -o "$folder/out" -- \
  "$program" --gtest_filter=Fuzz.NeedsTwelveHandOffs 2>&1)
crash=$(ls "$folder"/out/default/crashes/id* 2>/dev/null | head -n 1)
[ -n "$crash" ] || die "AFL++ did not find the bug:" "$said"

report=$("$program" --gtest_filter=Fuzz.NeedsTwelveHandOffs "$crash" 2>&1) && die "the saved input passes:" "$report"
grep -q 'replay it with' <<<"$report" || die "the report has no command that replays:" "$report"
