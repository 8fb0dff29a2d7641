package iec

import "maps"

const (
	ofTheService = "a fault of the service is IEC.000001 everywhere"
	noSuchFault  = "the default group is made when it is first needed"
)

func init() {
	maps.Copy(unsaid, map[string]string{
		"createVpc.IEC.020101": ofTheService, "listVpcs.IEC.020102": ofTheService, "listVpcs.IEC.020103": ofTheService, "showVpc.IEC.020112": ofTheService,
		"listSubnets.IEC.020000": ofTheService, "showSubnet.IEC.020004": ofTheService, "updateSubnet.IEC.020006": ofTheService, "deleteSubnet.IEC.020001": ofTheService,
		"createSubnet.IEC.020108": "the caller names the range: nothing is computed", "deleteSubnet.IEC.020014": "an address is an instance's (IEC.020008) or a virtual IP's (IEC.020009)",
		"updateSubnet.IEC.020409": "no subnet has IPv6 to switch off",
		"createPort.IEC.020603":   ofTheService, "listPorts.IEC.020602": ofTheService, "showPort.IEC.020600": ofTheService,
		"updatePort.IEC.020610": "a virtual IP is for several instances: the clients bind it to lists", "updatePort.IEC.020611": "the pairs name addresses, not IDs, and may name any",
		"updatePort.IEC.020615":          "binding replaces what was bound, as the clients expect",
		"createSecurityGroup.IEC.020200": ofTheService, "listSecurityGroups.IEC.020203": ofTheService, "listSecurityGroups.IEC.020206": noSuchFault,
		"showSecurityGroup.IEC.020201": ofTheService, "listSecurityGroupRules.IEC.020303": ofTheService, "showSecurityGroupRule.IEC.020301": ofTheService,
		"deleteSecurityGroupRule.IEC.020302": ofTheService,
	})
}
