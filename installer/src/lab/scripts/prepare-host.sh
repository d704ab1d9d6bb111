# Gives a host its identity; runs once in the host's root folder, before the first boot.
#
# $1: name; $2: address; $3: machine id; $4: public key that may log in; standard input: password of `operator`
# Prints the host's public key.
set -eu
umask 022
name=$1 address=$2 id=$3 key=$4

printf '%s\n' "$name" > /etc/hostname
printf '127.0.0.1 localhost\n%s %s\n' "$address" "$name" > /etc/hosts
: > /etc/resolv.conf
printf '%s\n' "$id" > /etc/machine-id
for home in /root /home/operator /home/deploy; do
    printf '%s\n' "$key" > "$home/.ssh/authorized_keys"
    chown --reference="$home" "$home/.ssh/authorized_keys"
    chmod 0600 "$home/.ssh/authorized_keys"
done
{ printf 'operator:'; cat; } | chpasswd -c SHA512

# An interrupted run may have left half a key pair.
[ -s /etc/ssh/ssh_host_ed25519_key.pub ] || {
    rm -f /etc/ssh/ssh_host_ed25519_key
    ssh-keygen -q -t ed25519 -N '' -C "$name" -f /etc/ssh/ssh_host_ed25519_key
}
cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub
