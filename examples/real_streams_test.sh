#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Streams that nobody here opened: standard input of every kind, and sockets that a supervisor has opened (systemd's own
# tool, and a few lines of Python), with socat and nc as clients. Loopback only, in a directory of its own.
set -uo pipefail

shout=$1
activated=$2
supervisor=$3

work=$(mktemp -d)
started=()
trap 'for each in "${started[@]}"; do kill "$each" 2>/dev/null; done; wait; rm -rf "$work"' EXIT

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

# expect WHAT WANTED GOT
expect() {
  [ "$2" = "$3" ] || die "$1: expected" "$2" "but got" "$3"
  echo "$1: as expected"
}

for tool in socat nc python3 systemd-socket-activate; do
  command -v "$tool" >/dev/null || die "$tool is not here: tools/install-deps installs it"
done

# --- Standard input ---

expect "a pipe" $'ONE\nTWO' "$(printf 'one\ntwo' | timeout 60 "$shout")"
seq 100000 | sed 's/$/ x/' >"$work/lines"
expect "a file" "$(tr x X <"$work/lines" | cksum)" "$(timeout 60 "$shout" <"$work/lines" | cksum)"
expect "a file that another has begun" $'THREE' \
  "$(printf 'one\ntwo\nthree\n' >"$work/three" && { read -r _ && read -r _ && timeout 60 "$shout"; } <"$work/three")"
expect "nothing" "" "$(timeout 60 "$shout" </dev/null)"
expect "a terminal" "LS -L" \
  "$(printf 'ls -l\n\004' | timeout 60 socat -t 60 - "EXEC:$shout,pty,setsid,ctty,echo=0" | tr -d '\r')"
expect "a socket" "BY SOCAT" "$(printf 'by socat\n' | timeout 60 socat -t 60 - "EXEC:$shout")"
# Who shares a pipe finds it as it was, while and after it is read.
flags='import fcntl, os; print(fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK)'
expect "a pipe that is shared" $'X\n0' "$(printf 'x\n' | { timeout 60 "$shout"; python3 -c "$flags"; })"

# --- Sockets that a supervisor has opened ---

timeout 60 "$activated" 2>"$work/alone" && die "it served without a supervisor"
grep -q "no supervisor has opened a socket" "$work/alone" || die "without a supervisor:" "$(cat "$work/alone")"

systemd-socket-activate --listen="$work/echo.sock" --listen="$work/admin.sock" --fdname=echo:admin \
  "$activated" >"$work/systemd" 2>&1 &
started+=($!)
# The supervisor has to bind before a client may come.
until [ -S "$work/admin.sock" ]; do
  kill -0 "${started[0]}" 2>/dev/null || die "systemd-socket-activate ended:" "$(cat "$work/systemd")"
  sleep 0.05
done
expect "systemd-socket-activate, socat" "hello" \
  "$(printf 'hello' | timeout 60 socat -t 60 - "UNIX-CONNECT:$work/echo.sock")"
expect "systemd-socket-activate, nc" "again" "$(printf 'again' | timeout 60 nc -N -U "$work/admin.sock")"
grep -qx "echo $work/echo.sock" "$work/systemd" || die "its names and addresses:" "$(cat "$work/systemd")"
grep -qx "admin $work/admin.sock" "$work/systemd" || die "its names and addresses:" "$(cat "$work/systemd")"
kill "${started[0]}"
wait "${started[0]}"
started=()
[ -S "$work/echo.sock" ] || die "the server has removed the supervisor's file"

: >"$work/python"
python3 "$supervisor" web console -- "$activated" >>"$work/python" 2>&1 &
started=($!)
until grep -q '^console 127' "$work/python"; do
  kill -0 "${started[0]}" 2>/dev/null || die "the server ended:" "$(cat "$work/python")"
  sleep 0.05
done
port=$(sed -n 's/^opened web //p' "$work/python")
expect "its address" "web 127.0.0.1:$port" "$(grep '^web' "$work/python")"
seq 100000 >"$work/sent"
timeout 60 socat -t 60 - "TCP:127.0.0.1:$port" <"$work/sent" >"$work/received" || die "socat failed with $?"
cmp "$work/sent" "$work/received" || die "socat got other bytes back than it sent"
kill "${started[0]}"
wait "${started[0]}"
status=$?
started=()
expect "the end by SIGTERM" "143" "$status"
