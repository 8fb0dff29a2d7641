package libvirt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"
)

// namespace of our metadata element. Domains without it are not ours.
const namespace = "https://edgecloud/xmlns/libvirt/1"

// mark is our metadata element.
type mark struct {
	Definition string `xml:"definition,attr"` // fingerprint of all that was defined
	Base       string `xml:"base,attr"`       // fingerprint of what cannot change while it runs
}

func (m mark) element() string {
	return fmt.Sprintf(`<edgecloud:machine xmlns:edgecloud=%q definition=%q base=%q/>`, namespace, m.Definition, m.Base)
}

// readMark reads a domain's mark from its definition or from what runs; golibvirt.ErrNoDomainMetadata if it is not ours.
func readMark(l *golibvirt.Libvirt, d golibvirt.Domain, from golibvirt.DomainModificationImpact) (mark, error) {
	var m mark
	text, err := l.DomainGetMetadata(d, int32(golibvirt.DomainMetadataElement), golibvirt.OptString{namespace}, from)
	if err != nil {
		return m, err
	}
	if err := xml.Unmarshal([]byte(text), &m); err != nil {
		return m, fmt.Errorf("libvirt: metadata of %s: %w", d.Name, err)
	}
	return m, nil
}

// fingerprints of a domain. Its own name and its title are for people and make no difference to the base.
func fingerprints(d libvirtxml.Domain) (mark, error) {
	d.Name = ""
	whole, err := fingerprint(d)
	if err != nil {
		return mark{}, err
	}
	devices := *d.Devices
	devices.Interfaces = nil
	devices.Disks = nil
	for i, disk := range d.Devices.Disks {
		if i == 0 || disk.Device == "cdrom" {
			devices.Disks = append(devices.Disks, disk)
		}
	}
	d.Title, d.Devices = "", &devices
	base, err := fingerprint(d)
	return mark{Definition: whole, Base: base}, err
}

func fingerprint(d libvirtxml.Domain) (string, error) {
	text, err := d.Marshal()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16]), nil
}
