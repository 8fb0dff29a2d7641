package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Env is how to use a cloud: the variables of edgecloud.env. Scripts rely on the names.
type Env struct {
	BEC, IEC, IAM, CECStack, TCEBMS, Admin string // URLs
	AccessKey, SecretKey                   string
	Account, User, Password                string // names; the password is empty once it was changed
	Region, Domain                         string
	CA                                     string // path of the certificate authority's file
}

type variable struct {
	name  string
	value *string
}

func (e *Env) variables() []variable {
	return []variable{
		{"EDGECLOUD_BEC_URL", &e.BEC}, {"EDGECLOUD_IEC_URL", &e.IEC}, {"EDGECLOUD_IAM_URL", &e.IAM}, {"EDGECLOUD_CECSTACK_URL", &e.CECStack},
		{"EDGECLOUD_TCEBMS_URL", &e.TCEBMS}, {"EDGECLOUD_ADMIN_URL", &e.Admin}, {"EDGECLOUD_ACCESS_KEY", &e.AccessKey},
		{"EDGECLOUD_SECRET_KEY", &e.SecretKey}, {"EDGECLOUD_ACCOUNT", &e.Account}, {"EDGECLOUD_USER", &e.User}, {"EDGECLOUD_PASSWORD", &e.Password},
		{"EDGECLOUD_REGION", &e.Region}, {"EDGECLOUD_DOMAIN", &e.Domain}, {"EDGECLOUD_CA", &e.CA},
	}
}

// String is the shell's form: a line KEY=VALUE for each.
func (e *Env) String() string {
	var b strings.Builder
	for _, v := range e.variables() {
		b.WriteString(v.name + "=" + shellWord(*v.value) + "\n")
	}
	return b.String()
}

// shellWord quotes a value only when it needs it, since not every reader of such files is a shell.
func shellWord(s string) string {
	for _, r := range s {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:@%+,=", r) {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	return s
}

// ParseEnv reads what String wrote.
func ParseEnv(text string) (*Env, error) {
	e := &Env{}
	at := map[string]*string{}
	for _, v := range e.variables() {
		at[v.name] = v.value
	}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok || at[name] == nil {
			continue
		}
		if inner, quoted := strings.CutPrefix(value, "'"); quoted {
			value = strings.ReplaceAll(strings.TrimSuffix(inner, "'"), `'\''`, "'")
		}
		*at[name] = value
	}
	if e.Admin == "" || e.AccessKey == "" {
		return nil, errors.New("the file names no EDGECLOUD_ADMIN_URL and EDGECLOUD_ACCESS_KEY")
	}
	return e, nil
}

// ReadEnv gives the variables of the cloud on a data folder, and ErrNotRunning when it has none.
func ReadEnv(dir string) (*Env, error) {
	text, err := os.ReadFile(filepath.Join(dir, envFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNotRunning, dir)
	}
	if err != nil {
		return nil, err
	}
	return ParseEnv(string(text))
}

func (e *Env) save(dir string) error {
	return ReplaceFile(filepath.Join(dir, envFile), []byte(e.String()), 0o600)
}
