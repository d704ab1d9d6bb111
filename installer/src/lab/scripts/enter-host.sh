# Runs a script in a host's root folder; runs in a mount namespace of its own.
#
# $1: the host's folder; $2: the script; then its arguments
set -eu
cd "$1"
script=$2
shift 2
mount_root
exec chroot root sh -c "$script" sh "$@"
