# SPDX-License-Identifier: Apache-2.0
# ./dev run: weir in front of a simulated backend (or a real one), to try things on.

run_folder=
run_pids=()

run_usage() {
    echo "dev: $1" >&2
    echo "usage: ./dev run [--port N] [--upstream URL] [--story]" >&2
    exit 2
}

run_options() {
    run_port= run_upstream= run_story=false
    while [ $# -gt 0 ]; do
        case "$1" in
        --port | --upstream)
            [ $# -gt 1 ] || run_usage "$1 needs a value"
            [ "$1" = --port ] && run_port=$2 || run_upstream=$2
            shift
            ;;
        --story) run_story=true ;;
        *) run_usage "run does not know $1" ;;
        esac
        shift
    done
    [[ "$run_port" =~ ^[0-9]*$ ]] || run_usage "--port $run_port is no number"
    if $run_story && [ -n "$run_port$run_upstream" ]; then
        run_usage "--story brings its own backend and ports"
    fi
}

port_is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# free_port FIRST: the first port from there on that nobody has.
free_port() {
    local port=$1
    while port_is_taken "$port"; do
        port=$((port + 1))
    done
    echo "$port"
}

choose_port() {
    if [ -n "$run_port" ]; then
        ! port_is_taken "$run_port" || run_usage "port $run_port is taken"
        return
    fi
    run_port=$(free_port 8080)
    [ "$run_port" = 8080 ] || echo "dev: port 8080 is taken, weir listens on $run_port"
}

# A first TERM drains, a second one ends at once; whoever is left after that is killed.
run_cleanup() {
    local pid tries=0
    trap '' INT TERM
    while [ $tries -lt 40 ] && run_any_alive; do
        if [ $((tries % 10)) = 0 ]; then
            for pid in "${run_pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
        fi
        sleep 0.1
        tries=$((tries + 1))
    done
    for pid in "${run_pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    [ -z "$run_folder" ] || rm -rf "$run_folder"
}

run_any_alive() {
    local pid
    for pid in "${run_pids[@]}"; do
        kill -0 "$pid" 2>/dev/null && return 0
    done
    return 1
}

# await WHAT COMMAND...: until it succeeds, for 10 s, while the process started last lives.
await() {
    local what=$1 tries=0
    shift
    until "$@"; do
        if [ $tries = 100 ] || ! kill -0 "${run_pids[-1]}" 2>/dev/null; then
            echo "dev: $what did not come up" >&2
            cat "$run_folder"/*.log >&2 2>/dev/null || true
            exit 1
        fi
        sleep 0.1
        tries=$((tries + 1))
    done
}

start_backend() {
    build/weir-bench backend --engine demo --listen 127.0.0.1:0 --control 127.0.0.1:0 \
        >"$run_folder/backend.log" 2>&1 &
    run_pids+=($!)
    await "the simulated backend" grep -q 'on http://' "$run_folder/backend.log"
    run_upstream=$(sed -n 's/.* on \(http:[^ ]*\) .*/\1/p;T;q' "$run_folder/backend.log")
    run_control=$(sed -n 's/.*(control \(http:[^)]*\)).*/\1/p;T;q' "$run_folder/backend.log")
}

start_weir() {
    cat >"$run_folder/weir.cfg" <<EOF
listeners = ( { address = "127.0.0.1:$run_port"; } );
pools = ( { name = "chat"; upstreams = ( { name = "backend"; url = "$run_upstream"; } ); } );
pages = { status_path = "/weir/status"; };
admin = { socket = "$run_folder/admin.sock"; http = "127.0.0.1:$run_admin"; };
log = { access = "$run_folder/access.log"; };
EOF
    build/weir -c "$run_folder/weir.cfg" &
    run_weir=$!
    run_pids+=($run_weir)
    await weir port_is_taken "$run_port"
}

what_to_try() {
    cat <<EOF

weir listens on http://127.0.0.1:$run_port in front of $run_upstream. In another terminal:

  a streamed chat     curl -N http://127.0.0.1:$run_port/v1/chat/completions -H 'content-type: application/json' \\
                        -d '{"model":"demo","stream":true,"messages":[{"role":"user","content":"Hello"}]}'
  how it is           build/weirctl --socket $run_folder/admin.sock status
  for the public      http://127.0.0.1:$run_port/weir/status
  live, and metrics   http://127.0.0.1:$run_admin/  and  /metrics
  its settings        $run_folder/weir.cfg (edit, then: kill -HUP $run_weir)
  requests so far     $run_folder/access.log
EOF
    [ -z "${run_control:-}" ] || cat <<EOF

Make the backend misbehave, and watch (weirctl events, or the live page):

  dead for 20 s       curl -d 'down for 20s' $run_control/fault
  all faults there are  curl $run_control/faults
  too much load       build/weir-bench load --help
EOF
    printf '\nCtrl-C ends it.\n\n'
}

dev_run() {
    run_options "$@"
    build_programs
    if $run_story; then
        exec build/weir-bench story
    fi
    choose_port
    run_admin=$(free_port 9901)
    run_folder=$(mktemp -d)
    trap run_cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    [ -n "$run_upstream" ] || start_backend
    start_weir
    what_to_try
    wait -n "${run_pids[@]}" || true
    echo "dev: a process has ended by itself" >&2
    exit 1
}
