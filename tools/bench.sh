# SPDX-License-Identifier: Apache-2.0
# ./dev bench: weir beside its peers, and the report of it.
#
#   ./dev bench                 about eleven minutes: check, micro, compare, every scenario, report
#   ./dev bench decisions       the decisions in real time, a quarter of an hour at half a processor;
#                               writes docs/decisions-in-the-binary.md
#   ./dev bench day [SEED ...]  an ordinary day in a tenth of its time, about 100 s for each seed (1 to 5)
#   ./dev bench fleet [NAME ...] four weirs with a Redis beside one, about six minutes; writes docs/fleet-measured.md
#   ./dev bench field [ROW ...] what real traffic is like, row by row, about six minutes; writes docs/field.md
#   ./dev bench http2 [...]     weir, nginx and haproxy over HTTP/2 under h2load, about five minutes
#   ./dev bench floods          what floods of HTTP/2 cost weir and the attacker, about a minute
#   ./dev bench compare ...     or any other command of weir-bench, with its arguments
#
# Scenarios of a group are played at the same time: each target has a backend of its own, and all of
# them together take less than a processor.  The report says how late the generator itself was.

packages_bench=(nginx-light haproxy nghttp2-client openssl)
packages_fleet=(redis-server)
packages_floods=(python3-pytest python3-h11 python3-h2)
bench_out=build/bench
bench_groups=("conversations fragile reload" "3-september overload outage lying-200")

bench_run() {
    build/weir-bench run "bench/scenarios/$1.cfg" --out "$bench_out"
}

# bench_play SCENARIO...: the first is seen as it goes, the others are shown when they are over.
# What did not hold is in the report, too; the rest is still worth having.
bench_play() {
    local first=$1 name
    local -A pids
    shift
    echo "dev: at the same time: $first $*"
    for name in "$@"; do
        bench_run "$name" >"$bench_out/$name.txt" 2>&1 &
        pids[$name]=$!
    done
    bench_run "$first" || bench_rc=1
    for name in "$@"; do
        wait "${pids[$name]}" || bench_rc=1
        cat "$bench_out/$name.txt"
        rm "$bench_out/$name.txt"
    done
}

bench_report() {
    local group
    mkdir -p "$bench_out" # where the build keeps its objects, too
    rm -f "$bench_out"/*.json "$bench_out"/*.html "$bench_out"/*.txt
    bench_rc=0
    build/weir-bench check --json "$bench_out/check.json" || bench_rc=1
    build/weir-bench micro --json >"$bench_out/micro.json"
    build/weir-bench compare --rounds 2 --seconds 1s --json "$bench_out/compare.json"
    for group in "${bench_groups[@]}"; do
        # shellcheck disable=SC2086
        bench_play $group
    done
    build/weir-bench report "$bench_out"
    echo "dev: the report is $bench_out/report.html, everything in it $bench_out/*.json"
    return $bench_rc
}

# Healthy traffic of every kind, which must not notice what it passes through.
bench_day() {
    local seed seeds=("$@") rc=0
    [ ${#seeds[@]} -gt 0 ] || seeds=(1 2 3 4 5)
    mkdir -p "$bench_out"
    for seed in "${seeds[@]}"; do
        echo "dev: an ordinary day, seed $seed"
        build/weir-bench run bench/scenarios/ordinary-day.cfg --compress 10 --seed "$seed" || rc=1
    done
    return $rc
}

dev_bench() {
    build_programs
    packages_need "to measure weir beside nginx and haproxy" "${packages_bench[@]}"
    case "${1:-}" in
    "") bench_report ;;
    field) /usr/bin/python3 bench/field/run.py "${@:2}" ;;
    day) bench_day "${@:2}" ;;
    http2) /usr/bin/python3 bench/http2/run.py "${@:2}" ;;
    floods)
        packages_need "to flood weir" "${packages_floods[@]}"
        /usr/bin/python3 bench/http2/floods.py "${@:2}"
        ;;
    fleet)
        packages_need "to measure fleets" "${packages_fleet[@]}"
        /usr/bin/python3 tools/fleet.py "${@:2}"
        ;;
    decisions) /usr/bin/python3 tools/decisions.py "${@:2}" ;;
    *) build/weir-bench "$@" ;;
    esac
}
