package natslink

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Cluster is a NATS that the operator runs. It asks the centre who may connect (NATS' auth callout), since only the database knows the hosts' keys.
//
// The cluster knows two keys of the centre, which ClusterKeys makes: that of its own connection, and the account key that signs what a host may do. What the
// centre signs is good for permitLife: after it the cluster closes the connection and asks again, so that a removed host is out by then even if nobody
// closed its connection.
type Cluster struct {
	URL     string      // of the servers, several with commas
	TLS     *tls.Config // verifies them; nil: the system's authorities
	Account string      // that the centre and all hosts are in; DefaultAccount in Config
	Keys    Keys
}

// DefaultAccount is the NATS account of a cluster's configuration as ClusterKeys.Config writes it.
const DefaultAccount = "EDGECLOUD"

// permitLife is how long a host's connection to a cluster lives before the centre is asked again.
const permitLife = 10 * time.Minute

// Keys are the centre's keys for a cluster.
type Keys struct{ centre, issuer nkeys.KeyPair }

// ClusterKeys reads the centre's keys from a folder, or makes them there.
func ClusterKeys(dir string) (k Keys, err error) {
	for _, one := range []struct {
		name string
		into *nkeys.KeyPair
		make func() (nkeys.KeyPair, error)
	}{{"centre.nkey", &k.centre, nkeys.CreateUser}, {"issuer.nkey", &k.issuer, nkeys.CreateAccount}} {
		if *one.into, err = keyAt(filepath.Join(dir, one.name), one.make); err != nil {
			return Keys{}, err
		}
	}
	return k, nil
}

// keyAt reads a seed, or makes a key and keeps its seed (mode 0600) before it is used anywhere.
func keyAt(path string, fresh func() (nkeys.KeyPair, error)) (nkeys.KeyPair, error) {
	seed, err := os.ReadFile(path)
	if err == nil {
		return nkeys.FromSeed(seed)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("natslink: reading the key: %w", err)
	}
	key, err := fresh()
	if err != nil {
		return nil, err
	}
	if seed, err = key.Seed(); err != nil {
		return nil, err
	}
	return key, keep(path, seed)
}

// Config is what the configuration of every nats-server of the cluster must contain.
func (k Keys) Config(account string) (string, error) {
	centre, err := k.centre.PublicKey()
	if err != nil {
		return "", err
	}
	issuer, err := k.issuer.PublicKey()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`# For every nats-server of the cluster that carries edgecloud's link: include this file.
max_payload: %[1]d
accounts {
  %[2]s { users: [ { nkey: %[3]s } ] }
}
authorization {
  timeout: 5
  auth_callout { issuer: %[4]s, account: %[2]s, auth_users: [ %[3]s ] }
}
`, maxMessage, account, centre, issuer), nil
}

// joinCluster connects to the cluster and answers it who may connect.
func (s *Server) joinCluster() (err error) {
	c := s.cfg.Cluster
	if s.centre, err = c.Keys.centre.PublicKey(); err != nil {
		return err
	}
	opts := append(s.centreOptions(c.Keys.centre), nats.Timeout(startTimeout), nats.IgnoreAuthErrorAbort())
	if c.TLS != nil {
		opts = append(opts, nats.Secure(c.TLS))
	}
	if s.conn, err = nats.Connect(c.URL, opts...); err != nil {
		return fmt.Errorf("reach the NATS cluster at %s: %w", c.URL, err)
	}
	_, err = s.conn.QueueSubscribe(server.AuthCalloutSubject, "centre", func(m *nats.Msg) {
		s.work.Go(func() {
			text, err := s.permit(string(m.Data))
			if err == nil {
				err = m.Respond([]byte(text))
			}
			if err != nil && s.ctx.Err() == nil {
				s.cfg.Logger.Warn("telling the NATS cluster who connects failed", "error", err)
			}
		})
	})
	return err
}

// permit answers one question of the cluster: who connects, and what may it do.
func (s *Server) permit(question string) (string, error) {
	q, err := jwt.DecodeAuthorizationRequestClaims(question)
	if err != nil {
		return "", err
	}
	answer := jwt.NewAuthorizationResponseClaims(q.UserNkey)
	answer.Audience = q.Server.ID
	if answer.Jwt, err = s.permitted(q); err != nil {
		answer.Error = err.Error()
	}
	return answer.Encode(s.cfg.Cluster.Keys.issuer)
}

func (s *Server) permitted(q *jwt.AuthorizationRequestClaims) (string, error) {
	key := q.ConnectOptions.Nkey
	if !signed(key, q.ConnectOptions.SignedNonce, []byte(q.ClientInformation.Nonce)) {
		return "", errors.New("the connection is not signed with an nkey")
	}
	name, a, err := s.permissions(key)
	if err != nil {
		return "", err
	}
	user := jwt.NewUserClaims(q.UserNkey)
	user.Name, user.Audience, user.Expires = name, s.cfg.Cluster.Account, s.cfg.Service.DB().Now().Add(permitLife).Unix()
	user.Pub.Allow, user.Sub.Allow = a.publish, a.subscribe
	return user.Encode(s.cfg.Cluster.Keys.issuer)
}
