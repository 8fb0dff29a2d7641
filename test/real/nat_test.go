package real_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"
)

// natGateway leads a port of a NAT gateway to a guest, and takes the gateway away again: what was asked for by the door is what packets meet.
func (u *tenant) natGateway(g vm, h home) {
	var made struct{ NatID string }
	u.call(http.MethodPost, "/v2/nat", map[string]any{"name": "nat", "regionId": siteName, "vpcId": h.vpc, "spec": "small", "bandwidth": 20}, &made)
	path := "/v2/nat/" + made.NatID
	var nat struct {
		Status string
		Eips   []struct{ IP string }
	}
	u.timed("NAT gateway", func() {
		u.eventually(made.NatID+" is active", func() error {
			if err := u.try(http.MethodGet, path, nil, &nat); err != nil {
				return err
			}
			if nat.Status != "active" {
				return fmt.Errorf("it is %s", nat.Status)
			}
			return nil
		})
	})
	door := nat.Eips[0].IP + ":2222"
	u.call(http.MethodPost, path+"/dnatRule", map[string]any{"ruleName": "ssh", "publicIpAddress": nat.Eips[0].IP, "privateIpAddress": g.Private, "protocol": "TCP", "publicPort": "2222", "privatePort": "22"}, nil)
	u.timed("DNAT", func() { u.eventually(door+" leads to "+g.Private, func() error { return u.greets(door) }) })
	require.Error(u.t, u.greets(nat.Eips[0].IP+":22"), "another port of the same address")
	u.call(http.MethodDelete, path, nil, nil)
	u.eventually(made.NatID+" is gone", func() error {
		if u.try(http.MethodGet, path, nil, &nat) == nil {
			return fmt.Errorf("it is %s", nat.Status)
		}
		return nil
	})
	require.Error(u.t, u.greets(door), "nothing answers any more")
}

// greets tells whether a server of SSH answers outside under an address and port.
func (u *tenant) greets(at string) error {
	ctx, cancel := context.WithTimeout(u.t.Context(), time.Second)
	defer cancel()
	conn, err := u.dialOutside(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	hello := make([]byte, 4)
	if _, err := conn.Read(hello); err != nil {
		return err
	}
	if string(hello) != "SSH-" {
		return fmt.Errorf("%q", hello)
	}
	return nil
}
