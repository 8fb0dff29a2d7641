# Interfaces as network-config (version 2) says, found by MAC; by DHCP where it says nothing.

interface_of() {
  for nic in /sys/class/net/*; do
    [ "$(cat "$nic/address")" = "$1" ] && [ "${nic##*/}" != lo ] && echo "${nic##*/}" && return
  done
}

dhcp() {
  : >/run/net/$1.wanted
  udhcpc -i "$1" -b -t 20 -T 1 -A 3 -O mtu -O staticroutes -x hostname:"$(hostname)" -p /run/net/$1.pid -s /etc/udhcpc/default.script >>/var/log/udhcpc.log 2>&1 &
}

# configure_nic CONFIG-PATH INTERFACE
configure_nic() {
  mtu=$(get $SEED/network-config "$1.mtu")
  [ -n "$mtu" ] && ip link set "$2" mtu "$mtu"
  ip link set "$2" up
  list $SEED/network-config "$1.addresses" | while read -r address; do
    case $address in
    *:*) ip -6 addr add "$address" dev "$2" nodad ;;
    *) ip addr add "$address" broadcast + dev "$2" ;;
    esac
  done
  metric=$((100 + $(cat /sys/class/net/$2/ifindex)))
  gateway=$(get $SEED/network-config "$1.gateway4")
  [ -n "$gateway" ] && ip route add default via "$gateway" dev "$2" metric $metric onlink
  gateway=$(get $SEED/network-config "$1.gateway6")
  [ -n "$gateway" ] && ip -6 route add default via "$gateway" dev "$2" metric $metric
  list $SEED/network-config "$1.nameservers.addresses" | while read -r server; do echo "nameserver $server"; done >/run/net/$2.dns
  [ "$(get $SEED/network-config "$1.dhcp4")" = true ] && dhcp "$2"
}

configure_network() {
  rm -f /etc/resolv.conf
  configured=
  for name in $(names $SEED/network-config ethernets); do
    mac=$(get $SEED/network-config "ethernets.$name.match.macaddress" | tr A-F a-f)
    nic=$(interface_of "$mac")
    [ -n "$nic" ] || continue
    configured=1
    configure_nic "ethernets.$name" "$nic"
  done
  cat /run/net/*.dns >/etc/resolv.conf 2>/dev/null
  [ -n "$configured" ] && return
  for nic in /sys/class/net/*; do
    nic=${nic##*/}
    [ "$nic" = lo ] && continue
    ip link set "$nic" up
    dhcp "$nic"
  done
}
