package isolation

// kinds says which resource an argument names, in paths, queries and bodies.
var kinds = map[string]string{
	"vpcId": "vpc", "subnetId": "subnet", "securityGroupId": "group", "securityGroupIds": "group", "securityGroupRuleId": "rule", "securityGroupRuleIds": "rule",
	"serviceId": "service", "service": "service", "idList": "service", "serviceList": "service", "instanceId": "instance", "instanceIdList": "instance", "vmId": "instance",
	"deploysetId": "set", "deploySetId": "set", "deploysetIdList": "set", "deployId": "set", "deployIdList": "set", "imageId": "image", "imageIdList": "image", "keypairId": "pair", "bccKeyPairIdList": "pair",
	"vpc_id": "network", "subnet_id": "subnetUID", "network_id": "subnetUID", "port_id": "port", "security_group_id": "groupUID", "security_group_rule_id": "ruleUID",
	"keypair_name": "pairName", "site_id": "siteUID", "firewall_id": "firewall", "routetable_id": "routeTable",
	"publicip_id": "publicIP", "bandwidth_id": "bandwidth", "vport_id": "vip", "?bandwidth": "bandwidth",
	"tableId": "table", "routeTableId": "table", "ruleId": "route", "routeRuleId": "route", "nexthop": "instance", "nexthopId": "instance",
	"natId": "nat", "natIdList": "nat", "eniId": "eni", "aclId": "acl", "aclRuleId": "aclRule", "aclRuleIds": "aclRule", "haVipId": "haVip", "haVipIds": "haVip", "eipId": "eip", "eipIds": "eip", "eips": "eipAddress", "eip": "eipAddress", "shareGroupId": "eipGroup", "volumeId": "cloudVolume", "insnapId": "insnap", "insnapIdList": "spareInsnap", "snapshotId": "diskSnapshot", "snapShotId": "diskSnapshot", "instanceIds": "instance",
	"server_id": "server", "instance_id": "server", "volume_id": "volume", "deployment_id": "plan", "edgecloud_id": "edgeCloud",
	"?network": "network", "?subnetUID": "subnetUID", "?managed": "managed", "?groupUID": "groupUID", "?serverOff": "serverOff", "?port": "port", "?expansion": "expansion", "?vip": "vip", "?sharedAddress": "sharedAddress", // named in bodies
	"image_id": "ownImage", "domain_id": "account", "job_id": "imageJob",
	"accountId": "account", "userId": "user", "accessKeyId": "key", "site": "site", "host": "host", "image": "publicImage", "flavor": "flavor", "account": "account", "faultId": "fault",
}

