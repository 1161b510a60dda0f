# SPDX-License-Identifier: MIT
# For tools/fetch-debs and tools/fetch-source, which set `suite` and `apt` (a folder below build/apt) and source this: an apt with a
# state of its own, so that nothing of the system's apt changes. It checks the archive's signature against
# debian-archive-keyring and every file against the signed index.

# The mirror that this system uses for bookworm, if any.
mirror() {
    {
        sed -n '/^URIs:/{s/^URIs: *//;h;};/^Suites:.*\<bookworm\>/{x;p;x;}' /etc/apt/sources.list.d/*.sources
        sed -n 's/^deb  *\(\[[^]]*\] *\)\?\([^ ]*\)  *bookworm .*\<main\>.*/\2/p' \
            /etc/apt/sources.list /etc/apt/sources.list.d/*.list
    } 2>/dev/null | tr ' ' '\n' | grep -E '/debian/?$' | head -n 1
}

prepare_apt() { # deb|deb-src
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/new"
    : >"$apt/status"
    uri=$(mirror || true)
    options="signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    [ "$1" = deb-src ] || options="arch=amd64,i386 $options"
    echo "$1 [$options] ${uri:-http://deb.debian.org/debian} $suite main" >"$apt/sources.list"
    # The system's own settings (a proxy, say) stay; its hooks must not run here.
    cat >"$apt/apt.conf" <<END
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "$apt";
Dir::State::Lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Architectures { "amd64"; "i386"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
}

update() {
    echo "${0##*/}: reading the package lists of Debian $suite"
    apt-get -c "$apt/apt.conf" -qq update
}
