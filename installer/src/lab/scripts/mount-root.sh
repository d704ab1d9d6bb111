# Mounts the root folder of the host whose folder is the current one, as `root`.
mount_root() {
    # While a mount of an interrupted run is on its way out, the kernel gives only a read-only one.
    tries=0
    while [ "$tries" -lt 100 ]; do
        mount -t overlay overlay -o lowerdir=image,upperdir=upper,workdir=work root || return 1
        [ -w root ] && return
        umount root
        sleep 0.1
        tries=$((tries + 1))
    done
    echo "the folder of the host stays read-only; the kernel's log (dmesg) says why" >&2
    return 1
}
