# shellcheck shell=sh
# Puts files in place. Standard input: records with tab-separated fields, each followed by the bytes it announces.
#   write SIZE MODE OWNER GROUP BACKUP(1|0) PATH  | block SIZE - - - BACKUP PATH | unblock 0 - - - BACKUP PATH
#   | remove 0 - - - BACKUP PATH
# $1: the folder for state, $2: the name of this run's backups, the rest: units that must be restarted, whatever
# becomes of this run. Prints a line for each record that is done. A failure names the path and ends the script:
# nothing after it is touched.
umask 022
tab=$(printf '\t')
new=
fail() { printf '%s: %s\n' "$path" "$1" >&2; [ -z "$new" ] || rm -f -- "$new" "$new.text"; exit 1; }
state=$1 run=$2
shift 2
if [ $# -gt 0 ]; then
    path=$state/pending
    mkdir -p -- "$path" || fail 'it cannot be made'
    for unit in "$@"; do : >"$path/$unit" || fail 'it cannot be written'; done
fi
trap '[ -z "$new" ] || rm -f -- "$new" "$new.text"' HUP INT TERM

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

# Whether the file has a whole block of ours: only then is it known where that ends.
begin='# BEGIN calico-mesos-install' end='# END calico-mesos-install'
has_block() {
    first=$(grep -nsx -m 1 -- "$begin" "$path" | cut -d : -f 1)
    last=$(grep -nsx -m 1 -- "$end" "$path" | cut -d : -f 1)
    [ -n "$first" ] && [ -n "$last" ] && [ "$first" -lt "$last" ]
}

# The file with the block whose lines are in $1, or without one: where it was, or above all else, so that names in it
# win over what a distribution says of its own.
with_block() {
    if has_block; then head -n "$((first - 1))" "$path"; fi
    if [ -n "$1" ]; then echo "$begin"; cat "$1"; echo "$end"; fi
    if has_block; then
        tail -n "+$((last + 1))" "$path"
    elif [ -f "$path" ]; then
        grep -vx -e "$begin" -e "$end" "$path"
    fi
    return 0
}

put_block() {
    keep_backup
    new=$(umask 077; mktemp "$(beside "${path%/*}")/.calico-mesos-install.XXXXXX") || fail 'no file can be made beside it'
    with_block "$1" >"$new.text" || fail 'it cannot be written'
    # Owner, mode and what else belongs to it stay.
    if [ -f "$path" ]; then
        cp -p -- "$path" "$new" || fail 'it cannot be copied'
    else
        chmod 0644 "$new"
    fi
    cat "$new.text" >"$new" || fail 'it cannot be written'
    rm -f -- "$new.text"
    mv -fT -- "$new" "$path" || fail 'it cannot be put in place'
    new=
    ! command -v restorecon >/dev/null || restorecon -- "$path" 2>/dev/null
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
    block)
        piece=$(umask 077; mktemp "$state/block.XXXXXX") || fail 'no file can be made for its block'
        head -c "$size" >"$piece"
        [ "$(stat -c %s -- "$piece")" = "$size" ] || fail 'its block did not arrive whole'
        put_block "$piece"
        rm -f -- "$piece"
        ;;
    unblock) put_block '' ;;
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
