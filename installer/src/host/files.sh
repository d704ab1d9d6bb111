# shellcheck shell=sh
# Puts files in place. Standard input: records with tab-separated fields, each followed by the bytes it announces.
#   write SIZE MODE OWNER GROUP BACKUP(1|0) PATH  | remove 0 - - - BACKUP PATH
# $1: the folder for state, $2: the name of this run's backups, the rest: units that must be restarted, whatever
# becomes of this run. Prints a line for each record that is done. A failure names the path and ends the script:
# nothing after it is touched.
umask 022
tab=$(printf '\t')
new=
fail() { printf '%s: %s\n' "$path" "$1" >&2; [ -z "$new" ] || rm -f -- "$new"; exit 1; }
state=$1 run=$2
shift 2
if [ $# -gt 0 ]; then
    path=$state/pending
    mkdir -p -- "$path" || fail 'it cannot be made'
    for unit in "$@"; do : >"$path/$unit" || fail 'it cannot be written'; done
fi
trap '[ -z "$new" ] || rm -f -- "$new"' HUP INT TERM

# What is there now is kept where an operator finds it.
keep_backup() {
    if [ "$backup" != 1 ] || ! { [ -e "$path" ] || [ -L "$path" ]; }; then return 0; fi
    copy="$state/backup/$run$path"
    if ! { mkdir -p -- "${copy%/*}" && chmod 0700 "$state/backup" && cp -pP -- "$path" "$copy"; }; then
        fail "the backup $copy cannot be written"
    fi
}

# The new file waits beside the folder, not in it: a flag folder's every file is a flag to Mesos. It must be on the
# same file system, or the rename would not be atomic.
beside() {
    parent=${1%/*}
    if [ "$(stat -c %d -- "${parent:-/}")" = "$(stat -c %d -- "$1")" ]; then printf '%s' "$parent"; else printf '%s' "$1"; fi
}

while IFS=$tab read -r verb size mode owner group backup path; do
    case $verb in
    write)
        folder=${path%/*}
        [ -d "$folder" ] || mkdir -p -- "$folder" || fail 'its folder cannot be made'
        keep_backup
        new=$(umask 077; mktemp "$(beside "$folder")/.calico-mesos-install.XXXXXX") || fail 'no file can be made beside it'
        head -c "$size" >"$new" || fail 'it cannot be written'
        [ "$(stat -c %s -- "$new")" = "$size" ] || fail 'its content did not arrive whole'
        chown -- "$owner:$group" "$new" || fail "owner $owner and group $group cannot be given"
        chmod -- "$mode" "$new" || fail "mode $mode cannot be given"
        mv -fT -- "$new" "$path" || fail 'it cannot be put in place'
        new=
        ! command -v restorecon >/dev/null || restorecon -- "$path" 2>/dev/null
        ;;
    attributes)
        if [ ! -f "$path" ] || [ -L "$path" ]; then fail 'it is no longer a file'; fi
        chown -h -- "$owner:$group" "$path" || fail "owner $owner and group $group cannot be given"
        chmod -- "$mode" "$path" || fail "mode $mode cannot be given"
        ;;
    remove)
        keep_backup
        rm -f -- "$path" || fail 'it cannot be removed'
        ;;
    esac
    echo "$verb"
done
exit 0
