# Every resource and data source that the provider has for IEC, the way its documents use them.
variable "suffix" { default = "" }

data "huaweicloud_iec_sites" "all" {}
data "huaweicloud_iec_flavors" "small" { name = "c6.large.2" }
data "huaweicloud_iec_images" "ubuntu" { name = "Ubuntu 16.04 server 64bit" }

locals {
  site = data.huaweicloud_iec_sites.all.sites[0]
}

resource "huaweicloud_iec_vpc" "vpc" {
  name = "life-vpc${var.suffix}"
  cidr = "192.168.0.0/16"
  mode = "CUSTOMER"
}

resource "huaweicloud_iec_vpc" "planned" {
  name = "life-planned"
  cidr = "10.64.0.0/16"
}

resource "huaweicloud_iec_vpc_subnet" "front" {
  name       = "life-front${var.suffix}"
  cidr       = "192.168.1.0/24"
  gateway_ip = "192.168.1.1"
  vpc_id     = huaweicloud_iec_vpc.vpc.id
  site_id    = local.site.id
}

resource "huaweicloud_iec_vpc_subnet" "back" {
  name        = "life-back"
  cidr        = "192.168.2.0/24"
  gateway_ip  = "192.168.2.254"
  dhcp_enable = true
  dns_list    = ["114.114.115.115", "8.8.8.8"]
  vpc_id      = huaweicloud_iec_vpc.vpc.id
  site_id     = local.site.id
}

resource "huaweicloud_iec_keypair" "generated" {
  name = "life-generated"
}

resource "huaweicloud_iec_keypair" "imported" {
  name       = "life-imported"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIcoMh8KFHlXlpBWlxGzIWQfMZbMDsMdXQCWqtmHtWbh life"
}

resource "huaweicloud_iec_security_group" "group" {
  name        = "life-group"
  description = "of the life of a configuration"
}

resource "huaweicloud_iec_security_group_rule" "ssh" {
  direction         = "ingress"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 22
  remote_ip_prefix  = "0.0.0.0/0"
  security_group_id = huaweicloud_iec_security_group.group.id
}

resource "huaweicloud_iec_security_group_rule" "ping" {
  direction         = "ingress"
  protocol          = "icmp"
  remote_ip_prefix  = "0.0.0.0/0"
  security_group_id = huaweicloud_iec_security_group.group.id
}

resource "huaweicloud_iec_security_group_rule" "among" {
  direction         = "ingress"
  protocol          = "udp"
  port_range_min    = 1000
  port_range_max    = 2000
  remote_group_id   = huaweicloud_iec_security_group.group.id
  security_group_id = huaweicloud_iec_security_group.group.id
}

resource "huaweicloud_iec_network_acl" "acl" {
  name        = "life-acl${var.suffix}"
  description = "in front of the back"
  networks {
    vpc_id    = huaweicloud_iec_vpc.vpc.id
    subnet_id = huaweicloud_iec_vpc_subnet.back.id
  }
}

resource "huaweicloud_iec_network_acl_rule" "in" {
  network_acl_id         = huaweicloud_iec_network_acl.acl.id
  direction              = "ingress"
  protocol               = "tcp"
  action                 = "allow"
  source_ip_address      = "192.168.1.0/24"
  destination_ip_address = "192.168.2.0/24"
  destination_port       = var.suffix == "" ? "445" : "446"
  enabled                = true
}

resource "huaweicloud_iec_network_acl_rule" "out" {
  network_acl_id         = huaweicloud_iec_network_acl.acl.id
  direction              = "egress"
  protocol               = "udp"
  action                 = "deny"
  source_ip_address      = "192.168.2.0/24"
  destination_ip_address = "0.0.0.0/0"
  destination_port       = "53"
  enabled                = true
}

resource "huaweicloud_iec_server" "keyed" {
  name             = "life-keyed${var.suffix}"
  image_id         = data.huaweicloud_iec_images.ubuntu.images[0].id
  flavor_id        = data.huaweicloud_iec_flavors.small.flavors[0].id
  vpc_id           = huaweicloud_iec_vpc.vpc.id
  subnet_ids       = [huaweicloud_iec_vpc_subnet.front.id, huaweicloud_iec_vpc_subnet.back.id]
  security_groups  = [huaweicloud_iec_security_group.group.id]
  key_pair         = huaweicloud_iec_keypair.generated.name
  bind_eip         = true
  system_disk_type = "SAS"
  system_disk_size = 40
  data_disks {
    type = "SAS"
    size = 20
  }
  data_disks {
    type = "SSD"
    size = 30
  }
  coverage_sites {
    site_id  = local.site.id
    operator = local.site.lines[0].operator
  }
}

resource "huaweicloud_iec_server" "plain" {
  name             = "life-plain"
  image_id         = data.huaweicloud_iec_images.ubuntu.images[0].id
  flavor_id        = data.huaweicloud_iec_flavors.small.flavors[0].id
  vpc_id           = huaweicloud_iec_vpc.vpc.id
  subnet_ids       = [huaweicloud_iec_vpc_subnet.front.id]
  security_groups  = [huaweicloud_iec_security_group.group.id]
  admin_pass       = "Life!2026pass"
  user_data        = "#cloud-config\npackages: [curl]\n"
  system_disk_type = "SAS"
  system_disk_size = 50
  coverage_sites {
    site_id  = local.site.id
    operator = local.site.lines[0].operator
  }
}

resource "huaweicloud_iec_vip" "vip" {
  subnet_id  = huaweicloud_iec_vpc_subnet.front.id
  ip_address = "192.168.1.100"
  port_ids   = var.suffix == "" ? [huaweicloud_iec_server.keyed.nics[0].port, huaweicloud_iec_server.plain.nics[0].port] : []
}

resource "huaweicloud_iec_eip" "bound" {
  site_id = local.site.id
  port_id = huaweicloud_iec_server.plain.nics[0].port
}

resource "huaweicloud_iec_eip" "free" {
  site_id = local.site.id
}

data "huaweicloud_iec_vpc" "vpc" { id = huaweicloud_iec_vpc.vpc.id }
data "huaweicloud_iec_vpc_subnets" "subnets" {
  vpc_id     = huaweicloud_iec_vpc.vpc.id
  depends_on = [huaweicloud_iec_vpc_subnet.front, huaweicloud_iec_vpc_subnet.back]
}
data "huaweicloud_iec_keypair" "generated" { name = huaweicloud_iec_keypair.generated.name }
data "huaweicloud_iec_security_group" "group" { name = huaweicloud_iec_security_group.group.name }
data "huaweicloud_iec_network_acl" "acl" { id = huaweicloud_iec_network_acl.acl.id }
data "huaweicloud_iec_port" "gateway" {
  subnet_id = huaweicloud_iec_vpc_subnet.front.id
  fixed_ip  = huaweicloud_iec_vpc_subnet.front.gateway_ip
}
data "huaweicloud_iec_server" "plain" {
  name       = huaweicloud_iec_server.plain.name
  depends_on = [huaweicloud_iec_eip.bound]
}
data "huaweicloud_iec_eips" "eips" {
  site_id    = local.site.id
  depends_on = [huaweicloud_iec_eip.bound, huaweicloud_iec_eip.free]
}
data "huaweicloud_iec_bandwidths" "bandwidths" {
  site_id    = local.site.id
  depends_on = [huaweicloud_iec_eip.free]
}
