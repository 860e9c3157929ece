# SPDX-License-Identifier: Apache-2.0
# Building: one folder for each kind of build, configured once.

# build_in FOLDER [MESON-OPTION ...] [-- NINJA-TARGET ...]
build_in() {
    local folder=$1 options=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    [ $# -gt 0 ] && shift
    if [ ! -e "$folder/build.ninja" ]; then
        build_configure "$folder" "${options[@]}"
    fi
    ninja -C "$folder" --quiet "$@"
}

# What meson has to say is shown only if it could not.
build_configure() {
    local folder=$1 log
    shift
    log=$(mktemp)
    if meson setup "$folder" "$@" >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "dev: $folder could not be configured; 'rm -r $folder' makes a fresh start" >&2
    return 1
}

# The programs, without tests where those have not been built before.
build_programs() {
    packages_need "to build weir" "${packages_build[@]}"
    echo "dev: building in build/"
    build_in build
}

build_with_tests() {
    packages_need "to build weir and its tests" "${packages_build[@]}" "${packages_unit[@]}"
    if [ -e build/build.ninja ] && ! { build_has_tests && build_is_strict; }; then
        meson configure build -Dtests=enabled -Dwerror=true
    fi
    build_in build -Dtests=enabled -Dwerror=true
}

# Of what is tested, a warning is an error; whoever only builds and runs weir is not stopped by one.
build_is_strict() {
    meson introspect build --buildoptions | grep '"name": "werror", "value": true' >/dev/null
}

build_has_tests() {
    ninja -C build -t targets all 2>/dev/null | grep '^tests/unit/' >/dev/null
}
