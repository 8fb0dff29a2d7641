package compute

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/operation"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// NewInstances says what instances are to be made: the same shape at one or several sites.
type NewInstances struct {
	Group       string // UID or slug of a group to join; empty makes one
	GroupName   string // of a new group; empty is its ID
	Fleeting    bool   // a new group goes with its last instance
	Watcher     string // of a new group: see Group
	Spread      []Spread
	Name        string // of each; empty is its ID
	Hostname    string // a prefix if there are several; empty is made up
	Description string
	Size        Size
	Image       string // UID, slug or public name
	System      volume.New
	Data        []volume.New
	Login       Login
	UserData    []byte
	Groups      []string         // security groups of NICs that name none, UIDs or slugs; empty is the default one
	Mbps        int64            // of the public addresses
	Public      bool             // whether they have public addresses
	IPv6        bool             // whether they have public IPv6 addresses too
	Sharing     *network.Sharing // the bandwidths that their public addresses share, instead of Mbps each; nil: none
	Set         string           // placement set, UID or slug; empty for none
	Payment     Payment
	Months      int64
	AutoRenew   bool
	Tags        []network.Tag
}

// Spread says how many of them at one site, on which networks.
type Spread struct {
	Site     *place.Site
	Count    int
	NICs     []NIC           // of each; empty is one on the site's default network
	Carriers []place.Carrier // of the public addresses; empty is every line of the site
	EachNIC  bool            // the address of the k-th of Carriers is the k-th NIC's; else all are the first one's
	Labels   []Label         // what each is called, instead of Name and Hostname; empty or one for each
}

// Label is how an instance is called: by its owner, and inside the guest.
type Label struct{ Name, Hostname string }

// Size is a flavor by name, or processors and memory.
type Size struct {
	Flavor    string
	VCPUs     int64
	MemoryMiB int64
}

// Created is what Create made.
type Created struct {
	Group     *Group
	Instances []*Instance
	Image     *image.Image
}

// maxUserData is how many bytes of user data a guest can be given.
const maxUserData = 64 << 10

// maxMonths is the longest prepaid term.
const maxMonths = 120

// maxAtOnce keeps one call's transaction short.
const maxAtOnce = 200

// Create makes instances. Everything they need is reserved in one transaction, or nothing is.
func (c *Compute) Create(ctx context.Context, caller *identity.Caller, w NewInstances) (*Created, error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	size, err := c.size(ctx, w.Size)
	if err != nil {
		return nil, err
	}
	img, file, err := c.images.Usable(ctx, caller, w.Image)
	if err != nil {
		return nil, fault.From(err).On("imageId")
	}
	if err := fits(img, size, w.System.GiB); err != nil {
		return nil, err
	}
	w.System.Role, w.System.File = volume.System, file.UID
	made := &Created{Image: img}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		made.Instances = nil
		if err := image.Hold(ctx, tx, img.UID, file.UID); err != nil {
			return fault.From(err).On("imageId")
		}
		return c.create(ctx, tx, caller, &creation{w: w, size: size, image: img, file: file, made: made})
	})
	return made, err
}

// total is how many instances are made.
func (w *NewInstances) total() (n int) {
	for _, s := range w.Spread {
		n += s.Count
	}
	return n
}

func (w *NewInstances) check() error {
	for k, s := range w.Spread {
		if s.Count < 1 {
			return fault.BadField(fmt.Sprintf("deployInstances[%d].replicas", k), "must be at least 1")
		}
		if err := s.check(); err != nil {
			return err
		}
	}
	total := w.total()
	if total == 0 {
		return fault.BadField("deployInstances", "must name at least one node")
	}
	if total > maxAtOnce {
		return fault.BadField("deployInstances", "at most %d instances can be made at once", maxAtOnce)
	}
	if w.Name != "" {
		if err := checkName(w.Name); err != nil {
			return err
		}
	}
	if w.Hostname != "" && !hostname.MatchString(w.Hostname) {
		return badHostname()
	}
	if w.Hostname != "" && total > 1 && len(w.Hostname)+len(strconv.Itoa(total-1))+1 > 64 {
		return fault.BadField("hostname", "is too long to be counted on for %d instances", total)
	}
	if w.Payment == Prepaid && (w.Months < 1 || w.Months > maxMonths) {
		return fault.BadField("reservation", "must be a term of 1 to %d months for prepaid instances", maxMonths)
	}
	if len(w.UserData) > maxUserData {
		return fault.BadField("userData", "must have at most %d bytes", maxUserData)
	}
	if w.Public && w.Mbps < 1 && w.Sharing == nil {
		return fault.BadField("bandwidth", "must be at least 1 Mbps for a public address")
	}
	if w.IPv6 && !w.Public {
		return fault.BadField("needIpv6PublicIp", "needs a public address of IPv4 beside it")
	}
	if err := w.checkDisks(); err != nil {
		return err
	}
	return w.Login.check()
}

