# shellcheck shell=sh
# Starts a unit anew: one that gave up gets another chance, one that is just starting reads its files again.
# $1: the folder for state, $2: the unit.
systemctl reset-failed -- "$2" 2>/dev/null
systemctl restart -- "$2" || exit
rm -f -- "$1/pending/$2"