// special says which resource an argument names in one operation, where it is another than elsewhere.
var special = map[string]string{"iec/deployment.expandEdgeCloud deployment_id": "expansion", "iec/port.deletePort port_id": "vip", "iec/firewall.deleteFirewall firewall_id": "spareFirewall",
	"iec/routetable.deleteRoutetable routetable_id": "spareTable", "iec/routetable.disassociateSubnet routetable_id": "joinedTable",
	"iec/routetable.updateRoutes routetable_id": "routedTable", "iec/routetable.deleteRoutes routetable_id": "routedTable",
	"bec/v1/eni.detachEni eniId": "eniOn", "bec/v2/eni.detachEni eniId": "eniOn", "bec/v1/eni.updateEniSecurityGroups action": "bind", "bec/v1/havip.bindOrUnbindHaVipInstances action": "bind",
	"bec/v1/havip.batchDeleteHaVips haVipIds": "spareHAVIP", "bec/v1/eip.batchDeleteEips eipIds": "spareEIP", "bec/v1/eip.batchEipInstanceAction action": "bind",
	"bec/v1/eipgroup.getEipGroup id": "eipGroup", "bec/v1/eipgroup.updateEipGroup id": "eipGroup", "bec/v1/eipgroup.moveInEipGroupEips id": "eipGroup",
	"bec/v1/eipgroup.moveOutEipGroupEips id": "eipGroup", "bec/v1/eipgroup.resizeEipGroupBandwidth id": "eipGroup", "bec/v1/eipgroup.addEipGroupEips id": "eipGroup",
	"bec/v1/vm-instance-2.refundPrepaidVmInstances instanceIds": "prepaid",
	"bec/v1/snapshot.createInsnapshot instanceId":               "cloudInstance", "bec/v1/snapshot.rollbackInsnapshot insnapId": "insnapOff", "bec/v1/snapshot.rollbackSnapshot snapshotId": "diskSnapshotOff",
	"bec/v2/volume.deleteVolume volumeId": "spareVolume", "bec/v2/volume.detachVolume volumeId": "volumeOn",
	"bec/v1/eipgroup.deleteEipGroup id":              "spareEIPGroup",
	"bec/v1/eni.deleteEniPrivateIp privateIpAddress": "eniAddress", "bec/v2/eni.deleteEniPrivateIp privateIpAddress": "eniAddress",
	"bec/v1/vm-instance.releaseVmPrivateIps vmId": "addressed",
	"bec/v1/nat.batchDeleteNats natIdList":        "spareNAT", "bec/v2/nat.deleteNat natId": "otherNAT",
	"bec/v1/nat.updateNatDnatRule ruleId": "dnat", "bec/v2/nat.updateDnatRule ruleId": "dnat", "bec/v1/nat.batchDeleteNatDnatRules ruleIdList": "spareDNAT", "bec/v2/nat.deleteDnatRule ruleId": "otherDNAT",
	"bec/v1/nat.updateNatSnatRule ruleId": "snat", "bec/v2/nat.updateSnatRule ruleId": "snat", "bec/v1/nat.batchDeleteNatSnatRules ruleIdList": "spareSNAT", "bec/v2/nat.deleteSnatRule ruleId": "otherSNAT",
	"bec/v1/acl.batchDeleteAclRules aclRuleIds": "spareACLRule", "bec/v2/acl.deleteAclRule aclRuleId": "otherACLRule",
	"bec/v2/route.getRouteTable vpcId": "tableVpc", "bec/v1/route.deleteRouteRule ruleId": "spareRoute"}

// shared kinds belong to nobody: every account may name them, so that only a change to them by a tenant has to be refused.
var shared = map[string]bool{"site": true, "siteUID": true, "host": true, "publicImage": true, "fault": true, "flavor": true, "image": true, "imageUID": true, "place": true, "bind": true, "eniAddress": true}

// fixed are arguments that name no resource but must fit this cloud.
var fixed = map[string]string{"regionId": site, "action": "start", "type": "vm", "area": "EAST_CHINA", "region": "EAST_CHINA", "serviceProvider": "CHINA_MOBILE", "city": "HANGZHOU", "region_id": "region-1", "metricsType": "BANDWIDTH_RECEIVE"}

// nodeQuery is the operation that asks for a node by its area, city and carrier, and finds none that is not there.
const nodeQuery = "bec/v1/overview.getVmNodeOverviewMetrics"

// stack and coverage are what plans of IEC are made of.
const (
	iecStack = `"stack":{"name":"s","resources":[{"name":"r","image_ref":"?imageUID","flavor_ref":"c6.large.2","key_name":"?pairName","net_config":{"vpc_id":"?managed","nic_num":1},
		"root_volume":{"size":40,"volume_type":"SAS"},"security_groups":[{"id":"?groupUID"}]}]}`
	iecCoverage = `"coverage":{"coverage_level":"city","coverage_policy":"centralize","coverage_sites":[{"site":"?place","demands":[{"demand_count":1}]}]}`
)

// noResource are arguments that end like an ID's but are none.
var noResource = map[string]bool{"regionId": true, "name": true, "region": true, "serviceProvider": true, "city": true, "action": true, "type": true, "metricsType": true}

const eniBody = `{"name":"own","subnetId":"?","securityGroupIds":["?"],"privateIpSet":[{"primary":true,"privateIpAddress":""},{"primary":false,"privateIpAddress":""}]}`

const machine = `"spec":"bec.g4.c1m4","imageId":"?","imageType":"bec","keypairId":"?","deployInstances":[{"regionId":"?","purchaseCount":1`

