package link

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"edgecloud/link/protocol"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Host is what the link knows of an enrolled host.
type Host struct {
	UID, Site, PublicKey string
	Heartbeat            time.Time // of the last one; zero: none yet
	Facts                spec.HostFacts
	Revoked              bool
}

// Token says what a one-time join token is good for.
type Token struct {
	Site string        // UID
	Host string        // UID that the host gets; empty: a fresh one
	Name string        // that the host gets; empty: its own
	Life time.Duration // how long the token is good
}

// NewToken makes a one-time join token and returns its secret, which is kept nowhere.
func NewToken(ctx context.Context, tx *store.Tx, t Token) (secret string, err error) {
	if t.Host == "" {
		t.Host = tx.NewUID()
	}
	secret = tx.Token(43) // 256 bits
	row := &tokenRow{Hash: hashed(secret), Site: t.Site, Host: t.Host, Name: t.Name, ExpiresAt: tx.Time().Add(t.Life)}
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return "", fmt.Errorf("link: keeping a join token: %w", err)
	}
	return secret, nil
}

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Join enrols a host. A token serves one key; the same key may repeat it, since the first answer can be lost. ErrToken.
func (s *Service) Join(ctx context.Context, j protocol.Join) (protocol.Joined, error) {
	var out protocol.Joined
	err := s.cfg.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		k := &tokenRow{}
		err := tx.NewSelect().Model(k).Where("hash = ?", hashed(j.Token)).Scan(ctx)
		if store.NotFound(err) {
			return fmt.Errorf("%w: nobody has given it out", protocol.ErrToken)
		}
		if err != nil {
			return err
		}
		if k.Name != "" {
			j.Facts.Name = k.Name
		}
		out = protocol.Joined{Host: k.Host, Site: k.Site, Name: j.Facts.Name}
		switch {
		case j.PublicKey == "":
			return fmt.Errorf("%w: there is no key to enrol", protocol.ErrToken)
		case k.UsedBy == j.PublicKey:
			return nil
		case k.UsedBy != "":
			return fmt.Errorf("%w: another host has used it", protocol.ErrToken)
		case k.ExpiresAt <= tx.Time():
			return fmt.Errorf("%w: it expired at %s", protocol.ErrToken, k.ExpiresAt.Time().UTC().Format(time.RFC3339))
		}
		if _, err := tx.NewUpdate().Model(k).Set("used_by = ?", j.PublicKey).WherePK().Exec(ctx); err != nil {
			return err
		}
		return s.enrol(ctx, tx, k.Host, k.Site, j)
	})
	return out, err
}

// Enrol makes a host known without a token: the local host of a one-machine cloud. Doing it again replaces its key.
func (s *Service) Enrol(ctx context.Context, tx *store.Tx, host, site, publicKey string, facts spec.HostFacts) error {
	return s.enrol(ctx, tx, host, site, protocol.Join{PublicKey: publicKey, Facts: facts})
}

func (s *Service) enrol(ctx context.Context, tx *store.Tx, host, site string, j protocol.Join) error {
	row := &hostRow{UID: host, Site: site, PublicKey: j.PublicKey, EnrolledAt: tx.Time()}
	row.Facts.V = j.Facts
	_, err := tx.NewInsert().Model(row).On("CONFLICT (uid) DO UPDATE").Set("public_key = EXCLUDED.public_key").
		Set("site = EXCLUDED.site").Set("revoked = EXCLUDED.revoked").Exec(ctx)
	if err != nil {
		return fmt.Errorf("link: enrolling host %s: %w", host, err)
	}
	if s.cfg.OnJoin != nil {
		return s.cfg.OnJoin(ctx, tx, host, site, j.Facts)
	}
	return nil
}

// Revoke keeps a host from the link from now on, and gives its site role free. The transport closes its connections (natslink.Server.Kick).
func Revoke(ctx context.Context, tx *store.Tx, host string) error {
	if _, err := tx.NewUpdate().Model((*hostRow)(nil)).Set("revoked = ?", true).Where("uid = ?", host).Exec(ctx); err != nil {
		return fmt.Errorf("link: revoking host %s: %w", host, err)
	}
	if _, err := tx.NewUpdate().Model((*roleRow)(nil)).Set("expires_at = ?", 0).
		Where("site = (SELECT site FROM link_hosts WHERE uid = ?)", host).Where("host = ?", host).Exec(ctx); err != nil {
		return fmt.Errorf("link: giving the site role of host %s free: %w", host, err)
	}
	return nil
}

// Hosts lists the enrolled hosts.
func Hosts(ctx context.Context, tx *store.Tx) ([]Host, error) {
	var rows []hostRow
	if err := tx.NewSelect().Model(&rows).Order("uid").Scan(ctx); err != nil {
		return nil, fmt.Errorf("link: listing hosts: %w", err)
	}
	out := make([]Host, len(rows))
	for i := range rows {
		out[i] = rows[i].public()
	}
	return out, nil
}

func (r *hostRow) public() Host {
	return Host{UID: r.UID, Site: r.Site, PublicKey: r.PublicKey, Heartbeat: r.HeartbeatAt.Time(), Facts: r.Facts.V, Revoked: r.Revoked}
}

// HostOfKey finds the live host that holds an nkey; ok is false for an unknown or revoked one.
func (s *Service) HostOfKey(ctx context.Context, publicKey string) (h Host, ok bool, err error) {
	row := &hostRow{}
	err = s.cfg.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(row).Where("public_key = ? AND revoked = ?", publicKey, false).Scan(ctx)
	})
	if store.NotFound(err) {
		return Host{}, false, nil
	}
	return row.public(), err == nil, err
}

// HostByUID tells an enrolled host, also a revoked one. ErrDenied if it is unknown.
func (s *Service) HostByUID(ctx context.Context, uid string) (Host, error) {
	row := &hostRow{}
	err := s.cfg.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(row).Where("uid = ?", uid).Scan(ctx)
	})
	if store.NotFound(err) {
		return Host{}, fmt.Errorf("%w: host %s is not enrolled", protocol.ErrDenied, uid)
	}
	return row.public(), err
}

func liveHost(ctx context.Context, tx *store.Tx, uid string) (*hostRow, error) {
	row := &hostRow{}
	err := tx.NewSelect().Model(row).Where("uid = ?", uid).Scan(ctx)
	if store.NotFound(err) || (err == nil && row.Revoked) {
		return nil, fmt.Errorf("%w: host %s is not enrolled", protocol.ErrDenied, uid)
	}
	return row, err
}

// Down tells whether a host is silent for longer than allowed. started is when this centre began to listen: what nobody could hear is not counted.
func Down(h Host, now, started time.Time, silence time.Duration) bool {
	heard := h.Heartbeat
	if started.After(heard) {
		heard = started
	}
	return now.Sub(heard) > silence
}