func (w *NewInstances) checkDisks() error {
	if w.System.GiB < volume.MinSystemGiB || w.System.GiB > volume.MaxSystemGiB {
		return fault.BadField("systemVolume.sizeInGB", "must lie between %d and %d", volume.MinSystemGiB, volume.MaxSystemGiB)
	}
	for k, d := range w.Data {
		if d.GiB < volume.MinDataGiB || d.GiB > volume.MaxDataGiB {
			return fault.BadField(fmt.Sprintf("dataVolumeList[%d].sizeInGB", k), "must lie between %d and %d", volume.MinDataGiB, volume.MaxDataGiB)
		}
	}
	return nil
}

// size looks a flavor up, or takes processors and memory as they are.
func (c *Compute) size(ctx context.Context, s Size) (Size, error) {
	if s.Flavor == "" {
		return s, s.check()
	}
	f, err := c.place.Flavor(ctx, s.Flavor)
	if err != nil {
		return s, fault.From(err).On("spec")
	}
	return Size{Flavor: f.Name, VCPUs: f.VCPUs, MemoryMiB: f.MemoryMiB}, nil
}

func (s Size) check() error {
	if s.VCPUs < 1 || s.VCPUs > 256 {
		return fault.BadField("cpu", "must lie between 1 and 256 when no spec is given")
	}
	if s.MemoryMiB < 128 || s.MemoryMiB > 4<<20 {
		return fault.BadField("memory", "must lie between 1 and 4096 GB when no spec is given")
	}
	return nil
}

func fits(img *image.Image, s Size, systemGiB int64) error {
	if img.Status != image.Active {
		return fault.Conflicting("image", img.Slug, "The image is not ready yet.").On("imageId")
	}
	if systemGiB < img.MinDiskGiB {
		return fault.BadField("systemVolume.sizeInGB", "must be at least %d, which the image needs", img.MinDiskGiB)
	}
	if s.MemoryMiB < img.MinMemoryMiB {
		return fault.BadField("memory", "must be at least %d MiB, which the image needs", img.MinMemoryMiB)
	}
	return nil
}

// creation is what one call of Create works on.
type creation struct {
	w       NewInstances
	size    Size
	image   *image.Image
	file    *image.File
	group   *Group
	set     *place.Set
	made    *Created
	disk    int64 // GiB of one instance on its host
	counted int64 // instances made so far
	batch   string

	volumes []*volume.Volume
}

func (c *Compute) create(ctx context.Context, tx *store.Tx, caller *identity.Caller, n *creation) error {
	if err := n.prepare(ctx, tx, caller); err != nil {
		return err
	}
	for _, s := range n.w.Spread {
		if err := n.spread(ctx, tx, caller, s); err != nil {
			return err
		}
	}
	if err := volume.Add(ctx, tx, n.volumes); err != nil {
		return err
	}
	total := int64(len(n.made.Instances))
	if err := n.note(ctx, tx, caller); err != nil {
		return err
	}
	changes := append(volume.Cost(append([]volume.New{n.w.System}, n.w.Data...), total), instanceCost(n.size, total)...)
	if n.w.Group == "" {
		changes = append(changes, groupCost(1))
	}
	return quota.Count(ctx, tx, caller.Account, changes...)
}

func instanceCost(s Size, count int64) []quota.Change {
	return []quota.Change{{Name: quota.Instances, Delta: count}, {Name: quota.VCPUs, Delta: count * s.VCPUs}, {Name: quota.MemoryGiB, Delta: count * (s.MemoryMiB >> 10)}}
}

func (n *creation) prepare(ctx context.Context, tx *store.Tx, caller *identity.Caller) (err error) {
	n.volumes, n.disk, n.counted, n.batch = nil, n.w.System.GiB, 0, tx.NewSlug()
	for _, d := range n.w.Data {
		n.disk += d.GiB
	}
	if n.w.Set != "" {
		if n.set, err = place.FindSet(ctx, tx, caller, n.w.Set); err != nil {
			return fault.From(err).On("deploysetIdList")
		}
	}
	if n.w.Login.Keys, err = resolveKeys(ctx, tx, caller, n.w.Login.Keys); err != nil {
		return err
	}
	if n.w.Group != "" {
		n.group, err = FindGroup(ctx, tx, caller, n.w.Group)
		if err == nil && n.group.Doomed {
			err = fault.Conflicting("group", n.group.Slug, "The group is being deleted.")
		}
	} else {
		n.group, err = insertGroup(ctx, tx, caller, n.newGroup())
	}
	n.made.Group = n.group
	return err
}

func (n *creation) newGroup() *Group {
	return &Group{Name: n.w.GroupName, Payment: n.w.Payment, Mbps: n.w.Mbps, Tags: network.TagsOf(n.w.Tags), Doomed: n.w.Fleeting, Watcher: n.w.Watcher}
}

