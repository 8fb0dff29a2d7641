package bec

import (
	"context"

	"edgecloud/cloud/compute"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2vminstance"
)

func (d *Door) v2RenameInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecVMInstanceAttributesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Compute.Rename(ctx, c.Caller, pathInstance(c), compute.Rename{Name: &in.Name})
	return dialect.Empty(), err
}

func (d *Door) v2ChangeHostname(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecVMInstanceHostnameRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Compute.Rename(ctx, c.Caller, pathInstance(c), compute.Rename{Hostname: &in.Hostname})
	return dialect.Empty(), err
}

func (d *Door) v2RebuildInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.RebuildBecVMInstanceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	login, err := d.v2Login(ctx, c, in.AdminPass, in.KeypairID)
	if err != nil {
		return nil, err
	}
	data, err := guestUserData("userData", scalar.Value(in.UserData))
	if err != nil {
		return nil, err
	}
	_, err = d.Compute.Reinstall(ctx, c.Caller, pathInstance(c),
		compute.Rebuild{Image: bareImage(in.ImageID), Login: login, UserData: data, ResetData: bool(scalar.Value(in.ResetDataDisk))})
	return dialect.Empty(), inV2Words(err, 0)
}

func (d *Door) v2ChangePassword(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecVMInstancePasswordRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	login, err := d.v2Login(ctx, c, in.AdminPass, in.KeypairID)
	if err != nil {
		return nil, err
	}
	_, err = d.Compute.SetLogin(ctx, c.Caller, pathInstance(c), login)
	return dialect.Empty(), err
}

// v2Login reads how people are to get in. That there is any way at all is the cloud's rule.
func (d *Door) v2Login(ctx context.Context, c *dialect.Call, adminPass, keyPair *string) (login compute.Login, err error) {
	if p := scalar.Value(adminPass); p != "" {
		if login.PasswordHash, err = d.guestPassword(ctx, c, "adminPass", p); err != nil {
			return login, err
		}
	}
	if k := scalar.Value(keyPair); k != "" {
		login.Keys = []string{bare("k-", k)}
	}
	return login, nil
}

func (d *Door) v2ResizeInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ResizeBecVMInstanceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Compute.Resize(ctx, c.Caller, pathInstance(c), v2Size(in.Spec, in.CPUCount, in.MemoryCapacityInGB))
	return dialect.Empty(), inV2Words(err, 0)
}

// v2Size is the spec policy if spec is given, else the random policy.
func v2Size(spec *string, cpu, gib *scalar.Int) compute.Size {
	return compute.Size{Flavor: scalar.Value(spec), VCPUs: int64(scalar.Value(cpu)), MemoryMiB: int64(scalar.Value(gib)) << 10}
}

func (d *Door) v2ChangeBandwidth(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecVMInstanceBandwidthRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Compute.SetBandwidth(ctx, c.Caller, pathInstance(c), int64(in.NetworkCapacityInMbps))
	return dialect.Empty(), inV2Words(err, 0)
}
