# SPDX-License-Identifier: Apache-2.0
# ./dev bench: weir beside its peers, in one run.

packages_bench=(nginx-light haproxy)

dev_bench() {
    build_programs
    if ! build/weir-bench --help | grep -q 'weir-bench compare'; then
        echo "dev: this weir-bench can not compare yet; build/weir-bench --help shows what it can" >&2
        return 1
    fi
    packages_need "to measure weir beside nginx and haproxy" "${packages_bench[@]}"
    build/weir-bench compare "$@"
}
