# shellcheck shell=sh
# probe ID ADDRESS PORT KIND REQUEST [FOLDER]: asks a service on this host and prints `probe ID STATUS ANSWER(base64)`.
# STATUS is `ok` or `down`; what the answer means is judged by the installer. bash speaks TCP by itself, curl
# does where there is no bash, and always where TLS is spoken: with ca.pem, cert.pem and key.pem of FOLDER.
ask_bash() {
    # shellcheck disable=SC2016 # the inner shell expands it
    timeout 3 bash -c '
        exec 3<>"/dev/tcp/$0/$1" || exit 7
        case $2 in
        http) printf "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" "$3" "$0" >&3; cat <&3 ;;
        line) printf "%s\n" "$3" >&3; cat <&3 ;;
        esac' "$@" 2>/dev/null
}
ask_curl() {
    case $3 in
    http) curl -s -i -m 3 "http://$1:$2$4" ;;
    line) printf '%s\n' "$4" | curl -s -m 3 "telnet://$1:$2" ;;
    tcp) curl -s -m 3 "telnet://$1:$2" </dev/null ;;
    https) curl -s -i -m 3 --http1.1 --cacert "$5/ca.pem" --cert "$5/cert.pem" --key "$5/key.pem" "https://$1:$2$4" ;;
    esac
}
probe() {
    if [ "$4" != https ] && command -v bash >/dev/null; then asker=ask_bash; else asker=ask_curl; fi
    state=down
    case $4 in
    tcp) answer=''; "$asker" "$2" "$3" tcp >/dev/null && state=ok ;;
    *) answer=$("$asker" "$2" "$3" "$4" "$5" "${6-}" | head -c 16777216 | base64 -w0); [ -n "$answer" ] && state=ok ;;
    esac
    printf 'probe\t%s\t%s\t%s\n' "$1" "$state" "$answer"
}
