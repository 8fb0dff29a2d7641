package iec

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/server"
	"edgecloud/fault"
)

// maxServers is how many instances one call makes (4.2.2).
const maxServers = 50

// createServers makes instances at one site. They belong to an edge cloud of their own, which goes with the last of them.
func (d *Door) createServers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateInstanceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	w, err := d.newServers(ctx, &in.Server)
	if err != nil {
		return nil, err
	}
	made, err := d.Compute.Create(ctx, c.Caller, w)
	if err != nil {
		return nil, inServerWords(err)
	}
	out := wire.CreateInstanceResponse{ServerIDs: []string{}}
	for _, i := range made.Instances {
		out.ServerIDs = append(out.ServerIDs, i.UID)
	}
	job, err := d.job(ctx, c, made.Instances[0].UID)
	out.JobID = job.JobID
	return &dialect.Answer{Status: http.StatusAccepted, Body: out}, err
}

func (d *Door) newServers(ctx context.Context, in *wire.CreateInstanceOption) (w compute.NewInstances, err error) {
	if !serverName(in.Name, 48, "_-") {
		return w, fault.BadField("server.name", "must have 1 to 48 letters, digits, Chinese characters, \"_\" and \"-\"")
	}
	if in.ImageRef == "" {
		return w, fault.BadField("server.image_ref", "must be set")
	}
	spread, err := d.serverSpread(ctx, in)
	if err != nil {
		return w, err
	}
	w = compute.NewInstances{GroupName: in.Name, Fleeting: true, Spread: []compute.Spread{spread}, Size: compute.Size{Flavor: in.FlavorRef}, Image: in.ImageRef,
		System: volume.New{Storage: in.RootVolume.VolumeType, GiB: int64(in.RootVolume.Size)}, Payment: compute.Postpaid}
	for _, v := range append([]wire.DataVolume{wire.DataVolume(in.RootVolume)}, in.DataVolumes...) {
		if !volume.KnownType(v.VolumeType) {
			return w, fault.BadField("server.volume_type", "no site offers the disk type %q", v.VolumeType)
		}
	}
	for _, v := range in.DataVolumes {
		w.Data = append(w.Data, volume.New{Role: volume.Cloud, Storage: v.VolumeType, GiB: int64(v.Size)})
	}
	for _, g := range in.SecurityGroups {
		if id := scalar.Value(g.ID); id != "" {
			w.Groups = append(w.Groups, id)
		}
	}
	if w.UserData, err = userData("server.user_data", in.UserData); err != nil {
		return w, err
	}
	if b := in.Bandwidth; b != nil {
		w.Public, w.Sharing = true, &network.Sharing{Bandwidths: b.IDs}
		for _, kind := range b.BandwidthTypes {
			w.Sharing.Types = append(w.Sharing.Types, network.BandwidthType(kind))
		}
	}
	w.Login, err = serverLogin(in.AdminPass, in.KeyName)
	return w, err
}

// serverLogin reads how people get in. None is allowed: the user data may see to it.
func serverLogin(password, key *string) (l compute.Login, err error) {
	l.None = true
	if k := scalar.Value(key); k != "" {
		l.Keys = []string{k}
	}
	if p := scalar.Value(password); p != "" {
		if err := checkPassword("server.admin_pass", p); err != nil {
			return l, err
		}
		l.PasswordHash, err = compute.HashPassword(p)
	}
	return l, err
}

const passwordMarks = "!@$%^-_=+[{}]:,./?"

// checkPassword holds a password against the rule of 4.2.2. The accounts' names are fixed: root and Administrator; neither they nor their reverses may be in it.
func checkPassword(field, plain string) error {
	var kinds [4]bool
	for _, r := range plain {
		switch {
		case 'a' <= r && r <= 'z':
			kinds[0] = true
		case 'A' <= r && r <= 'Z':
			kinds[1] = true
		case '0' <= r && r <= '9':
			kinds[2] = true
		case strings.ContainsRune(passwordMarks, r):
			kinds[3] = true
		default:
			return fault.BadField(field, "must have letters, digits and %s only", passwordMarks)
		}
	}
	used := 0
	for _, is := range kinds {
		if is {
			used++
		}
	}
	if len(plain) < 8 || len(plain) > 26 || used < 3 {
		return fault.BadField(field, "must have 8 to 26 characters of at least three kinds: upper case, lower case, digits and %s", passwordMarks)
	}
	lower := strings.ToLower(plain)
	for _, name := range []string{"root", "toor", "administrator", "rotartsinimda"} {
		if strings.Contains(lower, name) {
			return fault.BadField(field, "must not hold the user name or its reverse")
		}
	}
	return nil
}