// bodies replace examples that only fit the vendor's own cloud.
var bodies = map[string][]string{
	"bec/v1/subnet.createSubnet": {`{"name":"subnet1","cidr":"10.1.0.0/24","vpcId":"?"}`},
	"bec/v1/vm-instance.createVmInstances": {`{"adminPass":"?","imageId":"?","imageType":"bec","cpu":1,"memory":2,"securityGroupIds":["?"],"deploysetIdList":["?"],
		"systemVolume":{"name":"s","volumeType":"NVME","sizeInGB":40},"deployInstances":[{"regionId":"?","replicas":1,"networkType":"vpc","subnetId":"?"}]}`,
		`{"adminPass":"?","imageId":"?","imageType":"bec","cpu":1,"memory":2,"systemVolume":{"name":"s","volumeType":"NVME","sizeInGB":40},
			"deployInstances":[{"regionId":"?","replicas":1,"networkType":"vpc","vpcId":"?"}]}`},
	"bec/v1/vm-service.createVmService": {`{"serviceName":"own","keyConfig":{"type":"bccKeyPair","bccKeyPairIdList":["?"]},"imageId":"?","imageType":"bec","cpu":1,"memory":2,
		"securityGroupIds":["?"],"deploysetIdList":["?"],"systemVolume":{"name":"s","volumeType":"NVME","sizeInGB":40},
		"deployInstances":[{"regionId":"?","replicas":1,"networkType":"vpc","subnetId":"?"}]}`,
		`{"keyConfig":{"type":"password","adminPass":"?"},"imageId":"?","imageType":"bec","cpu":1,"memory":2,"systemVolume":{"name":"s","volumeType":"NVME","sizeInGB":40},
			"deployInstances":[{"regionId":"?","replicas":1,"networkType":"vpc","vpcId":"?"}]}`},
	"bec/v1/vm-instance.reinstallVmInstance": {`{"keyConfig":{"adminPass":"?","type":"password"},"imageId":"?","imageType":"bec"}`,
		`{"keyConfig":{"type":"bccKeyPair","bccKeyPairIdList":["?"]},"imageId":"?","imageType":"bec"}`},
	"bec/v1/vm-instance.updateVmInstance": {`{"type":"resource","cpu":2,"memory":4}`, `{"type":"password","keyConfig":{"type":"bccKeyPair","bccKeyPairIdList":["?"]}}`,
		`{"type":"securityGroup","securityGroupIds":["?"]}`, `{"type":"hostname","hostname":"mynewone"}`},
	"bec/v1/vm-service.updateVmService": {`{"type":"replicas","deployInstances":[{"regionId":"?","replicas":2}]}`, `{"type":"resource","cpu":2,"memory":4}`,
		`{"type":"password","keyConfig":{"type":"bccKeyPair","bccKeyPairIdList":["?"]}}`, `{"type":"serviceName","serviceName":"YourNewName"}`},
	"bec/v2/vm-instance.createVmInstance": {`{` + machine + `,"networkType":"vpc","subnetId":"?"}],"securityGroupId":"?","deployIdList":["?"],"billing":{"paymentTiming":"Postpaid"}}`,
		`{` + machine + `,"networkType":"vpc","vpcId":"?"}],"serviceId":"?","billing":{"paymentTiming":"Postpaid"}}`},
	"bec/v1/acl.batchCreateAclRules": {`{"subnetId":"?subnet","aclRules":[{"position":7,"protocol":"tcp","sourceIpAddress":"all","destinationIpAddress":"all","action":"deny","direction":"ingress"}]}`},
	"bec/v2/acl.createAclRules":      {`{"aclRules":[{"subnetId":"?subnet","position":8,"protocol":"tcp","sourceIpAddress":"0.0.0.0/0","destinationIpAddress":"0.0.0.0/0","action":"deny","direction":"ingress"}]}`},
	"bec/v1/acl.updateAclRule":       {`{"aclRule":{"position":9,"action":"deny"}}`},
	"bec/v2/acl.updateAclRule":       {`{"position":10,"protocol":"all","sourceIpAddress":"0.0.0.0/0","destinationIpAddress":"0.0.0.0/0","action":"allow"}`},
	"bec/v2/volume.createVolumes": {`{"cdsSizeInGB":50,"deployInstances":[{"purchaseCount":1,"regionId":"?"}],"name":"own","storageType":"ssd"}`,
		`{"deployInstances":[{"purchaseCount":1,"regionId":"?"}],"name":"own","storageType":"ssd","snapShotId":"?"}`},
	"bec/v1/snapshot.createInsnapshot":        {`{"instanceId":"?","name":"own"}`},
	"bec/v1/snapshot.batchDeleteInsnapshots":  {`{"insnapIdList":["?"]}`},
	"bec/v1/snapshot.rollbackInsnapshot":      {`{"insnapId":["?"]}`},
	"bec/v1/snapshot.rollbackSnapshot":        {`{"snapshotId":"?"}`},
	"bec/v2/volume.attachVolume":              {`{"instanceId":"?"}`},
	"bec/v2/volume.detachVolume":              {`{"instanceId":"?"}`},
	"bec/v2/volume.renameVolume":              {`{"name":"renamed"}`},
	"bec/v2/volume.resizeVolume":              {`{"newCdsSizeInGB":60}`},
	"bec/v1/eip.batchCreateEips":              {`{"bandwidthInMbps":10,"name":"own","tags":[],"deployInstances":[{"regionId":"?","ipv4Num":1}]}`},
	"bec/v1/eip.batchEipInstanceAction":       {`{"backends":[{"eipId":"?","instanceType":"vm","instanceId":"?"}]}`},
	"bec/v1/eip.batchUpdateEips":              {`{"eipIds":["?"],"name":"renamed"}`},
	"bec/v1/eipgroup.createEipGroup":          {`{"regionId":"?","routeType":"ChinaMobile","ipVersion":"ipv4","bandwidthInMbps":20,"eipCount":1,"billing":{"paymentTiming":"Postpaid"}}`},
	"bec/v1/eipgroup.updateEipGroup":          {`{"name":"renamed","action":"update"}`},
	"bec/v1/eipgroup.moveInEipGroupEips":      {`{"eips":["?"],"action":"move_in"}`},
	"bec/v1/eipgroup.moveOutEipGroupEips":     {`{"moveOutEips":[{"eip":"?sharedAddress","bandwidthInMbps":5}],"action":"move_out"}`},
	"bec/v1/havip.batchCreateHaVips":          {`{"name":"own","deployInstances":[{"ipAddressCount":1,"regionId":"?","subnetId":"?","vpcId":"?"}]}`},
	"bec/v1/havip.bindOrUnbindHaVipInstances": {`{"backends":[{"instanceId":"?"}]}`},
	"bec/v1/havip.updateHaVip":                {`{"name":"renamed"}`},
	"bec/v1/eni.createEni":                    {eniBody},
	"bec/v2/eni.createEni":                    {eniBody},
	"bec/v1/eni.addEniPrivateIp":              {`{"privateIpAddress":"172.16.0.210"}`},
	"bec/v2/eni.addEniPrivateIp":              {`{"privateIpAddress":"172.16.0.210"}`},
	"bec/v1/eni.batchAddEniPrivateIps":        {`{"privateIpAddresses":["172.16.0.211"]}`, `{"privateIpAddressCount":2}`},
	"bec/v2/eni.batchAddEniPrivateIps":        {`{"privateIpAddresses":["172.16.0.211"]}`, `{"privateIpAddressCount":2}`},
	"bec/v1/eni.batchDeleteEniPrivateIps":     {`{"privateIpAddresses":["172.16.0.201"]}`},
	"bec/v2/eni.batchDeleteEniPrivateIps":     {`{"privateIpAddresses":["172.16.0.201"]}`},
	"bec/v1/vm-instance.releaseVmPrivateIps":  {`{"privateIps":["172.16.0.220"]}`},
	"bec/v1/route.createRouteRule": {`{"tableId":"?table","ipVersion":4,"sourceAddress":"172.16.0.0/20","destinationAddress":"10.61.0.0/16","nexthop":"?instance","routeType":"CUSTOM"}`,
		`{"tableId":"?table","ipVersion":4,"sourceAddress":"172.16.0.0/20","destinationAddress":"0.0.0.0/0","nexthop":"?nat","routeType":"NAT"}`},
	"bec/v2/route.createRouteRule":       {`{"routeTableId":"?table","ipVersion":"4","sourceAddress":"172.16.0.0/20","destinationAddress":"10.62.0.0/16","nexthopId":"?instance","nexthopType":"custom"}`},
	"bec/v1/nat.batchCreateNats":         {`{"name":"n","deployInstances":[{"regionId":"?site","spec":"small","vpcId":"?vpc"}]}`},
	"bec/v2/nat.createNat":               {`{"name":"n","regionId":"?site","spec":"small","vpcId":"?vpc"}`},
	"bec/v1/nat.createNatDnatRule":       {`{"ruleName":"n","publicIpAddress":"?natAddress","privateIpAddress":"172.16.0.9","protocol":"TCP","publicPort":"1001","privatePort":"80"}`},
	"bec/v2/nat.createDnatRule":          {`{"ruleName":"n","publicIpAddress":"?natAddress","privateIpAddress":"172.16.0.9","protocol":"TCP","publicPort":"1002","privatePort":"80"}`},
	"bec/v1/nat.batchCreateNatDnatRules": {`{"rules":[{"ruleName":"n","publicIpAddress":"?natAddress","privateIpAddress":"172.16.0.9","protocol":"TCP","publicPort":"1003","privatePort":"80"}]}`},
	"bec/v2/nat.batchCreateDnatRules":    {`{"rules":[{"ruleName":"n","publicIpAddress":"?natAddress","privateIpAddress":"172.16.0.9","protocol":"TCP","publicPort":"1004","privatePort":"80"}]}`},
	"bec/v1/nat.updateNatDnatRule":       {`{"ruleName":"n","publicIpAddress":"?natAddress","privateIpAddress":"172.16.0.9","protocol":"TCP","publicPort":"1005","privatePort":"80"}`},
	"bec/v2/nat.updateDnatRule":          {`{"ruleName":"n","publicIpAddress":"?natAddress","privateIpAddress":"172.16.0.9","protocol":"TCP","publicPort":"1006","privatePort":"80"}`},
	"bec/v1/nat.createNatSnatRule":       {`{"ruleName":"n","sourceCIDR":"172.16.1.1/32"}`},
	"bec/v2/nat.createSnatRule":          {`{"ruleName":"n","sourceCIDR":"172.16.1.2/32"}`},
	"bec/v1/nat.batchCreateNatSnatRules": {`{"snatRules":[{"ruleName":"n","sourceCIDR":"172.16.1.3/32"}]}`},
	"bec/v2/nat.batchCreateSnatRules":    {`{"snatRules":[{"ruleName":"n","sourceCIDR":"172.16.1.4/32"}]}`},
	"bec/v1/nat.updateNatSnatRule":       {`{"ruleName":"n","sourceCIDR":"172.16.1.5/32"}`},
	"bec/v2/nat.updateSnatRule":          {`{"ruleName":"n","sourceCIDR":"172.16.1.6/32"}`},
	"iec/keypair.createKeypair":          {`{"name":"another"}`},
	"iec/vpc.updateVpc":                  {`{"vpc":{"name":"renamed"}}`},
	"iec/publicip.createPublicIp":        {`{"publicip":{"site_id":"?siteUID"}}`, `{"publicip":{"site_id":"?siteUID"},"bandwidth":{"id":"?bandwidth"}}`},
	"iec/publicip.updatePublicIp":        {`{"publicip":{"port_id":"?vip"}}`, `{"publicip":{}}`},
	"iec/subnet.createSubnet":            {`{"subnet":{"name":"another","cidr":"10.7.2.0/24","gateway_ip":"10.7.2.1","vpc_id":"?network","site_id":"?siteUID"}}`},
	"iec/port.createPort":                {`{"port":{"network_id":"?subnetUID","device_owner":"neutron:VIP_PORT"}}`},
	"iec/port.updatePort":                {`{"port":{"allowed_address_pairs":[{"ip_address":"1.1.1.1/0"}]}}`, `{"port":{"security_groups":["?groupUID"]}}`},
	"iec/security-group.createSecurityGroupRule": {`{"security_group_rule":{"security_group_id":"?groupUID","direction":"ingress","remote_group_id":"?groupUID"}}`,
		`{"security_group_rule":{"security_group_id":"?groupUID","direction":"egress","protocol":"tcp","port_range_min":80,"port_range_max":90,"remote_ip_prefix":"0.0.0.0/0"}}`},
	"iec/firewall.updateFirewall":               {`{"firewall":{"name":"renamed","subnets":[{"id":"?subnetUID","vpc_id":"?network"}]}}`},
	"iec/firewall.updateFirewallRule":           {`{"firewall":{"ingress_firewall_policy":{"id":"?policy","firewall_rules":[{"action":"allow","protocol":"tcp","destination_port":"80","operate_type":"add"}]}}}`},
	"iec/firewall.updateFirewallRuleHistorical": {`{"firewall":{"ingress_firewall_policy":{"id":"?policy","firewall_rules":[{"action":"deny","protocol":"udp","operate_type":"add"}]}}}`},
	"iec/routetable.createRoutetable":           {`{"routetable":{"name":"another","vpc_id":"?network"}}`},
	"iec/routetable.associateSubnet":            {`{"subnet_ids":["?subnetUID"]}`},
	"iec/routetable.disassociateSubnet":         {`{"subnet_ids":["?joinedSubnet"]}`},
	"iec/routetable.createRoutes":               {`{"routes":[{"type":"ecs","destination":"10.98.0.0/16","nexthop":"?server"}]}`},
	"iec/routetable.updateRoutes":               {`{"routes":[{"type":"ecs","destination":"10.99.0.0/16","nexthop":"?server","description":"another"}]}`},
	"iec/routetable.deleteRoutes":               {`{"routes":[{"destination":"10.99.0.0/16"}]}`},
	"iec/server.createInstance": {`{"server":{"name":"own","image_ref":"?imageUID","flavor_ref":"c6.large.2","key_name":"?pairName","count":1,"root_volume":{"size":40,"volume_type":"SAS"},
		"net_config":{"vpc_id":"?network","subnets":[{"id":"?subnetUID"}]},"security_groups":[{"id":"?groupUID"}],"bandwidth":{"sharetype":"WHOLE"},
		"coverage":{"coverage_level":"site","coverage_policy":"centralize","coverage_sites":[{"site":"?siteUID","demands":[{}]}]}}}`},
	"iec/server.batchDeleteInstances": {`{"servers":[{"id":"?server"}]}`},
	"iec/server.batchStartInstances":  {`{"os-start":{"servers":[{"id":"?serverOff"}]}}`},
	"iec/server.batchStopInstances":   {`{"os-stop":{"type":"HARD","servers":[{"id":"?server"}]}}`},
	"iec/server.batchRebootInstances": {`{"reboot":{"type":"HARD","servers":[{"id":"?server"}]}}`},
	"iec/server.changeOs":             {`{"image_id":"?imageUID","key_name":"?pairName"}`},
	"iec/server.addNics":              {`{"vpc_id":"?network","subnet_id":"?subnetUID","nic_num":1,"security_groups":[{"id":"?groupUID"}]}`},
	"iec/server.deleteNics":           {`{"nics":[{"id":"?port"}]}`},
	"iec/image.registerImage":         {`{"image_id":"?ownImage","region_id":"region-1"}`},
	"iec/image.createImage":           {`{"name":"another","instance_id":"?serverOff"}`},
	"iec/deployment.createDeployment": {`{"edgecloud":{"name":"another",` + iecStack + `,` + iecCoverage + `}}`, `{"edgecloud":{"id":"?edgeCloud",` + iecStack + `,` + iecCoverage + `}}`},
	"admin/accounts.createAccount":    {`{"name":"acme-new"}`},
	"admin/catalogue.createFlavor":    {`{"name":"bec.g4.c3m5","family":"g4","vcpus":3,"memoryMiB":5120}`},
	"admin/accounts.createUser":       {`{"name":"another","role":"member","password":"Str0ng-pass!"}`},
}

// open operations take no credential.
var open = map[string]bool{"admin/accounts.createToken": true, "admin/health.getHealth": true, "admin/health.getReadiness": true, "iec/auth.createToken": true}

// perItem are operations that answer 200 and tell for each named resource whether it went well.
var perItem = map[string]bool{"bec/v1/vm-instance-2.refundPrepaidVmInstances": true, "bec/v1/eip.batchEipInstanceAction": true, "bec/v1/vm-service.batchDeleteVmServices": true, "bec/v1/vm-service.batchOperateVmServiceList": true, "bec/v1/vm-service.batchOperateVmServices": true}

// never are operations that are refused for everybody, with the answer's code: no port has an IPv6 address.
var never = map[string]string{"iec/vport.attachVipBandwidth": "IEC.020613", "iec/vport.detachVipBandwidth": "IEC.020614"}
