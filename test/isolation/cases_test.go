package isolation

// kinds says which resource an argument names, in paths, queries and bodies.
var kinds = map[string]string{
	"vpcId": "vpc", "subnetId": "subnet", "securityGroupId": "group", "securityGroupIds": "group", "securityGroupRuleId": "rule", "securityGroupRuleIds": "rule",
	"serviceId": "service", "service": "service", "idList": "service", "serviceList": "service", "instanceId": "instance", "instanceIdList": "instance", "vmId": "instance",
	"deploysetId": "set", "deploySetId": "set", "deploysetIdList": "set", "deployId": "set", "deployIdList": "set", "imageId": "image", "keypairId": "pair", "bccKeyPairIdList": "pair",
	"keypair_name": "pairName", "site_id": "siteUID",
	"accountId": "account", "userId": "user", "accessKeyId": "key", "site": "site", "host": "host", "image": "publicImage", "flavor": "flavor", "account": "account",
}

// shared kinds belong to nobody: every account may name them, so that only a change to them by a tenant has to be refused.
var shared = map[string]bool{"site": true, "siteUID": true, "host": true, "publicImage": true, "flavor": true, "image": true}

// fixed are arguments that name no resource but must fit this cloud.
var fixed = map[string]string{"regionId": site, "action": "start", "type": "vm", "area": "EAST_CHINA", "region": "EAST_CHINA", "serviceProvider": "CHINA_MOBILE", "city": "HANGZHOU"}

// noResource are arguments that end like an ID's but are none.
var noResource = map[string]bool{"regionId": true, "name": true, "region": true, "serviceProvider": true, "city": true, "action": true, "type": true}

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
	"iec/keypair.createKeypair":    {`{"name":"another"}`},
	"admin/accounts.createAccount": {`{"name":"acme-new"}`},
	"admin/catalogue.createFlavor": {`{"name":"bec.g4.c3m5","family":"g4","vcpus":3,"memoryMiB":5120}`},
	"admin/accounts.createUser":    {`{"name":"another","role":"member","password":"Str0ng-pass!"}`},
}

// open operations take no credential.
var open = map[string]bool{"admin/accounts.createToken": true, "admin/health.getHealth": true, "admin/health.getReadiness": true}

// perItem are operations that answer 200 and tell for each named resource whether it went well.
var perItem = map[string]bool{"bec/v1/vm-service.batchDeleteVmServices": true, "bec/v1/vm-service.batchOperateVmServiceList": true, "bec/v1/vm-service.batchOperateVmServices": true}
