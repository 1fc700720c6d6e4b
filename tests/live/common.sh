# shellcheck shell=bash
# What the scripts beside this one share: a place to work in, a line for each thing checked, and the programs that are not
# ours. To be sourced. What is started is noted in `started` and ended by `cleanup`, which is trapped.
#
# PYLON names a headless program to be tested, built before; without it, one is built.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=$HOME/.cache/pylon-hud
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
program=${PYLON:-$CARGO_TARGET_DIR/debug/pylon}
model=smollm2:135m
# The nodes must not take the address from the environment while their config names one.
unset OLLAMA_HOST

scratch=$(mktemp -d)
started=()
failures=0
# The last started goes first: a node says goodbye to a relay that is still there.
end_started() {
    local index pid
    for ((index = ${#started[@]} - 1; index >= 0; index--)); do
        pid=${started[index]}
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    started=()
}
# shellcheck disable=SC2329 # called by the trap
cleanup() {
    end_started
    if [[ -n ${KEEP:-} ]]; then echo "kept: $scratch"; else rm -rf "$scratch"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '%4d s  %s\n' "$SECONDS" "$1"; }
give_up() {
    say "FAIL  $1"
    if [[ -n ${2:-} && -f ${2:-} ]]; then tail -n 20 "$2" >&2; fi
    exit 1
}
# check WHAT COMMAND...: PASS if the command succeeds.
check() {
    if "${@:2}" >"$scratch/check" 2>&1; then
        say "PASS  $1"
    else
        failures=$((failures + 1))
        say "FAIL  $1: $(tail -n 1 "$scratch/check")"
    fi
}
# until_true SECONDS COMMAND...: asks again until the command succeeds.
until_true() {
    local deadline=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then return 1; fi
        sleep 0.2
    done
}
# verdict LOG...: how it all came out; after a failure, with the last words of these logs.
verdict() {
    if ((failures > 0)); then
        say "$failures failed; the last words:"
        tail -n 20 "$@" 2>/dev/null || true
        exit 1
    fi
    say "all passed"
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# ask FILE EXPRESSION: a Python expression over `it`, the JSON in FILE.
ask() { python3 -c 'import json, sys; it = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
# end_one SIGNAL PID: ends a program that was started here. Its number may be somebody else's by the time everything is
# ended, so it is forgotten.
end_one() {
    local at
    kill -"$1" "$2"
    wait "$2" 2>/dev/null || true
    for at in "${!started[@]}"; do
        if [[ ${started[at]} == "$2" ]]; then unset "started[at]"; fi
    done
    started=("${started[@]}")
}
# holds FILE EXPRESSION: whether this is so of the JSON in FILE.
holds() {
    if [[ $(ask "$1" "$2") == True ]]; then return; fi
    echo "not so: $2"
    return 1
}
# says NODE FILE EXPRESSION COMMAND...: the same of what a node answers as JSON, which is left in FILE.
says() { "$1" "${@:4}" >"$2" && holds "$2" "$3"; }

# What every one of them needs, installed.
install_live() {
    "$root/scripts/setup" live
    "$here/real-ollama"
}
build_headless() {
    if [[ -z ${PYLON:-} ]]; then
        cargo build --quiet --manifest-path "$root/Cargo.toml" --no-default-features --bin pylon
    fi
}

# The wallet service of tests/live/nwc-service.mjs, installed. Needs Node.js 18 or newer with npm. Its packages go to
# ~/.cache/pylon-hud/nwc, every version pinned by nwc-package-lock.json.
install_wallet_service() {
    local stamp
    packages=$cache/nwc
    stamp=$packages/$(sha256sum "$here/nwc-package-lock.json" | cut -c1-16)
    if [[ -f $stamp ]]; then return; fi
    rm -rf "$packages"
    mkdir -p "$packages"
    cp "$here/nwc-package.json" "$packages/package.json"
    cp "$here/nwc-package-lock.json" "$packages/package-lock.json"
    # No scripts: nothing has to be built, as secp256k1 has a form in plain JavaScript.
    (cd "$packages" && npm ci --ignore-scripts --no-audit --no-fund --silent)
    touch "$stamp"
}
# Starts it on the relay in `relay_url`, with what its book already holds. The book is the file `book`; once the file
# `freeze` is there, it hangs after its next payment. Its process is in `service`.
start_service() {
    local log
    book=$scratch/book.json
    freeze=$scratch/freeze
    log=$(mktemp "$scratch/service.XXX.log")
    node "$here/nwc-service.mjs" --packages "$packages" --relay "$relay_url" --state "$book" --connections "$scratch" \
        --freeze "$freeze" ${BARE:+--bare} >"$log" 2>&1 &
    service=$!
    started+=("$service")
    until_true 30 ready_or_gone "$log" || true
    grep -q '^ready$' "$log" || give_up "the wallet service did not start" "$log"
}
# shellcheck disable=SC2329 # called by until_true
ready_or_gone() { grep -q '^ready$' "$1" || gone "$service"; }
# connect_wallet NODE: the node `NODE` in `$scratch/NODE` uses the service's wallet of that name.
connect_wallet() {
    "$program" --data-dir "$scratch/$1" wallet connect <"$scratch/$1.connection" >"$scratch/$1.connect.log" 2>&1 ||
        give_up "the $1's wallet was not connected" "$scratch/$1.connect.log"
    set_key "$scratch/$1" wallet.kind nwc
}

# Starts a relay of its own; its address is in `relay_url`.
start_relay() {
    local port
    port=$(free_port)
    relay_url=ws://127.0.0.1:$port
    "$here/relay" "$port" >"$scratch/relay.log" 2>&1 &
    started+=("$!")
    until_true 60 grep -q '^ready ' "$scratch/relay.log" || give_up "the relay did not start" "$scratch/relay.log"
}
ollama_program=$cache/ollama/ollama modelfile=$cache/ollama/Modelfile
ollama() { OLLAMA_HOST=${ollama_url#http://} "$ollama_program" "$@"; }
# Starts the model server at the address in `ollama_url`; its process is in `ollama_server`.
serve_ollama() {
    OLLAMA_HOST=${ollama_url#http://} "$ollama_program" serve >>"$scratch/ollama.log" 2>&1 &
    ollama_server=$!
    started+=("$ollama_server")
    until_true 30 ollama list || give_up "Ollama did not start" "$scratch/ollama.log"
}
# Starts a model server of its own with the model in it; its address is in `ollama_url`.
start_ollama() {
    ollama_url=http://127.0.0.1:$(free_port)
    serve_ollama
    if ! ollama list | grep -q "^$model "; then
        ollama create "$model" -f "$modelfile" >"$scratch/create.log" 2>&1 || give_up "the model was not created" "$scratch/create.log"
    fi
}

# set_key DIR KEY VALUE: a setting of the node in DIR.
set_key() {
    "$program" --data-dir "$1" config set "$2" "$3" >"$scratch/config.log" 2>&1 || give_up "pylon config set $2 $3 failed" "$scratch/config.log"
}
# new_node DIR: an identity, and the relay and the model server that were started.
new_node() {
    "$program" --data-dir "$1" init >"$scratch/init.log" 2>&1 || give_up "pylon init failed" "$scratch/init.log"
    # The words of the identity are in there.
    rm "$scratch/init.log"
    set_key "$1" relays.urls "[\"$relay_url\"]"
    set_key "$1" backends.ollama.url "$ollama_url"
}
# wait_for_node DIR PID LOG EXPRESSION: until this holds of the node's status, which is left in `DIR.status`.
wait_for_node() {
    until_true 60 node_is_or_gone "$@" || give_up "the node in ${1##*/} did not come up within a minute; its last words:" "$3"
    if gone "$2"; then give_up "the node in ${1##*/} ended instead of coming up; its last words:" "$3"; fi
}
node_is() { "$program" --data-dir "$1" status --json >"$1.status" && [[ $(ask "$1.status" "$2") == True ]]; }
node_is_or_gone() { node_is "$1" "$4" || gone "$2"; }
