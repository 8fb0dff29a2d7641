package compute

import (
	"context"
	"encoding/base64"
	"slices"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Rebuild says what an instance's new system is.
type Rebuild struct {
	Image     string // UID, slug or public name
	Login     Login
	UserData  []byte
	ResetData bool // throw the data disks' content away too
	KeepLogin bool // as it was, instead of Login
	Off       bool // only one that is off, or that failed
}

// Reinstall starts an instance's system disk again from an image; its content is lost. Data disks stay unless ResetData is set.
func (c *Compute) Reinstall(ctx context.Context, caller *identity.Caller, id string, r Rebuild) (*View, error) {
	if err := r.Login.check(); err != nil && !r.KeepLogin {
		return nil, err
	}
	allowed := []State{Running, Stopped, Amending, Failed}
	if r.Off {
		allowed = allowed[1:]
	}
	if len(r.UserData) > maxUserData {
		return nil, fault.BadField("userData", "must have at most %d bytes", maxUserData)
	}
	img, file, err := c.images.Usable(ctx, caller, r.Image)
	if err != nil {
		return nil, fault.From(err).On("imageId")
	}
	return c.change(ctx, caller, id, "reinstall", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		if err := guard(i, "reinstalled", allowed...); err != nil {
			return "", err
		}
		if err := image.Hold(ctx, tx, img.UID, file.UID); err != nil {
			return "", fault.From(err).On("imageId")
		}
		disks, err := volume.Of(ctx, tx, i.UID)
		if err != nil {
			return "", err
		}
		if err := fits(img, Size{MemoryMiB: i.MemoryMiB}, disks[0].GiB); err != nil {
			return "", err
		}
		if !r.KeepLogin {
			if i.Keys.V, err = resolveKeys(ctx, tx, caller, r.Login.Keys); err != nil {
				return "", err
			}
			i.PasswordHash = r.Login.PasswordHash
		}
		i.Image, i.ImageFile, i.LoginUser = img.UID, file.UID, loginUser(img)
		i.UserData = base64.StdEncoding.EncodeToString(r.UserData)
		i.Power, i.ForceOff, i.Epoch, i.Password = spec.Off, true, i.Epoch+1, 0
		return ReinstallStopping, volume.Renew(ctx, tx, renewed(disks, r.ResetData), file.UID)
	})
}

func renewed(disks []*volume.Volume, data bool) []*volume.Volume {
	if !data {
		return disks[:1]
	}
	return slices.DeleteFunc(slices.Clone(disks), func(v *volume.Volume) bool { return v.Hold != "" }) // those that stand alone keep what they have
}
