# What is done once for an instance-id: keys, passwords, files, commands. A mark is written after each part, so that a crash repeats it and loses nothing.

instance=$(get $SEED/meta-data instance-id)
instance_dir=$CLOUD/instances/$(printf '%s' "${instance:-none}" | tr / _)

# once NAME COMMAND: runs the command unless it ended for this instance before.
once() {
  [ -e "$instance_dir/sem/$1" ] && return
  "$2"
  sync
  : >"$instance_dir/sem/$1"
}

login_user() {
  user=$(get $SEED/vendor-data system_info.default_user.name)
  echo "${user:-root}"
}

home_of() { awk -F : -v user="$1" '$1 == user { print $6 }' /etc/passwd; }

add_user() {
  grep -q "^$1:" /etc/passwd && return
  id=$(awk -F : '$3 >= 1000 && $3 < 60000 { n = $3 - 999 } END { print 1000 + n }' /etc/passwd)
  echo "$1:x:$id:" >>/etc/group
  echo "$1:*:19000:0:99999:7:::" >>/etc/shadow
  echo "$1:x:$id:$id::/home/$1:/bin/sh" >>/etc/passwd
  mkdir -p "/home/$1"
  chown "$id:$id" "/home/$1"
}

set_keys() {
  user=$(login_user)
  home=$(home_of "$user")
  mkdir -p "$home/.ssh"
  {
    list $SEED/meta-data public-keys
    list $SEED/user-data ssh_authorized_keys
  } >"$home/.ssh/authorized_keys"
  chmod 700 "$home/.ssh"
  chmod 600 "$home/.ssh/authorized_keys"
  chown -R "$user" "$home/.ssh"
}

# passwords FILE: the lines of chpasswd in all the forms that cloud-init knows.
passwords() {
  for number in $(names "$1" chpasswd.users); do
    name=$(get "$1" "chpasswd.users.$number.name")
    secret=$(get "$1" "chpasswd.users.$number.password")
    [ "$(get "$1" "chpasswd.users.$number.type")" = text ] && secret=$(printf '%s' "$secret" | mkpasswd -m sha512 -P 0)
    [ -n "$name" ] && [ -n "$secret" ] && echo "$name:$secret"
  done
  {
    get "$1" chpasswd.list
    echo
    list "$1" chpasswd.list
    secret=$(get "$1" password)
    [ -n "$secret" ] && echo "$(login_user):$secret"
  } | while IFS= read -r line; do
    secret=${line#*:}
    [ -n "$line" ] || continue
    case $secret in \$[1256y]*\$*) ;; *) secret=$(printf '%s' "$secret" | mkpasswd -m sha512 -P 0) ;; esac
    echo "${line%%:*}:$secret"
  done
}

set_passwords() {
  passwords $SEED/vendor-data | chpasswd -e
  passwords $SEED/user-data | chpasswd -e
  rm -f $CLOUD/no-password-login
  [ "$(get $SEED/user-data ssh_pwauth)" = false ] && : >$CLOUD/no-password-login
}

new_host_keys() { rm -f /etc/dropbear/*_host_key; }

write_files() {
  for number in $(names $SEED/user-data write_files); do
    entry=write_files.$number
    file=$(get $SEED/user-data $entry.path)
    [ -n "$file" ] || continue
    mkdir -p "$(dirname "$file")"
    decode=cat
    case $(get $SEED/user-data $entry.encoding) in
    b64 | base64) decode="base64 -d" ;;
    gz | gzip) decode=gunzip ;;
    gz+b64 | gz+base64 | gzip+b64 | gzip+base64) decode="base64 -d | gunzip" ;;
    esac
    [ "$(get $SEED/user-data $entry.append)" = true ] || : >"$file"
    raw $SEED/user-data $entry.content | eval "$decode" >>"$file"
    mode=$(get $SEED/user-data $entry.permissions)
    chmod "${mode:-0644}" "$file"
    owner=$(get $SEED/user-data $entry.owner)
    [ -n "$owner" ] && chown "$owner" "$file"
  done
}

apply_instance() {
  [ -n "$instance" ] || return
  mkdir -p "$instance_dir/sem"
  add_user "$(login_user)"
  printf '%s' "$instance" >$CLOUD/instance-id
  once host-keys new_host_keys
  once keys set_keys
  once passwords set_passwords
  once files write_files
}

run_script() {
  cp $SEED/user-data "$instance_dir/script"
  chmod 700 "$instance_dir/script"
  cd /
  "$instance_dir/script"
  echo "tiny: user data ended with $?"
}

# run_commands: an entry is a line for the shell, or a list of words that the shell leaves alone.
run_commands() {
  cd /
  for number in $(names $SEED/user-data runcmd); do
    line=$(get $SEED/user-data runcmd.$number)
    if [ -n "$line" ]; then
      sh -c "$line"
      continue
    fi
    set --
    for word in $(names $SEED/user-data runcmd.$number); do
      set -- "$@" "$(get $SEED/user-data runcmd.$number.$word)"
    done
    [ $# -gt 0 ] && "$@"
  done
}

run_user_data() {
  [ -n "$instance" ] || return
  case $(head -n 1 $SEED/user-data 2>/dev/null) in
  '#!'*) once scripts run_script ;;
  '#cloud-config'*) once commands run_commands ;;
  esac
  : >/run/boot-finished
}
