# shellcheck shell=sh
# around: what else there is on the host that the checks before a run look at, in records like those of gather.sh.

# The unit, or whatever else, that a process was started by.
unit_of() {
    while IFS=: read -r _ controllers path; do
        case $controllers in name=systemd | '') printf 'unit-of\t%s\t%s\n' "$1" "$path" ;; esac
    done 2>/dev/null <"/proc/$1/cgroup"
}

# Who listens on which port. Without ss, the kernel's tables say the port in hexadecimal digits, in either case, and
# whose socket it is has to be looked for among the processes' open files.
listeners() {
    if command -v ss >/dev/null; then
        found=$(ss -lntup 2>/dev/null)
        printf '%s\n' "$found" | sed 's/^/listener\t/'
        for pid in $(printf '%s\n' "$found" | sed 's/pid=/\n/g' | sed -n 's/^\([0-9][0-9]*\),.*/\1/p' | sort -u); do
            unit_of "$pid"
        done
        return
    fi
    inodes=' '
    for table in tcp tcp6 udp udp6; do
        [ -r "/proc/net/$table" ] || continue
        while read -r _ local _ state _ _ _ _ _ inode _; do
            case $table$state in
            tcp*0[Aa] | udp*07)
                printf 'socket\t%s\t%s\t%s\n' "$table" "$local" "$inode"
                inodes="$inodes$inode "
                ;;
            esac
        done <"/proc/net/$table"
    done
    # shellcheck disable=SC2012 # names of open files are numbers
    ls -l /proc/[0-9]*/fd 2>/dev/null | while read -r line; do
        case $line in
        /proc/*) pid=${line#/proc/} pid=${pid%%/*} ;;
        *'socket:['*)
            inode=${line##*'socket:['} inode=${inode%]}
            case $inodes in
            *" $inode "*)
                printf 'holder\t%s\t%s\t%s\n' "$inode" "$pid" "$(one_line "/proc/$pid/comm")"
                unit_of "$pid"
                ;;
            esac
            ;;
        esac
    done
}

# Every file of these folders is a flag to Mesos; those whose names begin with a dot are not.
flag_files() {
    for file in /etc/mesos-master/* /etc/mesos-slave/* /etc/mesos-slave/attributes/* /etc/mesos-slave/resources/*; do
        [ -f "$file" ] && printf 'flag-file\t%s\n' "$file"
    done
}

kernel_modules() {
    folder=/lib/modules/$(uname -r)
    for module in ip_set xt_set ip6_tables ipip; do
        if [ -d "/sys/module/$module" ]; then
            usable=loaded
        elif [ ! -d "$folder" ]; then
            usable=unknown
        elif grep -qs "/$module\.ko" "$folder/modules.builtin" "$folder/modules.dep"; then
            usable=available
        else
            usable=missing
        fi
        printf 'module\t%s\t%s\n' "$module" "$usable"
    done
}

around() {
    listeners
    flag_files
    kernel_modules
    ip -o addr show 2>/dev/null | while read -r _ interface _ address _; do
        printf 'network\t%s\t%s\n' "$interface" "$address"
    done
    [ -r /sys/fs/selinux/enforce ] && printf 'selinux\t%s\n' "$(one_line /sys/fs/selinux/enforce)"
    [ -d /etc/NetworkManager ] && grep -rhs '^ *unmanaged-devices' /etc/NetworkManager /usr/lib/NetworkManager/conf.d |
        sed 's/^/unmanaged\t/'
    if command -v docker >/dev/null; then
        printf 'docker\t%s\n' "$(timeout 3 docker --version 2>/dev/null)"
    elif command -v dockerd >/dev/null; then
        printf 'docker\t%s\n' "$(timeout 3 dockerd --version 2>/dev/null)"
    fi
    # What a running master was really started with.
    for process in /proc/[0-9]*; do
        read -r name 2>/dev/null <"$process/comm" || continue
        [ "$name" = mesos-master ] || continue
        quorum=$(tr '\0' '\n' 2>/dev/null <"$process/cmdline" | sed -n 's/^--quorum=//p')
        [ -z "$quorum" ] || printf 'running-quorum\t%s\n' "$quorum"
    done
}
