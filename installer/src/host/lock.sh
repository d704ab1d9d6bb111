# shellcheck shell=sh
# Makes the tool's two folders, takes the host's lock and keeps it until the session ends, which closes the input.
# $1: the folder for state, $2: who takes the lock, $3: the folder for uploads. Says `held`, or who holds it and
# ends with 75 (EX_TEMPFAIL of sysexits.h).
umask 077
mkdir -p -- "$1" "$3" || exit 1
exec 9>>"$1/lock" || exit 1
if flock -w 2 9; then
    printf '%s\n' "$2" >"$1/holder"
    echo held
    # The dots let the host notice a peer that vanished without a word: the answer to one of them is a reset,
    # which ends the session too.
    { while sleep 15 >/dev/null 2>&1; do echo . || exit; done; } 9>&- </dev/null 2>/dev/null &
    cat >/dev/null
    kill $!
else
    cat -- "$1/holder" >&2
    exit 75
fi
