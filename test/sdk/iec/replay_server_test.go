package iec_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/plan"
	"edgecloud/cloud/volume"
	"edgecloud/contract"
	"edgecloud/controlplane/controlplanetest"
)

// stage is what the documented examples of servers, disks, edge clouds, deployments and images are played on.
type stage struct {
	*ground
	managed string
	servers []*compute.Detail
	ids     map[string]string // of path parameters
}

// off are the operations whose servers must be off.
var off = map[string]bool{"batchStartInstances": true, "changeOs": true, "createImage": true, "registerImage": true, "showImage": true, "deleteImage": true, "retryImageJob": true}

// TestDocumentedExamplesOfServers replays every request that the contract shows of servers, disks, deployments, edge clouds and images, with what exists in the place
// of the document's, and demands that each member of the documented answer is there, of the same type.
func TestDocumentedExamplesOfServers(t *testing.T) {
	g := newGround(t)
	loaded, err := contract.Load("iec")
	require.NoError(t, err)
	replayed := 0
	for _, file := range []string{"server", "volume", "deployment", "edgecloud", "image"} {
		for _, op := range loaded.Operations() {
			if op.File != file {
				continue
			}
			for _, e := range op.Examples().Requests {
				t.Run(op.ID, func(t *testing.T) { (&stage{ground: g, ids: map[string]string{}}).replay(t, op, e) })
				replayed++
			}
		}
	}
	require.GreaterOrEqual(t, replayed, 28)
}

func (s *stage) replay(t *testing.T, op *contract.Operation, e contract.RequestExample) {
	s.furnish(t, op)
	path, query, _ := strings.Cut(e.Target, "?")
	parts := strings.Split(path, "/")
	for k, part := range strings.Split(op.Path, "/") {
		if strings.HasPrefix(part, "{") {
			require.NotEmpty(t, s.ids[part], "the test has no %s", part)
			parts[k] = url.PathEscape(s.ids[part])
		}
	}
	target := strings.Join(parts, "/")
	if op.File != "image" && query != "" {
		target += "?" + query
	}
	body := ""
	if e.Body != nil {
		var asked any
		require.NoError(t, json.Unmarshal(e.Body, &asked))
		text, err := json.Marshal(s.fill("", 0, asked))
		require.NoError(t, err)
		body = string(text)
	}
	status, answer := s.raw(t, e.Method, target, body)
	shown := op.Examples().Responses
	if op.ID == "retryImageJob" { // nothing has failed
		require.Equal(t, http.StatusConflict, status, "%s", answer)
		return
	}
	if len(shown) == 0 {
		require.Equal(t, http.StatusNoContent, status, "%s", answer)
		return
	}
	require.Equal(t, shown[0].Status, status, "%s", answer)
	var want, got any
	require.NoError(t, json.Unmarshal(shown[0].Body, &want))
	require.NoError(t, json.Unmarshal(answer, &got))
	covers(t, "", unkeyed(want), got)
}

// unkeyed leaves out what is keyed by IDs: the networks by which addresses are listed.
func unkeyed(want any) any {
	switch w := want.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, v := range w {
			if name != "addresses" { // its keys are networks' IDs
				out[name] = unkeyed(v)
			}
		}
		return out
	case []any:
		out := make([]any, len(w))
		for k, v := range w {
			out[k] = unkeyed(v)
		}
		return out
	}
	return want
}

// fill puts what exists in the place of the document's, by the member's name and the one that it is in.
func (s *stage) fill(in string, nth int, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			if name == "id" {
				out[name] = s.listed(in, nth)
				continue
			}
			out[name] = s.fill(name, 0, value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for k, one := range v {
			out[k] = s.fill(in, k, one)
		}
		return out
	}
	if named, ok := s.ids[in]; ok {
		return named
	}
	return v
}

// listed is the resource of which a list has the nth.
func (s *stage) listed(in string, nth int) string {
	switch in {
	case "servers":
		return s.servers[nth].UID
	case "nics":
		return s.servers[0].Ports[1].UID
	case "security_groups":
		return s.group
	case "subnets":
		return s.subnets[0]
	}
	return ""
}

