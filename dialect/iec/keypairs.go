package iec

import (
	"context"
	"net/http"

	"edgecloud/cloud/compute"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/keypair"
	"edgecloud/fault"
)

func (d *Door) keyPairs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateKeypair: d.createKeyPair,
		wire.OpListKeypairs:  d.listKeyPairs,
		wire.OpShowKeypair:   d.showKeyPair,
		wire.OpDeleteKeypair: d.deleteKeyPair,
	}
}

var keyPairCodes = []refinement{
	{in: "iec/keypair.createKeypair", kind: fault.Invalid, field: "public_key", code: "IEC.010229"},
	{in: "iec/keypair.createKeypair", kind: fault.Invalid, field: "name", code: "IEC.010225"},
	{in: "iec/keypair.createKeypair", kind: fault.Invalid, code: "IEC.010221"},
	{in: "iec/keypair.createKeypair", kind: fault.Exists, code: "IEC.010221"},
	{in: "iec/keypair.createKeypair", kind: fault.Quota, code: "IEC.010221"},
	{in: "iec/keypair.", kind: fault.NotFound, about: "key pair", code: "IEC.010220"},
}

// createKeyPair imports a public key, or generates a pair and shows its private key this one time.
func (d *Door) createKeyPair(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateKeypairRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var pair *compute.KeyPair
	var private string
	var err error
	if key := scalar.Value(in.PublicKey); key != "" {
		pair, err = d.Compute.ImportKeyPair(ctx, c.Caller, in.Name, key)
	} else {
		pair, private, err = d.Compute.CreateKeyPair(ctx, c.Caller, in.Name)
	}
	if err != nil {
		return nil, err
	}
	return &dialect.Answer{Status: http.StatusCreated, Body: wire.CreateKeypairResponse{Name: pair.Name, PublicKey: pair.PublicKey, PrivateKey: private,
		UserID: pair.Owner, Fingerprint: pair.Fingerprint}}, nil
}

func describeKeyPair(k *compute.KeyPair) wire.SimpleKeypair {
	return wire.SimpleKeypair{Name: k.Name, PublicKey: k.PublicKey, UserID: k.Owner, Fingerprint: k.Fingerprint}
}

// listKeyPairs answers a bare array.
func (d *Door) listKeyPairs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	all, err := d.Compute.KeyPairs(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	var chosen []*compute.KeyPair
	for _, k := range all {
		if name := c.Param("name"); name == "" || name == k.Name {
			chosen = append(chosen, k)
		}
	}
	out := wire.ListKeypairsResponse{}
	for _, k := range cut(chosen, w) {
		out = append(out, describeKeyPair(k))
	}
	return dialect.OK(out), nil
}

func (d *Door) showKeyPair(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	pair, err := d.Compute.KeyPair(ctx, c.Caller, c.Path("keypair_name"))
	if err != nil {
		return nil, err
	}
	return dialect.OK(describeKeyPair(pair)), nil
}

func (d *Door) deleteKeyPair(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.Compute.DeleteKeyPair(ctx, c.Caller, c.Path("keypair_name")); err != nil {
		return nil, err
	}
	return noContent(), nil
}

func noContent() *dialect.Answer { return &dialect.Answer{Status: http.StatusNoContent} }
