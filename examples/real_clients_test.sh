#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Clients that nobody here wrote talk to the example servers on the real loop: python3's asyncio streams, nc and curl.
# Loopback only, at ports that the servers pick; every client has a time-out.
set -uo pipefail

servers=$1
python_client=$2

work=$(mktemp -d)
: >"$work/addresses"
"$servers" >>"$work/addresses" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$work"' EXIT

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

for _ in $(seq 100); do
  grep -q '^http ' "$work/addresses" && break
  sleep 0.1
done
echo_port=$(sed -n 's/^echo 127\.0\.0\.1://p' "$work/addresses")
http_port=$(sed -n 's/^http 127\.0\.0\.1://p' "$work/addresses")
[ -n "$echo_port" ] && [ -n "$http_port" ] || die "the servers did not start within 10 s"

# nc sends a file that is larger than the sockets' buffers, says that this was all, and reads what comes back.
seq 1000000 >"$work/sent"
timeout 20 nc -N 127.0.0.1 "$echo_port" <"$work/sent" >"$work/received" || die "nc failed with $?"
cmp "$work/sent" "$work/received" || die "nc got other bytes back than it sent"
echo "nc: $(wc -c <"$work/received") bytes came back"

timeout 20 python3 "$python_client" "$echo_port" || die "python3's asyncio client failed with $?"

answer=$(curl --noproxy '*' --silent --show-error --fail --max-time 10 "http://127.0.0.1:$http_port/aio") || die "curl failed with $?"
[[ $answer =~ ^\{\"delay\":\ [0-9]+\}$ ]] || die "curl got $answer"
status=$(curl --noproxy '*' --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$http_port/nothing")
[ "$status" = 404 ] || die "curl got the status $status for a page that does not exist"
echo "curl: $answer, and 404 for what is not there"

kill -0 "$server" 2>/dev/null || die "the servers did not survive their clients"
