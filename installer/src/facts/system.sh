# shellcheck shell=sh
# system MODULES SYSCTLS LABELS ADDRESS: what the host's own system is like, in records like those of gather.sh. The first
# two are names with blanks between, LABELS has a line with type and path for each; ADDRESS is the host's.
system() {
    if command -v systemd-detect-virt >/dev/null && systemd-detect-virt -q -c; then printf 'container\tyes\n'; fi
    for module in $1; do
        # What is part of the kernel is not listed where it has no parameters.
        if [ -d "/sys/module/$module" ] ||
            grep -qs "/$module\.ko$" "/lib/modules/$(uname -r)/modules.builtin"; then
            printf 'loaded\t%s\n' "$module"
        fi
    done
    for key in $2; do
        file=/proc/sys/$(printf '%s' "$key" | tr . /)
        [ -r "$file" ] || continue
        writable=no
        [ -w "$file" ] && writable=yes
        printf 'sysctl\t%s\t%s\t%s\n' "$key" "$writable" "$(tr -s '\t' ' ' <"$file")"
    done
    if [ -r /sys/fs/selinux/enforce ]; then
        printf 'enforcing\t%s\t%s\n' "$(one_line /sys/fs/selinux/enforce)" \
            "$(sed -n 's/^SELINUX=//p' /etc/selinux/config 2>/dev/null)"
        any=$(stat -c %C /)
        printf '%s' "$3" | while read -r type path; do
            [ -n "$path" ] || continue
            # The kernel says whether its policy has a type; no other tool for that is there everywhere.
            wanted=$(printf '%s' "$any" | sed "s/^\([^:]*:[^:]*:\)[^:]*/\1$type/")
            printf '%s' "$wanted" | cat 2>/dev/null >/sys/fs/selinux/context || printf 'unknown-type\t%s\n' "$type"
            # What is not there yet will get what the policy says.
            context=$(stat -c %C -- "$path" 2>/dev/null || matchpathcon -n "$path" 2>/dev/null) && printf 'label\t%s\t%s\n' "$path" "$context"
        done
    fi
    if command -v firewall-cmd >/dev/null && systemctl is-active -q firewalld.service && firewall-cmd -q --state; then
        zone=$(zone_of "$4")
        printf 'firewall\n'
        firewall-cmd --zone="$zone" --list-all 2>/dev/null | sed -n 's/^ *\(ports\|protocols\): */now\t/p'
        firewall-cmd --permanent --zone="$zone" --list-all 2>/dev/null | sed -n 's/^ *\(ports\|protocols\): */permanent\t/p'
    fi
}
