package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/engine/sim"
	"edgecloud/onebox"
	"edgecloud/store"
)

const (
	site    = "cn-hangzhou-cm"
	flavor  = "bec.g4.c1m4"
	hosts   = 4
	timeout = time.Minute
)

// cloud is a running cloud with what instances need: a network with room for all of them, and a key pair.
type cloud struct {
	box    *onebox.Box
	client *client
	stop   func() error
	order  []byte // the body of a create
}

// startCloud starts a cloud in a folder. Its hosts are as large as needed.
func startCloud(dir string) (*cloud, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	capacity := sim.Capacity{VCPUs: 1 << 20, MemoryMiB: 1 << 40, DiskBytes: 1 << 58, Arch: "x86_64"}
	ctx, cancel := context.WithCancel(context.Background())
	box, err := onebox.Open(ctx, onebox.Config{Dir: dir, Sim: &onebox.Sim{Sites: []string{site}, Hosts: hosts, Capacity: capacity}, Logger: log})
	if err != nil {
		cancel()
		return nil, err
	}
	server := httptest.NewServer(box.Control.Door("bec"))
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	c := &cloud{box: box, client: newClient(server.URL, box.Admin.Key.ID, box.Admin.Key.Secret)}
	c.stop = func() error {
		server.Close()
		cancel()
		if err := <-done; err != nil {
			return err
		}
		return box.Close()
	}
	return c, c.furnish()
}

// furnish makes the key pair, the network and the order.
func (c *cloud) furnish() error {
	admin := c.box.Admin
	operator := &identity.Caller{Account: admin.Account.UID, User: admin.User.UID, Role: identity.Admin, Operator: true, Dialect: "bench", Operation: "furnish"}
	pair, _, err := c.box.Control.Compute.CreateKeyPair(context.Background(), operator, "bench")
	if err != nil {
		return err
	}
	var vpc struct{ VpcID string }
	if err := c.post("/v2/vpc", map[string]any{"name": "bench", "regionId": site, "cidr": "10.0.0.0/8"}, &vpc); err != nil {
		return err
	}
	var subnet struct{ SubnetID string }
	if err := c.post("/v2/vpc/subnet", map[string]any{"name": "bench", "vpcId": vpc.VpcID, "cidr": "10.0.0.0/12"}, &subnet); err != nil {
		return err
	}
	c.order, err = json.Marshal(map[string]any{"spec": flavor, "imageId": "Ubuntu 22.04 server 64bit", "imageType": "bec", "keypairId": "k-" + pair.Slug,
		"rootDiskSizeInGb": 40, "billing": map[string]string{"paymentTiming": "Postpaid"},
		"deployInstances": []any{map[string]any{"regionId": site, "purchaseCount": 1, "networkType": "vpc", "vpcId": vpc.VpcID, "subnetId": subnet.SubnetID}}})
	return err
}

func (c *cloud) post(path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, err := c.client.call("POST", path, "", text)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

// create orders one instance and gives its ID.
func (c *cloud) create() (string, error) {
	answer, err := c.client.call("POST", "/v2/vm/instance", "", c.order)
	if err != nil {
		return "", err
	}
	var made struct {
		Instances []struct{ InstanceID string }
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return "", err
	}
	if len(made.Instances) != 1 {
		return "", fmt.Errorf("the answer names no instance: %s", answer)
	}
	return made.Instances[0].InstanceID, nil
}

// unsettled counts the instances that are not running yet.
func (c *cloud) unsettled() (n int, err error) {
	err = c.box.Control.DB.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		n, err = tx.NewSelect().Model((*compute.Instance)(nil)).Where("state IN (?)", bun.In([]compute.State{compute.Creating, compute.Failed})).Count(ctx)
		return err
	})
	return n, err
}

// settle waits until all instances run.
func (c *cloud) settle() error {
	deadline := time.Now().Add(timeout)
	for {
		n, err := c.unsettled()
		if err != nil || n == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d instances do not run after %s", n, timeout)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
