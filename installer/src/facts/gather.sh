# shellcheck shell=sh
# Asks a host what it is like, in one go, and answers in records: a kind, then tab-separated fields.
# Standard input: records of what to ask for. Needs a POSIX shell, coreutils, systemd and rpm.
#   block PATH | system KIND NAME | package NAME | file DIGEST PATH | unit NAME | probe ID ADDRESS PORT KIND REQUEST FOLDER
# $1: seconds to wait before looking, $2: `all` to look at what an earlier run left as well.
export LC_ALL=C TZ=UTC
[ "$1" = 0 ] || sleep "$1"
extent=$2
tab=$(printf '\t')
state=/var/lib/calico-mesos-install
cache=/var/cache/calico-mesos-install

one_line() { cat -- "$1" 2>/dev/null | head -n 1; }

printf 'clock\t%s\n' "$(date +%s)"
printf 'hostname\t%s\n' "$(one_line /proc/sys/kernel/hostname)"
printf 'machine-id\t%s\n' "$(one_line /etc/machine-id)"
printf 'kernel\t%s\t%s\n' "$(uname -r)" "$(uname -m)"
printf 'init\t%s\n' "$(one_line /proc/1/comm)"
sed -n 's/^\(ID\|ID_LIKE\|VERSION_ID\|PRETTY_NAME\)=/os\t\1\t/p' /etc/os-release 2>/dev/null
sed -n 's/^MemTotal: *\([0-9]*\) kB/memory\t\1/p' /proc/meminfo
for manager in dnf yum; do
    if command -v "$manager" >/dev/null; then printf 'manager\t%s\n' "$manager"; break; fi
done
command -v rpm >/dev/null && printf 'rpm\tyes\n'
df -Pk / /etc /usr /var /var/cache /var/lib /var/log "$cache" "$state" 2>/dev/null | sed 1d | while read -r _ _ _ free _ mount; do
    printf 'free\t%s\t%s\n' "$free" "$mount"
done
for cached in "$cache"/*; do
    [ -f "$cached" ] && printf 'cached\t%s\n' "$(stat -c "%s$tab%n" -- "$cached")"
done

modules='' sysctls='' labels='' address='' blocks=''
packages='' units='' expected='' probes='' settings=''
set --
while IFS=$tab read -r kind a b c d e f; do
    case $kind in
    package) packages="$packages $a" ;;
    unit) units="$units $a" ;;
    block) blocks="$blocks$a
" ;;
    system)
        case $a in
        module) modules="$modules $b" ;;
        sysctl) sysctls="$sysctls $b" ;;
        label) labels="$labels$b
" ;;
        address) address=$b ;;
        esac
        ;;
    file) set -- "$@" "$b"; expected="$expected
$a  $b" ;;
    setting) settings="$settings$a$tab$b
" ;;
    probe) probes="$probes$a$tab$b$tab$c$tab$d$tab$e$tab$f
" ;;
    esac
done

# What an earlier run left behind may be gone from the inventory and has to be looked at as well.
for pending in "$state"/pending/*; do
    [ -f "$pending" ] && printf 'pending\t%s\n' "${pending##*/}"
done
if [ "$extent" = all ] && [ -f "$state/receipt.json" ]; then
    printf 'receipt\t%s\n' "$(base64 -w0 <"$state/receipt.json")"
    while read -r path; do
        case "$expected
" in *"  $path
"*) ;; *) set -- "$@" "$path" ;; esac
    done <<EOF
$(sed -n 's|^ *"\(/[^"\\]*\)": "[0-9a-f]\{64\}",\{0,1\}$|\1|p' "$state/receipt.json")
EOF
    packages="$packages $(sed -n 's|^ *"\([A-Za-z0-9._+-]*\)": "\1-[^"]*",\{0,1\}$|\1|p' "$state/receipt.json" | tr '\n' ' ')"
    blocks="$blocks$(sed -n 's|^ *"\(/[^"\\]*\)",\{0,1\}$|\1|p' "$state/receipt.json")
"
    labels="$labels$(sed -n 's|^ *"label \([^ ]*\) of \(/[^"\\]*\)",\{0,1\}$|\1 \2|p' "$state/receipt.json")
"
    units="$units $(sed -n 's|^ *"\([A-Za-z0-9:_.@-]*\.[a-z]*\)",\{0,1\}$|\1|p' "$state/receipt.json" | tr '\n' ' ')"
fi

printf '%s' "$blocks" | sort -u | while read -r path; do
    grep -qsx '# BEGIN calico-mesos-install' "${path:-/}" || continue
    printf 'block\t%s\t%s\n' "$path" "$(sed -n '/^# BEGIN calico-mesos-install$/,/^# END calico-mesos-install$/p' "$path" |
        sed '1d;$d' | base64 -w0)"
done
[ -z "$address" ] || system "$modules" "$sysctls" "$labels" "$address"

if [ "$extent" = all ]; then
    around
    units="$units firewalld.service NetworkManager.service"
fi

if [ -n "$packages" ] && command -v rpm >/dev/null; then
    # A database that cannot be read must not look like one with nothing in it.
    # shellcheck disable=SC2086 # package names have no blanks
    rpm -q --qf 'package\t%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SHA1HEADER}\n[requires\t%{=NAME}\t%{REQUIRENAME}\t%{REQUIREFLAGS:depflags}\t%{REQUIREVERSION}\n]' \
        $packages 2>&1 | sed -n -e 's/^error: /fault\t/p' -e '/^package\t/p' -e 's/^\(requires\t[^\t]*\)\tmesos\t/\1\t/p'
fi

# Only of files can a digest be had: a link is replaced, and reading a pipe would never end.
count=$#
for path in "$@"; do
    if [ -f "$path" ] && [ ! -L "$path" ]; then set -- "$@" "$path"; fi
done
if [ "$count" -gt 0 ]; then
    stat -c "stat$tab%F$tab%a$tab%U$tab%G$tab%n" -- "$@" 2>/dev/null | sort -u
    shift "$count"
fi
if [ $# -gt 0 ]; then
    sha256sum -- "$@" 2>/dev/null | while read -r digest path; do
        printf 'digest\t%s\t%s\n' "$digest" "$path"
        case "$expected
" in
        *"
$digest  $path
"*) ;;
        *"  $path
"*) if [ "$(stat -c %s -- "$path")" -le 262144 ]; then
                printf 'content\t%s\t%s\n' "$path" "$(base64 -w0 <"$path")"
            fi ;;
        esac
    done
fi

if [ -n "$units" ] && command -v systemctl >/dev/null; then
    # shellcheck disable=SC2086 # unit names have no blanks
    systemctl show -p Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload \
        -- $units 2>/dev/null | sed 's/^/show\t/'
fi

printf '%s' "$settings" | while IFS=$tab read -r name script; do
    status=0
    value=$(timeout 10 sh -c "$(printf '%s' "$script" | base64 -d)" sh </dev/null 2>/dev/null) || status=$?
    printf 'setting\t%s\t%s\t%s\n' "$name" "$status" "$(printf '%s' "$value" | base64 -w0)"
done

printf '%s' "$probes" | while IFS=$tab read -r id address port kind request folder; do
    probe "$id" "$address" "$port" "$kind" "$request" "$folder"
done
printf 'end\t%s\n' "$(date +%s)"
