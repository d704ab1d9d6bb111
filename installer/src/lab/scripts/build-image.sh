# Makes the base image below the current folder, in `upper`.
#
# Runs in mount and process namespaces of its own, so that nothing stays mounted or running, however it ends.
# The image is written through an overlay mounted `volatile`: dpkg's many syncs then cost nothing. A half-made
# image is never used, so they would protect nothing.
#
# $1: release of Debian; $2: packages, comma-separated; $3: script to run inside at the end; $4: mirror, may be empty
set -eu
umask 022
release=$1 packages=$2 customise=$3 mirror=$4

mkdir empty upper work merged
mount -t overlay overlay -o lowerdir=empty,upperdir=upper,workdir=work,volatile merged ||
    mount -t overlay overlay -o lowerdir=empty,upperdir=upper,workdir=work merged

debootstrap --foreign --variant=minbase --force-check-gpg --include="$packages" \
    "$release" merged ${mirror:+"$mirror"}

cat > merged/etc/dpkg/dpkg.cfg.d/lab <<'EOF'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
EOF

export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
chroot merged /debootstrap/debootstrap --second-stage
chroot merged sh -c "$customise"
umount merged
rm -rf work empty merged
sync -f upper
