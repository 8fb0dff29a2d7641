package daemons

import (
	"context"
	"fmt"
	"net"
	"time"
)

// LibvirtConfig describes one host's libvirt.
type LibvirtConfig struct {
	HostUUID   string // its own, or live migration refuses: libvirt believes both ends to be one host
	ListenAddr string // address for qemu+tcp without authentication on a closed fabric; empty for the unix socket alone
	Socket     string // path of libvirt-sock as this process sees it
}

// LibvirtSocket is the path of libvirt's socket, below the host's /run.
const LibvirtSocket = "libvirt/libvirt-sock"

// LibvirtTCPPort is the port of qemu+tcp.
const LibvirtTCPPort = 16509

// StartLibvirt writes libvirt's configuration, starts virtlogd and libvirtd, and returns when libvirtd answers on its socket. Guests run as root and
// without cgroups and security driver: the machine around is a container or a test host, which has neither.
func StartLibvirt(ctx context.Context, r Runner, cfg LibvirtConfig) error {
	listen, tcp := "", ""
	if cfg.ListenAddr != "" {
		listen = "--listen"
		tcp = fmt.Sprintf("listen_tls = 0\nlisten_tcp = 1\nauth_tcp = \"none\"\nlisten_addr = %q\n", cfg.ListenAddr)
	}
	_, err := Script(ctx, r, fmt.Sprintf(`mkdir -p /run/libvirt /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt
cat >/etc/libvirt/libvirtd.conf <<'END'
unix_sock_rw_perms = "0770"
auth_unix_rw = "none"
auth_unix_ro = "none"
max_clients = 200
host_uuid = %[1]q
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
%[2]sEND
cat >/etc/libvirt/qemu.conf <<'END'
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "logd"
END
: >/etc/libvirt/virtlogd.conf
virtlogd -d </dev/null >/dev/null 2>&1
libvirtd -d %[3]s </dev/null >/dev/null 2>&1
`, cfg.HostUUID, tcp, listen))
	if err != nil {
		return fmt.Errorf("start libvirt: %w", err)
	}
	return WaitFor(ctx, 2*time.Minute, "libvirtd", func() error {
		conn, err := net.Dial("unix", cfg.Socket)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}
