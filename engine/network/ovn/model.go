package ovn

import (
	"github.com/ovn-kubernetes/libovsdb/model"
)

// The northbound tables in use. Of each, the engine's copy holds external_ids alone: everything else is written, never read back.
const (
	tableSwitch       = "Logical_Switch"
	tableSwitchPort   = "Logical_Switch_Port"
	tableRouter       = "Logical_Router"
	tableRouterPort   = "Logical_Router_Port"
	tableRoute        = "Logical_Router_Static_Route"
	tablePolicy       = "Logical_Router_Policy"
	tableNAT          = "NAT"
	tableQoS          = "QoS"
	tableDHCP         = "DHCP_Options"
	tablePortGroup    = "Port_Group"
	tableACL          = "ACL"
	tableChassisGroup = "HA_Chassis_Group"
	tableChassis      = "HA_Chassis"
	tableAddressSet   = "Address_Set"
	tableLoadBalancer = "Load_Balancer"
)

// roots are the tables whose rows live without a parent; a row of any other table goes when its parent lets go of it.
var roots = map[string]bool{tableSwitch: true, tableRouter: true, tableDHCP: true, tablePortGroup: true, tableChassisGroup: true, tableAddressSet: true, tableLoadBalancer: true}

// row is what the engine's copy of the database holds of a row, in every table.
type row struct {
	UUID        string
	ExternalIDs map[string]string
}

// libovsdb wants one Go type per table.
type (
	switchRow struct {
		UUID        string            `ovsdb:"_uuid"`
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	switchPortRow struct {
		UUID        string            `ovsdb:"_uuid"`
		Name        string            `ovsdb:"name"` // libovsdb wants the columns of the schema's indexes
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	routerRow struct {
		UUID        string            `ovsdb:"_uuid"`
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	routerPortRow struct {
		UUID        string            `ovsdb:"_uuid"`
		Name        string            `ovsdb:"name"` // libovsdb wants the columns of the schema's indexes
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	routeRow struct {
		UUID        string            `ovsdb:"_uuid"`
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	policyRow struct {
		UUID        string            `ovsdb:"_uuid"`
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	natRow struct {
		UUID        string            `ovsdb:"_uuid"`
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	qosRow struct {
		UUID        string            `ovsdb:"_uuid"`
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	dhcpRow struct {
		UUID        string            `ovsdb:"_uuid"`
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	portGroupRow struct {
		UUID        string            `ovsdb:"_uuid"`
		Name        string            `ovsdb:"name"` // libovsdb wants the columns of the schema's indexes
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	addressSetRow struct {
		UUID        string            `ovsdb:"_uuid"`
		Name        string            `ovsdb:"name"` // libovsdb wants the columns of the schema's indexes
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	loadBalancerRow struct {
		UUID        string            `ovsdb:"_uuid"`
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
	chassisGroupRow struct {
		UUID        string            `ovsdb:"_uuid"`
		Name        string            `ovsdb:"name"` // libovsdb wants the columns of the schema's indexes
		ExternalIDs map[string]string `ovsdb:"external_ids"`
	}
)

// anyRow lists the row types.
type anyRow interface {
	switchRow | switchPortRow | routerRow | routerPortRow | routeRow | policyRow | natRow | qosRow | dhcpRow | portGroupRow | chassisGroupRow | addressSetRow | loadBalancerRow
}

// models maps the tables to their types.
func models() map[string]model.Model {
	return map[string]model.Model{
		tableSwitch: &switchRow{}, tableSwitchPort: &switchPortRow{}, tableRouter: &routerRow{}, tableRouterPort: &routerPortRow{}, tableRoute: &routeRow{},
		tablePolicy: &policyRow{}, tableNAT: &natRow{}, tableQoS: &qosRow{}, tableDHCP: &dhcpRow{}, tablePortGroup: &portGroupRow{}, tableChassisGroup: &chassisGroupRow{},
		tableAddressSet: &addressSetRow{}, tableLoadBalancer: &loadBalancerRow{},
	}
}

// The keys in external_ids.
const (
	keyMark   = "edgecloud"        // on every row of ours
	keyOwner  = "edgecloud-owner"  // kind/UID
	keyRole   = "edgecloud-role"   // which of the owner's rows; mainRole carries the spec
	keyParent = "edgecloud-parent" // table|column|owner of the main row that holds this one
	keySpec   = "edgecloud-spec"   // JSON
	keyDigest = "edgecloud-digest" // of the spec and what it takes from others
	keyOf     = "edgecloud-of"     // kind/UID of the object that this one hangs on: who is in use
	keyPort   = "edgecloud-port"   // UID of a public address's port: who is in use
	keyShared = "edgecloud-shared" // UID of a public address's shared bandwidth: who is in use
	keyACL    = "edgecloud-acl"    // UID of a subnet's network ACL: who is in use
	keyOpen   = "edgecloud-open"   // mark on unfiltered ports: they name groups without being members
)

const (
	mark     = "1"
	mainRole = "main"
)

// indexed are the keys by which rows are found.
var indexed = []string{keyOwner, keyOf, keyPort, keyACL, keyOpen, keyShared}
