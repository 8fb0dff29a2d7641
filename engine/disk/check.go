package disk

import (
	"errors"
	"regexp"

	"edgecloud/fault"
	"edgecloud/link/spec"
)

var (
	// plainUID keeps UIDs usable as file and object names everywhere.
	plainUID  = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{0,63}$`)
	sha256Hex = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
)

// CheckUID refuses a UID that could not name a file, as a fault.Invalid that names the field.
func CheckUID(field, uid string) error {
	if !plainUID.MatchString(uid) {
		return fault.BadField(field, "%q is not a UID", uid)
	}
	return nil
}

// CheckVolume refuses a volume that no pool could make, as a fault.Invalid that names the field.
func CheckVolume(v spec.Volume) error {
	if err := CheckUID("uid", v.UID); err != nil {
		return err
	}
	if v.Bytes <= 0 || v.Bytes%512 != 0 {
		return fault.BadField("bytes", "must be a positive multiple of 512, not %d", v.Bytes)
	}
	if v.Epoch < 0 {
		return fault.BadField("epoch", "must not be negative, not %d", v.Epoch)
	}
	if v.Origin != (spec.Origin{}) {
		if v.Image != "" {
			return fault.BadField("origin", "must not be set beside an image")
		}
		return errors.Join(CheckUID("origin.volume", v.Origin.Volume), CheckUID("origin.snapshot", v.Origin.Snapshot))
	}
	if v.Image == "" {
		return nil
	}
	return CheckUID("image", v.Image)
}

// CheckImage refuses an image that no pool could keep, as a fault.Invalid that names the field.
func CheckImage(i spec.Image) error {
	if err := CheckUID("uid", i.UID); err != nil {
		return err
	}
	if !sha256Hex.MatchString(i.SHA256) {
		return fault.BadField("sha256", "must be 64 hexadecimal digits, not %q", i.SHA256)
	}
	if i.Format != "qcow2" && i.Format != "raw" {
		return fault.BadField("format", "must be qcow2 or raw, not %q", i.Format)
	}
	if i.Bytes < 0 {
		return fault.BadField("bytes", "must not be negative, not %d", i.Bytes)
	}
	return nil
}