func (s *stage) furnish(t *testing.T, op *contract.Operation) {
	t.Helper()
	s.ids = map[string]string{"image_ref": s.image, "image_id": s.image, "flavor_ref": "c6.large.2", "vpc_id": s.vpc, "subnet_id": s.subnets[0], "site": s.site.UID,
		"pool_id": "5_mobile_cn-hangzhou-cm", "region_id": s.Control.Identity.Region(), "{region_id}": s.Control.Identity.Region(), "{domain_id}": s.caller.Account}
	ctx := t.Context()
	switch op.File {
	case "deployment", "edgecloud":
		net, err := s.Control.Networks.CreateNetwork(ctx, s.caller, network.NewNetwork{Name: "for." + op.ID, CIDR: "10.4.0.0/16", Managed: true})
		require.NoError(t, err)
		s.managed, s.ids["vpc_id"], s.ids["site"] = net.UID, net.UID, "hangzhou"
		s.deploy(t, op.ID)
	default:
		for range 2 {
			s.servers = append(s.servers, s.made(t, off[op.ID]))
		}
		one := s.servers[0]
		s.ids["{server_id}"], s.ids["{instance_id}"], s.ids["instance_id"], s.ids["{volume_id}"] = one.UID, one.UID, one.UID, one.Volumes[0].UID
		if op.File == "image" && off[op.ID] {
			s.cast(t, op.ID)
		}
	}
}

// made is a server on two subnets, running or off.
func (s *stage) made(t *testing.T, stopped bool) *compute.Detail {
	t.Helper()
	made, err := s.Control.Compute.Create(t.Context(), s.caller, compute.NewInstances{Fleeting: true, Image: s.image, Size: compute.Size{Flavor: "c6.large.2"}, Payment: compute.Postpaid,
		Spread: []compute.Spread{{Site: s.site, Count: 1, NICs: []compute.NIC{{Subnet: s.subnets[0]}, {Subnet: s.subnets[1]}}}}, System: volume.New{Storage: "SAS", GiB: 40},
		Login: compute.Login{None: true}})
	require.NoError(t, err)
	d := s.rests(t, made.Instances[0].UID, compute.Running)
	if stopped {
		_, err := s.Control.Compute.Stop(t.Context(), s.caller, d.UID, true)
		require.NoError(t, err)
		d = s.rests(t, d.UID, compute.Stopped)
	}
	return d
}

func (s *stage) rests(t *testing.T, uid string, state compute.State) (d *compute.Detail) {
	t.Helper()
	controlplanetest.Eventually(t, uid+" is "+string(state), func() bool {
		var err error
		d, err = s.Control.Compute.Get(t.Context(), s.caller, uid)
		require.NoError(t, err)
		return d.State == state
	})
	return d
}

// cast makes an image of the first server, for examples of images that belong to somebody.
func (s *stage) cast(t *testing.T, op string) {
	t.Helper()
	if op == "createImage" {
		return
	}
	made, job, err := s.Control.Compute.CaptureImage(t.Context(), s.caller, s.servers[0].UID, "cast", "")
	require.NoError(t, err)
	s.imageBecomes(t, made.UID, "active")
	s.ids["{image_id}"], s.ids["image_id"], s.ids["{job_id}"] = made.UID, made.UID, strings.ReplaceAll(job, "-", "")
}

// deploy makes the plan, and the edge cloud, that an example names.
func (s *stage) deploy(t *testing.T, op string) {
	t.Helper()
	ctx := t.Context()
	w := plan.NewPlan{Name: "for-" + op, Coverage: plan.Coverage{Level: plan.City, Places: []plan.Place{{Name: "hangzhou", Sites: []string{s.site.UID}, Demands: []plan.Demand{{Count: 1}}}}},
		Stack: plan.Stack{Name: "s", Resources: []plan.Resource{{Name: "res", Count: 1, Flavor: "c6.large.2", Image: s.image, Network: s.managed, NICs: 1, Groups: []string{s.group}, Public: true,
			System: volume.New{Storage: "SAS", GiB: 40}, UserData: []byte("#!/bin/sh\n"), PasswordHash: "$6$salt$hash"}}}}
	p, err := s.Control.Plans.Create(ctx, s.caller, w)
	require.NoError(t, err)
	s.ids["{deployment_id}"] = p.UID
	if op == "executeDeployment" || op == "deleteDeployment" || op == "createDeployment" || op == "listDeployments" {
		return
	}
	c, err := s.Control.Plans.Deploy(ctx, s.caller, p.UID, func(_ context.Context, _ *place.Site, _ plan.Resource, _, count int) ([]compute.Label, error) {
		return make([]compute.Label, count), nil
	})
	require.NoError(t, err)
	s.cloudBecomes(t, c.UID, "inService", "creating")
	s.ids["{edgecloud_id}"] = c.UID
	switch op {
	case "expandEdgeCloud":
		w.Name, w.Cloud = "", c.UID
		p, err := s.Control.Plans.Create(ctx, s.caller, w)
		require.NoError(t, err)
		s.ids["{deployment_id}"] = p.UID
	case "deleteEdgeCloud":
		g, err := s.Control.Compute.GetGroup(ctx, s.caller, c.UID)
		require.NoError(t, err)
		for _, i := range g.Instances {
			s.deleteServers(t, i.UID)
		}
	}
}
