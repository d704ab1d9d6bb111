# shellcheck shell=sh
# Gives a file that has arrived its final name if its digest is right; deletes it and ends with 65 (EX_DATAERR of
# sysexits.h) if not. $1: the SHA-256 digest, $2: the file as it arrived, $3: its final name.
if printf '%s  %s\n' "$1" "$2" | sha256sum -c --status; then
    exec mv -f -- "$2" "$3"
fi
rm -f -- "$2"
exit 65
