# SPDX-License-Identifier: Apache-2.0
# ./dev package [--test]: builds the Debian package; --test: lives with it in a bare Debian 12.

package_folder=build-deb
package_suite=bookworm

# The sources as git knows them, with debian/ at the top.
package_sources() {
    local at=$1 version=$2
    rm -rf "$at"
    mkdir -p "$at"
    git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$at"
    cp -r "$at/packaging/debian" "$at/debian"
    sed -e "s/@version@/$version/" -e "s/@date@/$(git log -1 --format=%cD)/" \
        "$at/debian/changelog.in" >"$at/debian/changelog"
    rm "$at/debian/changelog.in"
}

package_version() {
    sed -n "s/^  version: '\(.*\)',/\1/p" meson.build
}

# package_build VERSION: leaves build-deb/weir_VERSION_ARCH.deb
package_build() {
    local log="$package_folder/build.log"
    package_sources "$package_folder/weir-$1" "$1"
    # debhelper gives the build a home of its own; what was compiled before is in the old one
    if ! (cd "$package_folder/weir-$1" &&
        CCACHE_DIR="${CCACHE_DIR:-$HOME/.cache/ccache}" dpkg-buildpackage -b -us -uc) >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "dev: the package could not be built; all of it: $log" >&2
        return 1
    fi
    package_file=$(ls "$PWD/$package_folder/weir_$1_"*.deb)
}

dev_package() {
    local version
    [ $# = 0 ] || [ "$*" = --test ] || { echo "usage: ./dev package [--test]" >&2; exit 2; }
    packages_need "to build the package" "${packages_build[@]}" "${packages_package[@]}"
    version=$(package_version)
    mkdir -p "$package_folder"
    package_build "$version"
    lintian --fail-on error,warning "$package_file"
    echo "$package_file"
    [ $# = 0 ] || { . tools/package_test.sh && package_test "$package_file" "$version"; }
}
