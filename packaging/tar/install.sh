#!/bin/sh
# Installs the files beside this script as a service of systemd, or removes them. Run it as root.
#
#     ./install.sh                    install, or upgrade; PREFIX=/usr/local
#     ./install.sh uninstall          stop the service and remove its files; data and configuration stay
#     ./install.sh purge              the same, and DELETE /var/lib/basalt and /etc/basalt
#
# The program goes to $PREFIX/bin, the configuration to /etc/basalt, the data to /var/lib/basalt. A configuration that is there
# stays; where the packaged one differs, it is put beside it as basalt.toml.new. Without systemd nothing is started.
set -eu

prefix=${PREFIX:-/usr/local}
unit=/etc/systemd/system/basalt.service
# The files of the installation, one path a line.
list=$prefix/share/basalt/installed

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

has_systemd() {
    [ -d /run/systemd/system ] && command -v systemctl >/dev/null
}

# Copies the file $2 to the path $3 with the mode $1, and writes the path down.
put() {
    install -D -m "$1" "$2" "$3"
    echo "$3" >>"$list.new"
}

put_files() {
    install -d "$prefix/share/basalt"
    : >"$list.new"
    # A running program cannot be written to, but its name can lead to another file.
    install -D -m 755 basalt "$prefix/bin/basalt.new"
    mv "$prefix/bin/basalt.new" "$prefix/bin/basalt"
    echo "$prefix/bin/basalt" >>"$list.new"
    put 755 setup "$prefix/lib/basalt/setup"
    put 755 install.sh "$prefix/share/basalt/install.sh"
    for page in man/*.1; do
        put 644 "$page" "$prefix/share/man/man1/${page#man/}"
    done
    put 644 basalt.bash "$prefix/share/bash-completion/completions/basalt"
    put 644 basalt.zsh "$prefix/share/zsh/site-functions/_basalt"
    put 644 basalt.fish "$prefix/share/fish/vendor_completions.d/basalt.fish"
    find doc -type f | sort >"$list.documents"
    while read -r document; do
        put 644 "$document" "$prefix/share/doc/basalt/${document#doc/}"
    done <"$list.documents"
    rm "$list.documents"
    put 644 LICENSE "$prefix/share/doc/basalt/LICENSE"
    sed "s|/usr/bin/basalt|$prefix/bin/basalt|" basalt.service >"$list.unit"
    put 644 "$list.unit" "$unit"
    rm "$list.unit"
}

# A new configuration, or the packaged one beside a changed one.
put_configuration() {
    install -d -m 755 /etc/basalt
    if [ ! -e /etc/basalt/basalt.toml ]; then
        install -m 640 basalt.toml /etc/basalt/basalt.toml
        state=first
    elif ! cmp -s basalt.toml /etc/basalt/basalt.toml; then
        install -m 640 basalt.toml /etc/basalt/basalt.toml.new
        echo "kept /etc/basalt/basalt.toml; the packaged one is beside it as basalt.toml.new"
    fi
}

install_all() {
    ./basalt --version >/dev/null || fail "the program does not run here: doc/docs/operations/install.md says which systems it is for"
    state=again
    put_files
    put_configuration
    # Files that the version before had, and this one has not.
    if [ -e "$list" ]; then
        grep -vxFf "$list.new" "$list" | while read -r path; do rm -f "$path"; done
    fi
    mv "$list.new" "$list"
    "$prefix/lib/basalt/setup" "$state"
    if ! has_systemd; then
        echo "installed; no systemd runs here: start \`$prefix/bin/basalt serve --config /etc/basalt/basalt.toml\` as the user basalt"
        return
    fi
    systemctl daemon-reload
    if [ "$state" = first ]; then
        systemctl enable --quiet basalt
        systemctl start basalt
    else
        systemctl try-restart basalt
    fi
    echo "installed; the service is $(systemctl is-active basalt)"
}

uninstall() {
    [ -e "$list" ] || fail "nothing is installed below $prefix: $list is missing"
    if has_systemd; then
        systemctl disable --quiet --now basalt
    fi
    while read -r path; do
        rm -f "$path"
    done <"$list"
    rm "$list"
    for dir in share/doc/basalt/docs/decisions share/doc/basalt/docs/operations share/doc/basalt/docs share/doc/basalt lib/basalt share/basalt; do
        rmdir "$prefix/$dir" 2>/dev/null || true
    done
    if has_systemd; then
        systemctl daemon-reload
    fi
}

# A mount point cannot be removed, only emptied.
purge() {
    rm -rf /etc/basalt
    if mountpoint -q /var/lib/basalt; then
        find /var/lib/basalt -mindepth 1 -delete
    else
        rm -rf /var/lib/basalt
    fi
}

[ "$(id -u)" = 0 ] || fail "run it as root"
cd "$(dirname "$0")"
case ${1:-install} in
install) install_all ;;
uninstall)
    uninstall
    echo "removed; /var/lib/basalt, /etc/basalt and the user basalt stay"
    ;;
purge)
    # After an uninstallation as well.
    if [ -e "$list" ]; then
        uninstall
    fi
    purge
    echo "removed, with data and configuration; the user basalt stays"
    ;;
*) fail "no action \`$1\`: there are install, uninstall and purge" ;;
esac
