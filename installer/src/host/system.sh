# shellcheck shell=sh
# Sets what the host's own system must be like. Standard input: records with tab-separated fields.
#   module NAME | sysctl KEY VALUE | open KIND WHAT | close KIND WHAT | label TYPE PATH | unlabel TYPE PATH | permissive
# KIND is `port` or `protocol`, as firewall-cmd calls them. $1: the host's address. Prints a line for each record that is
# done; a failure ends the script, and nothing after it is touched.
tab=$(printf '\t')
fail() { printf '%s\n' "$1" >&2; exit 1; }

# Now and for later. firewall-cmd says that something is so already, and that is no failure.
firewall() {
    zone=${zone:-$(zone_of "$address")} || fail 'firewalld does not say which zone the host is in'
    firewall-cmd -q --permanent --zone="$zone" "--$1-$2=$3" || fail "firewall-cmd could not $1 $2 $3 for good"
    firewall-cmd -q --zone="$zone" "--$1-$2=$3" || fail "firewall-cmd could not $1 $2 $3"
}

# The path and all below it, in the language of the policy. In the list of what is escaped no `[` stands before a dot,
# which would mean something to sed.
pattern() { printf '%s(/.*)?' "$(printf '%s' "$1" | sed 's/[].^$*+?(){}|[\\]/\\&/g')"; }

address=$1 zone=
while IFS=$tab read -r verb a b; do
    case $verb in
    module) modprobe -- "$a" || fail "the kernel module $a cannot be loaded: install the kernel's package that has it" ;;
    sysctl) sysctl -q -w "$a=$b" || fail "the kernel parameter $a cannot be set to $b" ;;
    open) firewall add "$a" "$b" ;;
    close) firewall remove "$a" "$b" ;;
    label)
        if command -v semanage >/dev/null; then
            semanage fcontext -a -t "$a" "$(pattern "$b")" 2>/dev/null ||
                semanage fcontext -m -t "$a" "$(pattern "$b")" || fail "semanage refuses the type $a for $b"
            [ ! -e "$b" ] || restorecon -R -- "$b" || fail "restorecon cannot label $b"
        else
            chcon -R -t "$a" -- "$b" || fail "$b cannot get the type $a"
        fi
        ;;
    unlabel)
        if command -v semanage >/dev/null; then
            semanage fcontext -d "$(pattern "$b")" 2>/dev/null
        fi
        [ ! -e "$b" ] || restorecon -R -- "$b" || fail "restorecon cannot label $b"
        ;;
    permissive)
        setenforce 0 || fail 'SELinux cannot be set to permissive'
        sed -i 's/^SELINUX=enforcing/SELINUX=permissive/' /etc/selinux/config || fail '/etc/selinux/config cannot be written'
        ;;
    esac
    echo "$verb"
done
exit 0
