# shellcheck shell=sh
# zone_of ADDRESS: the zone of firewalld that the address's interface is in.
zone_of() {
    # shellcheck disable=SC2046 # the words of the first line: number, interface
    set -- $(ip -o addr show to "$1" 2>/dev/null)
    firewall-cmd --get-zone-of-interface="${2:--}" 2>/dev/null || firewall-cmd --get-default-zone
}