// serverSpread reads where the instances go: one site, with a NIC in each subnet that is listed.
func (d *Door) serverSpread(ctx context.Context, in *wire.CreateInstanceOption) (s compute.Spread, err error) {
	if in.Count < 1 || in.Count > maxServers {
		return s, fault.BadField("server.count", "must be 1 to %d", maxServers)
	}
	cover := in.Coverage
	if !strings.EqualFold(cover.CoverageLevel, "site") || len(cover.CoverageSites) != 1 || len(cover.CoverageSites[0].Demands) != 1 {
		return s, fault.BadField("server.coverage", "instances are made at one site, named by its ID, with one demand and the level \"site\"")
	}
	at, demand := cover.CoverageSites[0], cover.CoverageSites[0].Demands[0]
	if s.Site, err = d.Place.Site(ctx, at.Site); err != nil {
		return s, fault.BadField("server.coverage.coverage_sites.site", "must be the ID of a site, as GET /v1/sites gives it")
	}
	if !s.Site.Enabled {
		return s, fault.New(fault.Capacity, "The site %s takes no new instances.", s.Site.Name).About("site", s.Site.UID)
	}
	if s.NICs, err = serverNICs(in.NetConfig); err != nil {
		return s, err
	}
	if in.Bandwidth != nil {
		s.EachNIC = true
		if s.Carriers, err = d.carriers(ctx, s.Site, demand, len(s.NICs)); err != nil {
			return s, err
		}
	}
	s.Count = int(in.Count) * int(max(scalar.Value(demand.DemandCount), 1))
	if s.Count > maxServers {
		return s, fault.BadField("server.count", "must be at most %d with all demands", maxServers)
	}
	prefix := ""
	if in.WithPrefix == nil || bool(*in.WithPrefix) {
		if prefix, err = d.namePrefix(ctx, s.Site); err != nil {
			return s, err
		}
	}
	s.Labels = labels(prefix+in.Name, s.Count)
	return s, nil
}

// serverNICs reads the subnets. nic_num, which only official clients send, is their number.
func serverNICs(in wire.NetConfigInstance) ([]compute.NIC, error) {
	if len(in.Subnets) == 0 || len(in.Subnets) > maxServerNICs {
		return nil, fault.BadField("server.net_config.subnets", "must list 1 to %d subnets", maxServerNICs)
	}
	nics := make([]compute.NIC, len(in.Subnets))
	for k, n := range in.Subnets {
		if n.IPv6Enable != nil && bool(*n.IPv6Enable) {
			return nil, fault.BadField(fmt.Sprintf("server.net_config.subnets[%d].ipv6_enable", k), "IPv6 is not available for subnets")
		}
		nics[k] = compute.NIC{Network: in.VPCID, Subnet: n.ID}
		for _, p := range n.AllowedAddressPairs {
			nics[k].Pairs = append(nics[k].Pairs, network.Pair{Address: p.IPAddress, MAC: scalar.Value(p.MACAddress)})
		}
	}
	return nics, nil
}

// carriers are the lines on which public addresses are made: those named, else the operator's, else the site's own.
func (d *Door) carriers(ctx context.Context, site *place.Site, demand wire.DemandInstance, nics int) ([]place.Carrier, error) {
	all, err := d.Place.Uplinks(ctx)
	if err != nil {
		return nil, err
	}
	lines, pools := all[site.UID], demand.PoolIDs
	if id := scalar.Value(demand.PoolID); id != "" && len(pools) == 0 {
		pools = []string{id}
	}
	if len(pools) > nics {
		return nil, fault.BadField("server.coverage", "must not name more lines (pool_ids) than the instances have NICs")
	}
	var chosen []place.Carrier
	for _, id := range pools {
		l := lineNamed(site, lines, id)
		if l == nil {
			return nil, fault.New(fault.NotFound, "The site %s has no line %q.", site.Name, id).About("location", id)
		}
		chosen = append(chosen, l.Carrier)
	}
	if len(chosen) > 0 {
		return chosen, nil
	}
	want := scalar.Value(demand.Operator)
	for _, l := range lines {
		if o := operatorOf(l.Carrier); want == "" || among([]string{want}, o.Name) || among([]string{want}, o.Sa) || want == o.ID {
			return []place.Carrier{l.Carrier}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "The site %s has no line of the operator %q.", site.Name, want).About("location", want)
}

// namePrefix begins names of instances at a site: "IEC-", the city's short name and the site's number in the city (conventions, section 6).
func (d *Door) namePrefix(ctx context.Context, s *place.Site) (string, error) {
	all, err := d.Place.AllSites(ctx)
	if err != nil {
		return "", err
	}
	nth := 0
	for _, one := range all { // by name
		if one.Province != s.Province || one.City != s.City {
			continue
		}
		nth++
		if one.UID == s.UID {
			break
		}
	}
	return fmt.Sprintf("IEC-%s%02d-", shortName(s), nth), nil
}

// labels name instances: several are counted from 1 in four digits.
func labels(name string, count int) []compute.Label {
	all := make([]compute.Label, count)
	for k := range all {
		one := name
		if count > 1 {
			one = fmt.Sprintf("%s-%04d", name, k+1)
		}
		all[k] = compute.Label{Name: one, Hostname: hostName(one)}
	}
	return all
}

// serverWords are the names that the cloud's faults give to fields, in the words of 4.2.2.
var serverWords = map[string]string{"systemVolume.sizeInGB": "server.root_volume.size", "spec": "server.flavor_ref", "imageId": "server.image_ref", "keypairId": "server.key_name",
	"vpcId": "server.net_config.vpc_id", "subnetId": "server.net_config.subnets", "adminPass": "server.admin_pass", "memory": "server.flavor_ref", "bandwidth": "server.bandwidth.size"}

// inServerWords renames the field of a fault to what this call names it.
func inServerWords(err error) error {
	f := fault.From(err)
	name, known := serverWords[f.Field]
	if !known {
		return err
	}
	renamed := f.On(name)
	if rest, ok := strings.CutPrefix(f.Sentence, f.Field+": "); ok {
		renamed.Sentence = name + ": " + rest
	}
	return renamed
}
