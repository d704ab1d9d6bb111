# shellcheck shell=sh
# Has a unit read its files again. $1: the folder for state, $2: the unit.
systemctl reload-or-restart -- "$2" || exit
rm -f -- "$1/pending/$2"
