# Boots a host and stays while it runs. It is the first process of a process namespace, so that the host ends with
# it, and has a mount namespace, so that the host's root folder is unmounted when the host is gone, however it went.
#
# $1: the host's folder; then control groups to run in, up to `--`; then arguments of systemd-nspawn
set -eu
umask 022
cd "$1"
shift
while [ "$1" != -- ]; do
    # That is this process.
    echo 0 > "$1/cgroup.procs"
    shift
done
shift

mount_root
# systemd-nspawn leaves folders here.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn

# 133 is how systemd-nspawn says that the host wants to be booted again.
status=133
while [ "$status" = 133 ]; do
    status=0
    systemd-nspawn --directory=root "$@" || status=$?
done
exit "$status"
