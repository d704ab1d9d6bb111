# shellcheck shell=sh
# Prints the records of earlier runs, oldest first, each in base64 on a line. $1: the folder for state.
for record in "$1/runs"/*.json; do
    [ ! -f "$record" ] || printf '%s\n' "$(base64 -w0 <"$record")"
done
