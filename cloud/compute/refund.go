package compute

import (
	"context"
	"time"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/store"
)

// month is a prepaid one.
const month = 30 * 24 * time.Hour

// Refund deletes a prepaid instance whose term is not over. Its cloud disks stay, standing alone, unless all is to go, and then those go as well that were attached to it
// (BEC 1.0 refundPrepaidVmInstances).
func (c *Compute) Refund(ctx context.Context, caller *identity.Caller, id string, all bool) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		switch {
		case i.Payment != Prepaid:
			return fault.Conflicting(Kind, i.Handle, "The instance is paid afterwards; delete it.")
		case i.State == Deleting:
			return fault.Conflicting(Kind, i.Handle, "The instance is being deleted.")
		case tx.Now().After(i.Created.Time().Add(time.Duration(i.Months) * month)):
			return fault.Conflicting(Kind, i.Handle, "The term of the instance is over.")
		}
		disks, err := volume.Of(ctx, tx, i.UID)
		if err != nil {
			return err
		}
		if err := volume.Stay(ctx, tx, disks, !all); err != nil {
			return err
		}
		if err := doom(ctx, tx, i); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, i.UID)
	})
}
