# shellcheck shell=sh
# Stops a unit for good, also one whose file is gone already. $1: the folder for state, $2: the unit.
systemctl stop -- "$2" || exit
if [ "$(systemctl show -p UnitFileState -- "$2")" != UnitFileState= ]; then systemctl disable -- "$2" || exit; fi
systemctl reset-failed -- "$2" 2>/dev/null
rm -f -- "$1/pending/$2"
