# Boots a host and stays while it runs; runs in a mount namespace of its own, so that the host's root folder is
# unmounted when the host is gone, however it went.
#
# $1: the host's folder; then control groups to run in, up to `--`; then arguments of systemd-nspawn
set -eu
umask 022
cd "$1"
shift
while [ "$1" != -- ]; do
    echo $$ > "$1/cgroup.procs"
    shift
done
shift

mount -t overlay overlay -o lowerdir=image,upperdir=upper,workdir=work root
# systemd-nspawn leaves folders here.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn

# 133 is how systemd-nspawn says that the host wants to be booted again.
status=133
while [ "$status" = 133 ]; do
    status=0
    setpriv --pdeathsig KILL systemd-nspawn --directory=root "$@" || status=$?
done
exit "$status"
