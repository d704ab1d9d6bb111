# shellcheck shell=sh
# Keeps a run's record, and as many of the last ones as are worth keeping. Standard input: the record.
# $1: the folder for state, $2: the run's name, $3: how many records are kept.
umask 077
mkdir -p -- "$1/runs" || exit
cat >"$1/runs/.new" && mv -f -- "$1/runs/.new" "$1/runs/$2.json" || exit
kept=0
# Names are times: the last one comes last.
for record in $(printf '%s\n' "$1/runs"/*.json | sort -r); do
    kept=$((kept + 1))
    [ "$kept" -le "$3" ] || rm -f -- "$record"
done
