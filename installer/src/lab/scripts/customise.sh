# Turns a fresh Debian into the base image of lab hosts; runs inside it.
set -eu
umask 022

# What makes no sense in a container, or only costs time while it starts.
systemctl mask --quiet \
    apt-daily-upgrade.timer apt-daily.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer dnf-makecache.timer console-getty.service getty.target systemd-firstboot.service \
    systemd-pstore.service systemd-initctl.socket \
    systemd-ask-password-console.path systemd-ask-password-wall.path \
    dev-hugepages.mount proc-sys-fs-binfmt_misc.automount
systemctl set-default --quiet multi-user.target
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=persistent\nSystemMaxUse=64M\nRateLimitIntervalSec=0\n' > /etc/systemd/journald.conf.d/lab.conf

# A host has control groups of its own in every hierarchy, mounted read-only by systemd-nspawn; what runs containers
# makes groups there.
cat > /etc/systemd/system/lab-control-groups.service <<'EOF'
[Unit]
Description=Make the control groups of this host writable
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for folder in /sys/fs/cgroup/*/; do ! mountpoint -q "$folder" || mount -o remount,bind,rw,nosuid,nodev,noexec "$folder"; done'

[Install]
WantedBy=sysinit.target
EOF
systemctl enable --quiet lab-control-groups.service

# A privileged container is given all capabilities that there are, and a host that lacks one cannot start it. Here one
# is given those that the machine has given to the host.
mkdir -p /etc/docker /usr/local/libexec
printf '%s\n' '{"default-runtime": "lab", "runtimes": {"lab": {"path": "/usr/local/libexec/lab-runc"}}}' > /etc/docker/daemon.json
cat > /usr/local/libexec/lab-runc <<'EOF'
#!/usr/bin/python3
"""runc, with the capabilities of containers limited to those of this host."""
import json
import os
import sys

# In the order of their numbers, as linux/capability.h has it.
NAMES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()


def limit(path, process_of):
    with open("/proc/self/status") as status:
        bounds = next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))
    missing = {"CAP_" + name for number, name in enumerate(NAMES) if not bounds >> number & 1}
    with open(path) as file:
        config = json.load(file)
    for names in (process_of(config).get("capabilities") or {}).values():
        names[:] = [name for name in names if name not in missing]
    with open(path, "w") as file:
        json.dump(config, file)


for option, name, process_of in (
    ("--bundle", "config.json", lambda config: config["process"]),
    ("--process", "", lambda config: config),
):
    if option in sys.argv:
        limit(os.path.join(sys.argv[sys.argv.index(option) + 1], name).rstrip("/"), process_of)
os.execv("/usr/bin/runc", sys.argv)
EOF
chmod 0755 /usr/local/libexec/lab-runc

# Many sessions at once are what an installer opens. Passwords for everyone but root, so that they can be tried.
rm -f /etc/ssh/ssh_host_*
printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'UseDNS no' 'MaxStartups 200' 'MaxSessions 100' \
    'PermitRootLogin prohibit-password' 'PasswordAuthentication yes' 'PrintMotd no' > /etc/ssh/sshd_config.d/lab.conf

# Debian already has a group of that name.
useradd --create-home --uid 1000 --gid operator --shell /bin/bash operator
useradd --create-home --uid 1001 --shell /bin/bash deploy
printf 'operator ALL=(ALL:ALL) ALL\ndeploy ALL=(ALL:ALL) NOPASSWD: ALL\n' > /etc/sudoers.d/lab
chmod 0440 /etc/sudoers.d/lab
for home in /root /home/operator /home/deploy; do
    install -d -m 0700 "$home/.ssh"
    chown --reference="$home" "$home/.ssh"
done

# Debian's rpm keeps its database in the user's home, so that nobody mixes it with dpkg's. Here it is the host's.
mkdir -p /etc/rpm /etc/dnf/vars /etc/yum.repos.d
printf '%%_dbpath /var/lib/rpm\n' > /etc/rpm/macros
. /etc/os-release
printf '%s\n' "$VERSION_ID" > /etc/dnf/vars/releasever
rpm --initdb

# The database knows nothing of what dpkg installed, so that no package with a requirement could be installed.
# A package without files says what is there: the libraries by what they export, the programs by their paths, and
# packages by the names that an RPM would ask for.
work=$(mktemp -d)
{
    printf '%s\n' 'Name: lab-host-provides' 'Version: 1' 'Release: 1' 'BuildArch: noarch' 'License: Apache-2.0' \
        'Summary: What the distribution of a lab host provides' 'Provides: rtld(GNU_HASH)'
    find /usr/lib -name '*.so*' \( -type f -o -type l \) | /usr/lib/rpm/elfdeps --provides | sort -u | sed 's/^/Provides: /'
    find /bin/ /sbin/ /usr/bin /usr/sbin -maxdepth 1 \( -type f -o -type l \) | sed 's|//*|/|g' | grep -v '\[' |
        sort -u | sed 's/^/Provides: /'
    while read -r name package epoch; do
        version=$(dpkg-query -W -f '${source:Upstream-Version}' "$package")
        printf 'Provides: %s = %s%s\n' "$name" "${epoch:-}" "$(printf '%s' "$version" | tr -c 'A-Za-z0-9.+~\n' .)"
    done <<'EOF'
bash bash
coreutils coreutils
curl curl
dbus dbus
glibc libc6
grep grep
gzip gzip
iproute iproute2
iptables iptables
java-headless openjdk-17-jre-headless 1:
jre-headless openjdk-17-jre-headless 1:
java-17-headless openjdk-17-jre-headless 1:
procps-ng procps
python3 python3-minimal
sed sed
shadow-utils passwd
sudo sudo
systemd systemd
tar tar
util-linux util-linux
EOF
    printf '%s\n' '%description' 'Built from the base image itself; has no files.' '%files'
} > "$work/lab-host-provides.spec"
rpmbuild -bb --quiet --define "_topdir $work" "$work/lab-host-provides.spec"
rpm -i "$work"/RPMS/noarch/lab-host-provides-1-1.noarch.rpm
rm -rf "$work" /root/.rpmdb

# Every host gets its own; an empty file also keeps systemd from taking the first boot for an installation.
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id
rm -rf /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /var/cache/debconf/*-old
find /var/log -type f -delete
touch /etc/.updated /var/.updated
