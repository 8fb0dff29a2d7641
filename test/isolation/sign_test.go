package isolation

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// signer is an access key, and how its requests are spoiled.
type signer struct {
	id, secret string
	at         time.Time // of the signature; zero: now
	spoil      bool      // one digit of the signature
	unsigned   bool
}

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// sign puts a BCE v1 signature of the host header on a request (conventions, section 3).
func (s signer) sign(r *http.Request) {
	if s.unsigned {
		return
	}
	at := s.at
	if at.IsZero() {
		at = time.Now()
	}
	var query []string
	for name, values := range r.URL.Query() {
		for _, v := range values {
			query = append(query, escape(name)+"="+escape(v))
		}
	}
	slices.Sort(query)
	prefix := "bce-auth-v1/" + s.id + "/" + at.UTC().Format("2006-01-02T15:04:05Z") + "/1800"
	path := strings.ReplaceAll(escape(r.URL.Path), "%2F", "/")
	text := strings.Join([]string{r.Method, path, strings.Join(query, "&"), "host:" + escape(r.URL.Host)}, "\n")
	r.Header.Set("Authorization", prefix+"/host/"+s.spoilt(mac(mac(s.secret, prefix), text)))
}

// signSDK puts Huawei's SDK-HMAC-SHA256 signature of all that it covers on a request (api/iec/conventions.md, section 2.2).
func (s signer) signSDK(r *http.Request, body []byte) {
	if s.unsigned {
		return
	}
	at := s.at
	if at.IsZero() {
		at = time.Now()
	}
	date := at.UTC().Format("20060102T150405Z")
	var query []string
	for name, values := range r.URL.Query() {
		for _, v := range values {
			query = append(query, escape(name)+"="+escape(v))
		}
	}
	slices.Sort(query)
	path := strings.TrimSuffix(strings.ReplaceAll(escape(r.URL.Path), "%2F", "/"), "/") + "/"
	canonical := strings.Join([]string{r.Method, path, strings.Join(query, "&"), "host:" + r.URL.Host + "\nx-sdk-date:" + date + "\n", "host;x-sdk-date", digest(string(body))}, "\n")
	sum := mac(s.secret, "SDK-HMAC-SHA256\n"+date+"\n"+digest(canonical))
	r.Header.Set("X-Sdk-Date", date)
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+s.id+", SignedHeaders=host;x-sdk-date, Signature="+s.spoilt(sum))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// spoilt gives the signature, or one with another last digit.
func (s signer) spoilt(sum string) string {
	if !s.spoil {
		return sum
	}
	last := "0"
	if strings.HasSuffix(sum, last) {
		last = "1"
	}
	return sum[:len(sum)-1] + last
}

// encrypted is a password as API 2.0 wants it (conventions-v2, section 4).
func (s signer) encrypted(plain string) string {
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	text := append([]byte(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, err := aes.NewCipher([]byte(s.secret)[:aes.BlockSize])
	if err != nil {
		panic(err) // the key has the block's size
	}
	for k := 0; k < len(text); k += aes.BlockSize {
		block.Encrypt(text[k:], text[k:])
	}
	return hex.EncodeToString(text)
}

type answer struct {
	status int
	body   string
}

// send makes one call in a dialect.
func (s signer) send(dialect, base, method, target string, body []byte) (answer, error) {
	r, err := http.NewRequest(method, base+target, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if dialect == "iec" {
		s.signSDK(r, body)
	} else {
		s.sign(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, string(text)}, err
}
