package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// timeout bounds every wait.
const timeout = time.Minute

// cloud is a running cloud in a process of its own, with what instances need: a network with room for all of them, and a key pair.
type cloud struct {
	process *exec.Cmd
	input   io.Closer // the cloud stops when it is closed
	client  *client
	iec     *iecClient
	side    string
	order   []byte // the body of a create
	many    []byte // the same for 100 instances
}

// startCloud starts this program again as a cloud in a folder.
func startCloud(dir string) (*cloud, error) {
	process := exec.Command("/proc/self/exe", "-serve", dir)
	process.Stderr = os.Stderr
	input, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	c := &cloud{process: process, input: input}
	var a access
	if err := json.NewDecoder(output).Decode(&a); err != nil {
		return nil, errors.Join(fmt.Errorf("the cloud does not start: %w", err), c.stop())
	}
	c.client, c.iec, c.side = newClient(a.URL, a.Key, a.Secret), newIECClient(a.IEC, a.Key, a.Secret), a.Side
	if err := c.furnish(a.KeyPair); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *cloud) stop() error { return errors.Join(c.input.Close(), c.process.Wait()) }

// furnish makes the network and the order.
func (c *cloud) furnish(pair string) error {
	var vpc struct{ VpcID string }
	if err := c.post("/v2/vpc", map[string]any{"name": "bench", "regionId": site, "cidr": "10.0.0.0/8"}, &vpc); err != nil {
		return err
	}
	var subnet struct{ SubnetID string }
	if err := c.post("/v2/vpc/subnet", map[string]any{"name": "bench", "vpcId": vpc.VpcID, "cidr": "10.0.0.0/12"}, &subnet); err != nil {
		return err
	}
	order := func(count int) ([]byte, error) {
		return json.Marshal(map[string]any{"spec": flavor, "imageId": "Ubuntu 22.04 server 64bit", "imageType": "bec", "keypairId": pair,
			"rootDiskSizeInGb": 40, "billing": map[string]string{"paymentTiming": "Postpaid"},
			"deployInstances": []any{map[string]any{"regionId": site, "purchaseCount": count, "networkType": "vpc", "vpcId": vpc.VpcID, "subnetId": subnet.SubnetID}}})
	}
	var err, failed error
	c.order, err = order(1)
	c.many, failed = order(atOnce)
	return errors.Join(err, failed)
}

const atOnce = 100

// fill makes n instances in large orders, to come to a size. The queue stays short.
func (c *cloud) fill(n int) error {
	for ; n > 0; n -= 10 * atOnce {
		_, err := run(min(10, (n+atOnce-1)/atOnce), 2, func() error {
			_, err := c.client.call("POST", "/v2/vm/instance", "", c.many)
			return err
		})
		if err != nil {
			return err
		}
		if err := c.settle(); err != nil {
			return err
		}
	}
	return nil
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

// middle gives an instance's ID that is about in the middle of the list by handles: those begin with random characters.
func (c *cloud) middle() (string, error) {
	text, err := c.client.call("GET", "/v2/vm/instance", "marker=vm-n&maxKeys=1", nil)
	if err != nil {
		return "", err
	}
	var answer struct {
		Instances []struct{ ID string }
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Instances) == 0 {
		return "", errors.Join(err, fmt.Errorf("no instance in the middle: %s", text))
	}
	return answer.Instances[0].ID, nil
}

// usage asks the cloud's process what it has used.
func (c *cloud) usage() (u usage, err error) {
	answer, err := http.Get(c.side + "/usage")
	if err != nil {
		return u, err
	}
	defer answer.Body.Close()
	err = json.NewDecoder(answer.Body).Decode(&u)
	return u, err
}

// settle waits until all instances run.
func (c *cloud) settle() error {
	deadline := time.Now().Add(timeout)
	for {
		u, err := c.usage()
		if err != nil {
			return err
		}
		if u.Failed > 0 {
			return fmt.Errorf("%d operations failed", u.Failed)
		}
		if u.Unsettled == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d instances do not run after %s", u.Unsettled, timeout)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
