package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/onebox"
)

// iecAccess is how the measuring process reaches IEC, and what its servers stand on.
type iecAccess struct {
	URL, Site, VPC, Subnet, Image string
}

// iecGround makes what IEC's servers stand on.
func iecGround(ctx context.Context, box *onebox.Box, caller *identity.Caller) (a iecAccess, err error) {
	at, err := box.Control.Place.SiteByName(ctx, site)
	if err != nil {
		return a, err
	}
	net, err := box.Control.Networks.CreateNetwork(ctx, caller, network.NewNetwork{Name: "bench-iec", CIDR: "10.0.0.0/8"})
	if err != nil {
		return a, err
	}
	subnet, err := box.Control.Networks.CreateSubnet(ctx, caller, network.NewSubnet{Network: net.UID, Site: at.UID, Name: "bench", CIDR: "10.16.0.0/16"})
	if err != nil {
		return a, err
	}
	images, err := box.Control.Images.List(ctx, caller, image.Filter{OSType: "linux"})
	if err != nil || len(images) == 0 {
		return a, fmt.Errorf("no image: %w", err)
	}
	return iecAccess{Site: at.UID, VPC: net.UID, Subnet: subnet.UID, Image: images[0].UID}, nil
}

// iecClient calls the IEC door as a user would: signed by AK and SK, over connections that stay open. It notes how long each kind of call takes.
type iecClient struct {
	http        *http.Client
	access      iecAccess
	key, secret string

	mu    sync.Mutex
	times map[string][]time.Duration
}

func newIECClient(a iecAccess, key, secret string) *iecClient {
	return &iecClient{http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}, access: a, key: key, secret: secret, times: map[string][]time.Duration{}}
}

// call sends one request and gives status and body.
func (c *iecClient) call(name, method, path string, body []byte) (int, []byte, error) {
	r, err := http.NewRequest(method, c.access.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	c.sign(r, body)
	began := time.Now()
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times[name] = append(c.times[name], took)
	return answer.StatusCode, text, err
}

// sign is SDK-HMAC-SHA256 (api/iec/conventions.md, section 2.2) over the method, path, host, date and body; no call here has a query.
func (c *iecClient) sign(r *http.Request, body []byte) {
	date := time.Now().UTC().Format("20060102T150405Z")
	canonical := strings.Join([]string{r.Method, r.URL.Path + "/", "", "host:" + r.URL.Host + "\nx-sdk-date:" + date + "\n", "host;x-sdk-date", digest(body)}, "\n")
	r.Header.Set("X-Sdk-Date", date)
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+c.key+", SignedHeaders=host;x-sdk-date, Signature="+mac(c.secret, "SDK-HMAC-SHA256\n"+date+"\n"+digest([]byte(canonical))))
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// order is a server with a NIC, a public address and a data disk.
func (a iecAccess) order() ([]byte, error) {
	type object = map[string]any
	return json.Marshal(object{"server": object{"name": "bench", "image_ref": a.Image, "flavor_ref": "c6.large.2", "count": 1,
		"net_config": object{"vpc_id": a.VPC, "subnets": []object{{"id": a.Subnet}}}, "bandwidth": object{"sharetype": "WHOLE"},
		"root_volume": object{"volume_type": "SAS", "size": 40}, "data_volumes": []object{{"volume_type": "SATA", "size": 10}},
		"coverage": object{"coverage_level": "site", "coverage_policy": "centralize", "coverage_sites": []object{{"site": a.Site, "demands": []object{{}}}}}}})
}

// life makes a server, asks until it is active, deletes it and asks until it is gone.
func (c *iecClient) life(order []byte) error {
	status, text, err := c.call("create", http.MethodPost, "/v1/cloudservers", order)
	if err != nil || status != http.StatusAccepted {
		return fmt.Errorf("create: %d %s %w", status, text, err)
	}
	var made struct {
		IDs []string `json:"server_ids"`
	}
	if err := json.Unmarshal(text, &made); err != nil || len(made.IDs) != 1 {
		return fmt.Errorf("create: %s %w", text, err)
	}
	if err := c.until(made.IDs[0], "ACTIVE"); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"servers": []any{map[string]any{"id": made.IDs[0]}}})
	if err != nil {
		return err
	}
	status, text, err = c.call("delete", http.MethodPost, "/v1/cloudservers/delete", body)
	if err != nil || status != http.StatusAccepted {
		return fmt.Errorf("delete: %d %s %w", status, text, err)
	}
	return c.until(made.IDs[0], "")
}

// until polls a server's status every few milliseconds; an empty one is that it is gone.
func (c *iecClient) until(id, want string) error {
	deadline := time.Now().Add(timeout)
	for time.Now().Before(deadline) {
		status, text, err := c.call("show", http.MethodGet, "/v1/cloudservers/"+id, nil)
		if err != nil {
			return err
		}
		if status == http.StatusNotFound && want == "" {
			return nil
		}
		var answer struct{ Server struct{ Status string } }
		if err := json.Unmarshal(text, &answer); err != nil || status != http.StatusOK {
			return fmt.Errorf("show: %d %s %w", status, text, err)
		}
		if answer.Server.Status == "ERROR" {
			return fmt.Errorf("%s failed: %s", id, text)
		}
		if want != "" && answer.Server.Status == want {
			return nil
		}
		time.Sleep(iecPoll)
	}
	return fmt.Errorf("%s is not %q after %s", id, want, timeout)
}

// iecPoll is how long a client rests between two looks. Real clients rest for seconds; here the cloud is to be kept busy.
const iecPoll = 5 * time.Millisecond

// iecLives is how many whole lives are measured.
const iecLives = 500

// iecMeasure measures whole lives of servers through IEC.
func (c *cloud) iecMeasure(t *table) error {
	order, err := c.iec.access.order()
	if err != nil {
		return err
	}
	l, err := c.spent(func() (load, error) {
		return run(iecLives, clients, func() error { return c.iec.life(order) })
	})
	if err != nil {
		return err
	}
	t.tell(fmt.Sprintf("IEC: whole lives of servers (NIC, public address, disk), %d by %d clients", iecLives, clients), "/s", l.rate())
	t.tell("IEC: a whole life, p99", "ms", l.at(99))
	t.tell("IEC: processor time of the cloud per life, its polls included", "ms", l.served)
	for _, name := range []string{"create", "show", "delete"} {
		each := c.iec.times[name]
		slices.Sort(each)
		t.tell(fmt.Sprintf("IEC: %s, p99 of %d", name, len(each)), "ms", load{each: each}.at(99))
	}
	return nil
}
