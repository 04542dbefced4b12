#!/bin/sh
# The linker for programs of the host, as cargo calls it (.cargo/config.toml): `cc`, installed first where it is missing.
#
# rustup brings no linker for the host, and without one not even `cargo xtask` can be compiled, which installs everything
# else. As there, it says what is missing and asks on the terminal; `--yes` on cargo's command line, or CI=true, does not ask.
command -v cc >/dev/null && exec cc "$@"

packages="gcc libc6-dev"
terminal=/dev/tty
(: >$terminal) 2>/dev/null || terminal=/dev/stderr
[ "$(id -u)" = 0 ] && sudo= || sudo=sudo

say() { printf '%s\n' "$@" >$terminal; }

refuse() {
    echo "$1: install the linker with: ${sudo:+sudo }apt-get install --no-install-recommends $packages" >&2
    exit 1
}

# Whether the cargo that wants this linked was given --yes.
said_yes() {
    process=$PPID
    while [ "${process:-0}" -gt 1 ]; do
        if grep -qx cargo "/proc/$process/comm"; then
            grep -zqx -e --yes "/proc/$process/cmdline"
            return
        fi
        process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status")
    done
    false
}

asked_yes() {
    [ $terminal = /dev/tty ] || return
    printf 'Install this now? [y/N] ' >$terminal
    read -r answer <$terminal
    case $answer in y | Y | yes | YES) ;; *) false ;; esac
}

# cargo links several programs at a time. The first that comes here asks and installs; the others wait for what comes of it.
exec 9<"$0"
if ! flock --nonblock 9; then
    flock 9
    command -v cc >/dev/null && exec cc "$@"
    refuse "there is no cc on the PATH"
fi

command -v apt-get >/dev/null || refuse "there is no cc on the PATH, and this is no Debian system"
say "" "Missing on this machine:" "  linker for programs of this machine: cc is not on the PATH" \
    "      ${sudo:+sudo }apt-get install --no-install-recommends $packages"
case ${CI:-} in true | 1) ;; *) said_yes || asked_yes || refuse "nothing was installed" ;; esac
say "... installing $packages"
log=$(mktemp)
for step in update "install --yes --no-install-recommends $packages"; do
    # shellcheck disable=SC2086 # the words of a step are apt-get's arguments
    if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 $step \
        >"$log" 2>&1 9<&-; then
        tail -n 20 "$log" >&2
        rm "$log"
        refuse "apt-get failed"
    fi
done
rm "$log"
say " ok installing $packages"
exec cc "$@"
