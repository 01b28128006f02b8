#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the demo: it must go as it tells, in time, and the command that it prints must replay the race.
set -uo pipefail

demo=$1

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

told=$(timeout 30 "$demo") || die "the demo failed with $?:" "$told"
grep -q '^   TheLastTicketIsSoldOnce .*FAILED in schedule [0-9]*: sold 2 tickets and had 1$' <<<"$told" ||
  die "the race is not told of:" "$told"
grep -q '^   70 bought a ticket, 30 were told that none is left' <<<"$told" || die "the customers are not told of:" "$told"

command=$(grep -oE "^   [^ ]+ d2:[A-Za-z0-9_-]+$" <<<"$told") || die "the command that replays is missing:" "$told"
replayed=$(timeout 30 bash -c "$command") && die "the replay passed:" "$command" "$replayed"
grep -q 'sold 2 tickets and had 1' <<<"$replayed" || die "the replay failed otherwise:" "$replayed"

timeout 30 "$demo" d2:nonsense 2>/dev/null && die "a tape that cannot be read was taken"
exit 0
