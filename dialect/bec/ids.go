package bec

import (
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
)

// The vendor's forms of IDs (conventions, section 10). An ID that comes in is stripped of its known prefix and looked up; nothing else is read from it.
func networkID(n *network.Network) string        { return "vpc-" + n.Slug }
func subnetID(s *network.Subnet) string          { return "sbn-" + s.Slug }
func groupID(g *compute.Group) string            { return "s-" + g.Slug }
func instanceID(i *compute.Instance) string      { return "vm-" + i.Handle }
func securityID(g *network.SecurityGroup) string { return "sg-" + g.Slug }

func keyPairID(k *compute.KeyPair) string { return "k-" + k.Slug }
func setID(s *place.Set) string           { return "dset-" + s.Slug }

// imageID is a public image's, or a custom one's, which an account owns.
func imageID(slug, account string) string {
	if account == "" {
		return "m-" + slug
	}
	return "im-" + slug
}

// bareImage takes either prefix off an image's ID.
func bareImage(id string) string { return bare("im-", bare("m-", id)) }

// bareSubnet takes either prefix off a subnet's ID: sbn- everywhere but in the example of 2.0's instance detail, which has subnet-.
func bareSubnet(id string) string { return bare("subnet-", bare("sbn-", id)) }

// ruleID is the group's slug and the rule's own.
func ruleID(g *network.SecurityGroup, r *network.Rule) string { return "sgr-" + g.Slug + "-" + r.Slug }

// bare takes the prefix off an ID, if it has it. A UID, which has none, passes through.
func bare(prefix, id string) string { return strings.TrimPrefix(id, prefix) }

// bareRule gives a rule's slug: what follows the last hyphen. Both documented forms (sgr-... and sg-...) end in it.
func bareRule(id string) string { return id[strings.LastIndexByte(id, '-')+1:] }
