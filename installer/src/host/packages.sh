# shellcheck shell=sh
# Changes packages and proves that they changed. Standard input: tab-separated records.
#   verify DIGEST FILE  an uploaded RPM, which is deleted if it is not what was sent (exit 65, EX_DATAERR)
#   install|reinstall WHAT  a file or a name for the package manager
#   remove NAME  takes it away, and nothing that needs it or that it needed
#   expect NAME SHA1  what rpm must say afterwards; any build where SHA1 is `-`
# $1: the folder for state, the rest: units that must be restarted, whatever becomes of this run.
state=$1
shift
tab=$(printf '\t')
fail() { printf '%s\n' "$1" >&2; exit "${2:-1}"; }
manager=$(command -v dnf || command -v yum) || fail 'neither dnf nor yum is there' 127
if [ $# -gt 0 ]; then
    mkdir -p -- "$state/pending" || fail "$state cannot be written"
    for unit in "$@"; do : >"$state/pending/$unit" || fail "$state/pending cannot be written"; done
fi

installs='' reinstalls='' removes='' expected=''
while IFS=$tab read -r verb a b; do
    case $verb in
    verify)
        printf '%s  %s\n' "$a" "$b" | sha256sum -c --status && continue
        rm -f -- "$b"
        fail "the uploaded file $b was damaged, and was deleted" 65
        ;;
    install) installs="$installs $a" ;;
    remove) removes="$removes $a" ;;
    reinstall) reinstalls="$reinstalls $a" ;;
    expect) expected="$expected$a $b
" ;;
    esac
done

# The manager can be silent for long while it downloads; whoever listens must not think the host dead. The sleep
# outlives its loop, so it must not keep the session's streams open.
{ while sleep 60 >/dev/null 2>&1; do echo .; done; } </dev/null 2>/dev/null &
dots=$!
trap 'kill $dots 2>/dev/null' EXIT

# Names and paths of uploads have no blanks. dnf's `install` also goes back to an earlier version; yum has a verb
# of its own for that, which it names itself when it refuses.
# shellcheck disable=SC2086
{
    if [ -n "$installs" ]; then
        "$manager" -y install $installs </dev/null || exit
        [ "${manager##*/}" = dnf ] || "$manager" -y downgrade $installs </dev/null >/dev/null 2>&1
    fi
    # The manager would take away what others have put there as well.
    if [ -n "$removes" ]; then rpm -e $removes </dev/null || exit; fi
    if [ -n "$reinstalls" ]; then "$manager" -y reinstall $reinstalls </dev/null || exit; fi
}

# The package manager's word is not enough: it may leave out what it cannot do, and say that all is well.
wrong=$(printf '%s' "$expected" | while read -r name sha1; do
    is=$(rpm -q --qf '%{SHA1HEADER}\n' "$name" 2>/dev/null) || is='not installed'
    if [ "$is" = 'not installed' ] || { [ "$sha1" != - ] && ! printf '%s\n' "$is" | grep -qxF -- "$sha1"; }; then
        printf ' %s' "$name"
    fi
done)
# shellcheck disable=SC2086
for name in $removes; do
    ! rpm -q "$name" >/dev/null 2>&1 || wrong="$wrong $name"
done
[ -z "$wrong" ] || fail "the package manager said that all was done, but these are not what was asked for:$wrong"
