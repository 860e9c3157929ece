# SPDX-License-Identifier: Apache-2.0
# ./dev bench: weir beside its peers, and the report of it.
#
#   ./dev bench                 about ten minutes: check, micro, compare, two scenarios, report
#   ./dev bench all             with every scenario of bench/scenarios, about half an hour
#   ./dev bench compare ...     or any other command of weir-bench, with its arguments

packages_bench=(nginx-light haproxy)
bench_out=build/bench

bench_scenarios() {
    local name
    for name in "$@"; do
        # what did not hold is in the report; the rest is still worth having
        build/weir-bench run "bench/scenarios/$name.cfg" --out "$bench_out" || bench_rc=1
    done
}

bench_report() {
    rm -rf "$bench_out"
    mkdir -p "$bench_out"
    bench_rc=0
    build/weir-bench check || bench_rc=1
    build/weir-bench micro --json >"$bench_out/micro.json"
    build/weir-bench compare --rounds 2 --seconds 2s --json "$bench_out/compare.json"
    if [ "${1:-}" = all ]; then
        bench_scenarios overload outage fragile 3-september lying-200 conversations reload
    else
        bench_scenarios overload 3-september
    fi
    build/weir-bench report "$bench_out"
    echo "dev: the report is $bench_out/report.html, everything in it $bench_out/*.json"
    return $bench_rc
}

dev_bench() {
    build_programs
    packages_need "to measure weir beside nginx and haproxy" "${packages_bench[@]}"
    case "${1:-}" in
    "" | all) bench_report "$@" ;;
    *) build/weir-bench "$@" ;;
    esac
}
