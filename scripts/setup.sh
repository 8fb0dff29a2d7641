#!/bin/bash
# Installs what building, testing and running edgecloud with real engines needs on Debian 12. Quick when nothing is missing; run as root.
set -euo pipefail

packages=(
  bash ca-certificates git make curl iproute2 iputils-ping ethtool util-linux
  openvswitch-switch ovn-central ovn-host haproxy nginx libnginx-mod-stream
  libvirt-daemon libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils
  busybox-static cpio zstd e2fsprogs syslinux syslinux-common mtools dropbear-bin qemu-guest-agent mmdebstrap genisoimage linux-image-cloud-amd64
  binutils postgresql
)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "setup: not root, cannot install: ${missing[*]}" >&2
  exit 1
fi

echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive

# Nothing of edgecloud uses the machine's own daemons: do not let the packages start any.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
