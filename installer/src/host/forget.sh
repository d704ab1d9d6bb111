# shellcheck shell=sh
# Takes away what the tool kept on the host for itself. Backups stay: what is in them was somebody else's.
# $1: the folder for state, $2: the folder for uploads.
rm -rf -- "$1/pending" "$1/runs" "$2" || exit
rm -f -- "$1/receipt.json" "$1/holder" || exit
