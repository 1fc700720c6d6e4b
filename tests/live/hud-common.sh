# shellcheck shell=bash
# What tests/live/keys and tests/live/pad share: the window in the practice market and questions to its node. To be sourced
# after common.sh and screen.sh.

if (($# != 1)); then
    echo "usage: tests/live/${0##*/} DIR" >&2
    exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
data=$scratch/data
# No model server of this machine: the practice engine answers.
export OLLAMA_HOST=127.0.0.1:9
trap 'screen_close; cleanup' EXIT

"$root/scripts/setup" test
if [[ -z ${PYLON:-} ]]; then
    cargo build --quiet --manifest-path "$root/Cargo.toml" --features dev --bin pylon --bin pylon-hud
fi

pylon() { "$program" --data-dir "$data/practice" "$@"; }
# status EXPRESSION: whether this holds of the node's status.
status() { pylon status --json >"$scratch/status" 2>/dev/null && [[ $(ask "$scratch/status" "$1") == True ]]; }
jobs_done() { pylon status --json >"$scratch/status" 2>/dev/null && ask "$scratch/status" 'it["done"]'; }
# The robot buyer is sent away: from then on every job is ours.
send_robot_away() {
    python3 - "$data/practice/control.sock" <<'PY'
import socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
line.sendall(b'{"id":1,"do":"stop-robot","robot":"buyer"}\n')
answer = line.makefile().readline()
assert '"done"' in answer, answer
PY
    # The one it has asked for may still be under way.
    until_true 20 status 'it["in_flight"] == 0 and it["queued"] == 0'
    sleep 1
}
# differ NAME NAME: whether two pictures show different things.
differ() { ! cmp -s "$dir/$1.png" "$dir/$2.png"; }
is_gone() { until_true 20 gone "$1"; }
