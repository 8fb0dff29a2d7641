# Shared by the start scripts: where state lies, how the seed is read.
export PATH=/sbin:/usr/sbin:/bin:/usr/bin HOME=/root
CLOUD=/var/lib/cloud
SEED=$CLOUD/seed

# flatten FILE: the YAML as "path<TAB>value" lines in FILE.flat.
flatten() { awk -f /usr/lib/tiny/yaml.awk "$1" >"$1.flat"; }

# get FILE PATH: the value, without the line feeds at its end.
get() { printf '%b' "$(WANT=$2 awk -F '\t' '$1 == ENVIRON["WANT"] { print $2; exit }' "$1.flat" 2>/dev/null)"; }

# raw FILE PATH: the value to the byte.
raw() { get "$1" "$2"; }

# list FILE PATH: the values below the path, one a line; those of several lines stay escaped.
list() { WANT=$2. awk -F '\t' 'index($1, ENVIRON["WANT"]) == 1 && substr($1, length(ENVIRON["WANT"]) + 1) ~ /^[0-9]+$/ { print $2 }' "$1.flat" 2>/dev/null; }

# names FILE PATH: the keys right below the path.
names() { WANT=$2. awk -F '\t' 'index($1, ENVIRON["WANT"]) == 1 { k = substr($1, length(ENVIRON["WANT"]) + 1); sub(/\..*/, "", k); if (!(k in seen)) { seen[k] = 1; print k } }' "$1.flat" 2>/dev/null; }

# seed_device: the first one whose ISO 9660 volume label is cidata. A CD drive shows up a moment after its driver.
seed_device() {
  tries=0
  while [ $tries -lt 30 ]; do
    for device in /dev/sr* /dev/vd? /dev/sd?; do
      [ -b "$device" ] || continue
      case $(dd if="$device" bs=1 skip=32808 count=6 2>/dev/null) in cidata | CIDATA)
        echo "$device"
        return
        ;;
      esac
    done
    # Without a CD controller there is nothing to wait for.
    grep -q . /sys/class/scsi_host/host*/proc_name 2>/dev/null || return
    usleep 50000
    tries=$((tries + 1))
  done
}

# read_seed copies the seed to disk, so that an instance whose drive is gone starts as before.
read_seed() {
  mkdir -p $SEED
  device=$(seed_device)
  if [ -n "$device" ] && mount -t iso9660 -o ro "$device" /run/seed; then
    rm -rf $SEED.new
    mkdir -m 700 $SEED.new
    cp /run/seed/* $SEED.new/
    umount /run/seed
    rm -rf $SEED
    mv $SEED.new $SEED
  fi
  for name in meta-data vendor-data network-config; do
    [ -e $SEED/$name ] && flatten $SEED/$name
  done
  if [ "$(dd if=$SEED/user-data bs=2 count=1 2>/dev/null | xxd -p)" = 1f8b ]; then
    gunzip <$SEED/user-data >$SEED/user-data.plain && mv $SEED/user-data.plain $SEED/user-data
  fi
  case $(head -n 1 $SEED/user-data 2>/dev/null) in '#cloud-config'*) flatten $SEED/user-data ;; esac
}

apply_hostname() {
  name=$(get $SEED/user-data hostname)
  [ -n "$name" ] || name=$(get $SEED/meta-data local-hostname)
  name=${name:-tiny}
  echo "$name" >/etc/hostname
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n' "$name" >/etc/hosts
  hostname "$name"
}

# wait_network waits until every interface that is to have an address has one.
wait_network() {
  tries=0
  while [ $tries -lt 300 ]; do
    missing=
    for wanted in /run/net/*.wanted; do
      [ -e "$wanted" ] && [ ! -e "${wanted%.wanted}.up" ] && missing=1
    done
    [ -n "$missing" ] || return
    usleep 100000
    tries=$((tries + 1))
  done
}