// spread makes the instances of one site.
func (n *creation) spread(ctx context.Context, tx *store.Tx, caller *identity.Caller, s Spread) error {
	instances := make([]*Instance, s.Count)
	uids := make([]string, s.Count)
	for k := range instances {
		i, err := n.instance(ctx, tx, caller, s, n.label(s, k))
		if err != nil {
			return err
		}
		instances[k], uids[k] = i, i.UID
		n.volumes = append(n.volumes, volume.Rows(tx, volume.Owner{Account: i.Account, Site: i.Site, Host: i.Host, Instance: i.UID}, n.disks(i))...)
	}
	if _, err := tx.NewInsert().Model(&instances).Exec(ctx); err != nil {
		return fmt.Errorf("add instances: %w", err)
	}
	if err := n.wire(ctx, tx, caller, s, uids); err != nil {
		return err
	}
	n.made.Instances = append(n.made.Instances, instances...)
	return begin(ctx, tx, instances)
}

// note leaves one record for the call: on the instance, or on the group if there are several.
func (n *creation) note(ctx context.Context, tx *store.Tx, caller *identity.Caller) error {
	if len(n.made.Instances) == 1 {
		return audit.Note(ctx, tx, caller, Kind, n.made.Instances[0].UID)
	}
	return audit.Note(ctx, tx, caller, "group", n.group.UID)
}

// begin opens the operations of new instances and wakes their life cycles.
func begin(ctx context.Context, tx *store.Tx, instances []*Instance) error {
	for _, i := range instances {
		if _, err := operation.OpenFirst(ctx, tx, i.Account, "create", Kind, i.UID, string(i.State)); err != nil {
			return err
		}
		if err := work.Wake(ctx, tx, Kind, i.UID); err != nil {
			return err
		}
	}
	return nil
}

// instance places one instance and makes its row.
func (n *creation) instance(ctx context.Context, tx *store.Tx, caller *identity.Caller, s Spread, l Label) (*Instance, error) {
	set := ""
	if n.set != nil {
		set = n.set.UID
	}
	host, err := place.Take(ctx, tx, s.Site.UID, place.Demand{VCPUs: n.size.VCPUs, MemoryMiB: n.size.MemoryMiB, DiskGiB: n.disk}, set)
	if err != nil {
		return nil, err
	}
	w, slug := n.w, tx.NewSlug()
	i := &Instance{UID: tx.NewUID(), Slug: slug, Handle: n.group.Slug + "-" + s.Site.Name + "-" + slug[:5], Account: caller.Account, Group: n.group.UID, Site: s.Site.UID, Host: host,
		Name: l.Name, Hostname: l.Hostname, Description: w.Description, Flavor: n.size.Flavor, VCPUs: n.size.VCPUs, MemoryMiB: n.size.MemoryMiB, DiskGiB: n.disk,
		Image: n.image.UID, ImageFile: n.file.UID, LoginUser: loginUser(n.image), Payment: w.Payment, Months: w.Months, AutoRenew: w.AutoRenew,
		Tags: network.TagsOf(w.Tags), Keys: store.JSON[[]string]{V: w.Login.Keys}, PasswordHash: w.Login.PasswordHash, UserData: base64.StdEncoding.EncodeToString(w.UserData),
		State: Creating, Power: spec.On, Dirty: true, Epoch: 1, Phase: spec.Pending, SeenPower: spec.Off, Created: tx.Time(), Changed: tx.Time(), Batch: n.batch, Nth: n.counted}
	n.counted++
	if w.Public {
		i.Mbps = w.Mbps
	}
	if w.Payment == Prepaid {
		i.Expires = store.At(tx.Now().AddDate(0, int(w.Months), 0))
	}
	if i.Name == "" {
		i.Name = "vm-" + i.Handle
	}
	if i.Hostname == "" {
		i.Hostname = "vm-" + i.Slug
	}
	if n.set == nil {
		return i, nil
	}
	return i, place.Join(ctx, tx, set, i.UID, host, s.Site.UID)
}

// label says what the k-th instance at a site is called. Host names that are asked for once and made several times are counted from 0 (BEC 1.0 createVmService).
func (n *creation) label(s Spread, k int) Label {
	if len(s.Labels) > 0 {
		return s.Labels[k]
	}
	l := Label{n.w.Name, n.w.Hostname}
	if l.Hostname != "" && n.w.total() > 1 {
		l.Hostname = fmt.Sprintf("%s-%d", l.Hostname, n.counted)
	}
	return l
}

// disks are an instance's volumes. One without a name is called after its instance, as IEC does (conventions section 6).
func (n *creation) disks(i *Instance) []volume.New {
	disks := append([]volume.New{n.w.System}, n.w.Data...)
	for k := range disks {
		if disks[k].Name == "" {
			disks[k].Name = fmt.Sprintf("%s-volume-%04d", i.Name, k)
		}
	}
	return disks
}

func loginUser(img *image.Image) string {
	if img.OSType == "windows" {
		return "Administrator"
	}
	return "root"
}
