package bec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v1vminstance2"
	"edgecloud/dialect/bec/wire/v2volume"
)

// TestAnInstanceChangesItsVPC moves one that runs, which is restarted, and one that is stopped; both keep their public addresses.
func TestAnInstanceChangesItsVPC(t *testing.T) {
	v := newV2(t)
	_, ids := v.create(t, values{"networkCapacityInMbps": 10})
	id := ids[0]
	v.await(t, "RUNNING", id)
	before, boots := v.get(t, id), v.guest(t, id).Boots
	var vpc struct{ VPCID string }
	v.must(t, "POST", "/v2/vpc", values{"name": "other", "cidr": "10.0.0.0/16", "regionId": v2Site}, &vpc)
	subnet := func(cidr string) string {
		var made struct{ SubnetID string }
		v.must(t, "POST", "/v2/vpc/subnet", values{"name": "n", "cidr": cidr, "vpcId": vpc.VPCID}, &made)
		return made.SubnetID
	}
	one, two := subnet("10.0.1.0/24"), subnet("10.0.2.0/24")

	var changed v1vminstance2.ChangeVPCResult
	v.must(t, "PUT", "/v1/vpc/changeVpc", values{"instanceId": id, "subnetId": one}, &changed)
	require.Equal(t, "changeVpc", *changed.Action)
	v.await(t, "RUNNING", id)
	after := v.get(t, id)
	require.Equal(t, []string{vpc.VPCID, one}, []string{*after.VPCID, *after.SubnetID})
	require.Equal(t, *before.PublicIP, *after.PublicIP)
	require.NotEqual(t, *before.InternalIP, *after.InternalIP)
	require.Equal(t, boots+1, v.guest(t, id).Boots, "restarted")
	controlplanetest.Eventually(t, "the old NIC is gone", func() bool { return len(v.guest(t, id).Ports) == 1 && v.freeToDelete(t, *before.SubnetID) })

	v.must(t, "PUT", "/v2/vm/instance/"+id+"?stop", nil, nil)
	v.await(t, "STOPPED", id)
	v.must(t, "PUT", "/v1/vpc/changeVpc", values{"instanceId": id, "subnetId": two}, nil)
	v.await(t, "STOPPED", id)
	require.Equal(t, two, *v.get(t, id).SubnetID)
	v.must(t, "PUT", "/v2/vm/instance/"+id+"?start", nil, nil)
	v.await(t, "RUNNING", id)
	require.Equal(t, *before.PublicIP, *v.get(t, id).PublicIP)

	controlplanetest.Eventually(t, "nothing is left on the subnet before", func() bool { return v.freeToDelete(t, one) })
	v.refused(t, 400, "Illegal parameters", "another subnet", "PUT", "/v1/vpc/changeVpc", values{"instanceId": id, "subnetId": two})
	v.refused(t, 404, "Resource Not Found", "does not exist", "PUT", "/v1/vpc/changeVpc", values{"instanceId": id, "subnetId": "sbn-absent00"})
	eip := *v.makeEIPs(t, "alone", 1)[0].EIPID
	bare := v.bareInstance(t)
	require.Empty(t, v.bindEIP(t, "bind", values{"eipId": eip, "instanceType": "vm", "instanceId": bare}))
	v.awaitEIP(t, eip, "binded")
	v.refused(t, 409, "OperationDenied", "unbind it first", "PUT", "/v1/vpc/changeVpc", values{"instanceId": bare, "subnetId": one})
	require.Equal(t, *before.SubnetID, *v.get(t, bare).SubnetID)
}

// freeToDelete tells whether nothing is on a subnet any more.
func (v *v2) freeToDelete(t *testing.T, subnet string) bool {
	t.Helper()
	_, _, use, err := v.Control.Networks.GetSubnet(t.Context(), v.caller, subnet[len("sbn-"):])
	require.NoError(t, err)
	return use.Used == 0
}

// TestRefundsOfPrepaidInstances: the cloud disks stay, unless they are to go (volume.md, test idea 7).
func TestRefundsOfPrepaidInstances(t *testing.T) {
	v := newV2(t)
	prepaid := values{"billing": values{"paymentTiming": "Prepaid", "reservation": values{"reservationLength": 1, "reservationTimeUnit": "Month"}},
		"createCdsList": []values{{"name": "cloud", "storageType": "ssd", "cdsSizeInGB": 50}}}
	_, ids := v.create(t, merge(values{"deployInstances": []values{{"regionId": v2Site, "purchaseCount": 2}}}, prepaid))
	v.await(t, "RUNNING", ids...)
	postpaid := v.bareInstance(t)

	refund := func(all bool, ids ...string) (failed []string) {
		var out v1vminstance2.RefundVMInstancesResult
		v.must(t, "POST", "/v1/vm/instance/delete", values{"instanceIds": ids, "relatedReleaseFlag": all}, &out)
		require.Equal(t, "refund", *out.Action)
		for _, one := range out.Details {
			if !*one.Success {
				failed = append(failed, *one.ResourceID+": "+*one.Error)
			}
		}
		return failed
	}
	failed := refund(false, ids[0], postpaid)
	require.Len(t, failed, 1)
	require.Contains(t, failed[0], postpaid+": The instance is paid afterwards")
	controlplanetest.Eventually(t, "the disk of the first stands alone", func() bool { return v.statuses(t)["Available"] == 1 })
	require.Empty(t, refund(true, ids[1]))
	controlplanetest.Eventually(t, "that of the second is gone", func() bool {
		all := v.statuses(t)
		return all["Available"] == 1 && all["InUse"] == 1
	})
	v.refused(t, 400, "Illegal parameters", "1 to 20", "POST", "/v1/vm/instance/delete", values{"instanceIds": []string{}})
}

// statuses counts the volumes by their status.
func (v *v2) statuses(t *testing.T) map[string]int {
	t.Helper()
	var list v2volume.ListVolumesResponse
	v.must(t, "GET", "/v2/volume", nil, &list)
	found := map[string]int{}
	for _, one := range list.Volumes {
		found[*one.Status]++
	}
	return found
}
