# shellcheck shell=sh
# Asks a host what it sees around it. Standard input: tab-separated records.
#   name NAME | reach ID ADDRESS PORT | package NAME
# Answers `resolved NAME ADDRESS…`, `reached ID STATUS WHAT-WAS-SAID` and `offered NAME STATUS WHAT-WAS-SAID`; what that
# means is judged by the installer.
# Every question is asked at the same time as the others, in groups, and none takes longer than its limit.
export LC_ALL=C
tab=$(printf '\t')
limit=3

if command -v bash >/dev/null; then asker=bash
elif command -v python3 >/dev/null; then asker=python3
elif command -v curl >/dev/null; then asker=curl
elif command -v nc >/dev/null; then asker=nc
else asker=; fi

# ADDRESS PORT: tries to connect; prints what went wrong.
connect() {
    # shellcheck disable=SC2016 # the inner shell expands it
    case $asker in
    bash) timeout "$limit" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" ;;
    python3) timeout "$limit" python3 -c 'import socket, sys
try: socket.create_connection((sys.argv[1], int(sys.argv[2])))
except OSError as error: sys.exit(str(error))' "$1" "$2" ;;
    # Telnet waits for the other side: that it is connected is what counts.
    curl) curl -sv -m "$limit" "telnet://$1:$2" ;;
    nc) nc -v -w "$limit" "$1" "$2" ;;
    esac </dev/null 2>&1
}

reach() {
    said=$(connect "$2" "$3")
    status=$?
    [ -n "$asker" ] || status=unknown
    printf 'reached\t%s\t%s\t%s\n' "$1" "$status" "$(printf '%s' "$said" | tr '\n\t' '  ')"
}

# NAME: looks for a package in the host's own repositories, whose lists may have to be fetched first.
offer() {
    manager=$(command -v dnf || command -v yum)
    said=$(timeout 240 "$manager" -q list "$1" 2>&1 </dev/null)
    printf 'offered\t%s\t%s\t%s\n' "$1" "$?" "$(printf '%s' "$said" | tr '\n\t' '  ')"
}

resolve() {
    if command -v getent >/dev/null; then
        found=$(timeout "$limit" getent ahosts "$1" | sed 's/[[:space:]].*//' | sort -u | tr '\n' "$tab")
        printf 'resolved\t%s\t%s\n' "$1" "$found"
    else
        printf 'no-resolver\t%s\n' "$1"
    fi
}

running=0
while IFS=$tab read -r kind a b c; do
    case $kind in
    name) resolve "$a" & ;;
    reach) reach "$a" "$b" "$c" & ;;
    package) offer "$a" & ;;
    *) continue ;;
    esac
    running=$((running + 1))
    if [ "$running" -ge 64 ]; then
        wait
        running=0
    fi
done
wait
echo end
