package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gopkg.in/ini.v1"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/crypt"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
	"github.com/stemma-data/stemma/internal/remote/s3/bucket"
)

// credsField is where credentials stand in the configuration.
const credsField = "s3creds"

const amazon = "s3.amazonaws.com"

// settings are what a remote's configuration says.
type settings struct {
	endpoint string // host, with a port where it is not the protocol's
	secure   bool
	region   string
	byPath   bool // the bucket is named in the path, not in the host's name
	oldSign  bool // signature version 2
	bucket   string
	prefix   string
	partSize int64             // in bytes
	header   map[string]string // of every object
	public   string            // URL of the bucket for those without credentials; "" if there is none
	versions bool
}

// defaultPart is the size in bytes of the pieces in which large content goes
// over; one that breaks is sent again.
const (
	defaultPart = 64 << 20
	leastPart   = 5 << 20
	mostParts   = 10000
)

func readSettings(s remote.Setup) (settings, error) {
	host := s.Option("host")
	if host == "" {
		host = amazon
	}
	c := settings{
		bucket: s.Option("bucket"), prefix: s.Option("fileprefix"), oldSign: s.Option("signature") == "v2" && !isAmazon(host),
		versions: s.Yes("versioning"), region: regionOf(s),
	}
	if c.bucket == "" {
		return c, fmt.Errorf("remote %s has no bucket", s.Name)
	}
	port := s.Option("port")
	c.secure = s.Option("protocol") == "https" || port == "443" || s.Option("protocol") == "" && port == "" && isAmazon(host)
	c.endpoint = host
	if port != "" && !(c.secure && port == "443") && !(!c.secure && port == "80") {
		c.endpoint = net.JoinHostPort(host, port)
	}
	c.byPath = s.Option("requeststyle") == "path" || net.ParseIP(host) != nil || host == "localhost"
	c.public = publicURL(s, c)
	c.header = objectHeader(s)
	var err error
	c.partSize, err = partSize(s)
	return c, err
}

func isAmazon(host string) bool { return strings.HasSuffix(host, ".amazonaws.com") }

func regionOf(s remote.Setup) string {
	switch r := s.Option("region"); {
	case r != "":
		return r
	case s.Option("datacenter") == "EU":
		return "eu-west-1"
	case s.Option("datacenter") == "" || s.Option("datacenter") == "US":
		return "us-east-1"
	}
	return s.Option("datacenter")
}

func publicURL(s remote.Setup, c settings) string {
	switch {
	case s.Option("publicurl") != "":
		return strings.TrimRight(s.Option("publicurl"), "/")
	case !s.Yes("public"):
		return ""
	}
	u := url.URL{Scheme: "http", Host: c.endpoint}
	if c.secure {
		u.Scheme = "https"
	}
	if c.byPath {
		return u.String() + "/" + c.bucket
	}
	u.Host = c.bucket + "." + u.Host
	return u.String()
}

func partSize(s remote.Setup) (int64, error) {
	text := s.Option("partsize")
	if text == "" {
		return defaultPart, nil
	}
	n, ok := remote.ParseSize(text)
	if !ok || n < leastPart {
		return 0, errs.WithHint(fmt.Errorf("remote %s: partsize=%s is not accepted", s.Name, text), "a part has at least 5MiB")
	}
	return n, nil
}

// objectHeader is what the configuration wants said of every object.
func objectHeader(s remote.Setup) map[string]string {
	h := map[string]string{}
	if class := s.Option("storageclass"); class != "" && class != "STANDARD" {
		h["X-Amz-Storage-Class"] = class
	}
	if s.Yes("public") {
		h["X-Amz-Acl"] = "public-read"
	}
	for field, v := range s.Config {
		if strings.HasPrefix(field, "x-amz-meta-") {
			h[field] = v
		}
	}
	return h
}

// credentialsOf looks where git-annex does, and then into the profile files of
// Amazon's tools. False where there are none.
func credentialsOf(ctx context.Context, s remote.Setup) (bucket.Credentials, bool, error) {
	if id, secret := s.Getenv("AWS_ACCESS_KEY_ID"), s.Getenv("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		return bucket.Credentials{ID: id, Secret: secret, Token: s.Getenv("AWS_SESSION_TOKEN")}, true, nil
	}
	kept, ok, err := crypt.ReadCredentials(ctx, s, s.UUID, credsField)
	if ok || err != nil {
		return bucket.Credentials{ID: kept.Login, Secret: kept.Secret}, ok, err
	}
	return fromProfile(s)
}

func fromProfile(s remote.Setup) (bucket.Credentials, bool, error) {
	file := s.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if file == "" && s.Home != "" {
		file = filepath.Join(s.Home, ".aws", "credentials")
	}
	profile := s.Getenv("AWS_PROFILE")
	if profile == "" {
		profile = "default"
	}
	if file == "" {
		return bucket.Credentials{}, false, nil
	}
	profiles, err := ini.LoadSources(ini.LoadOptions{Loose: true}, file)
	if err != nil {
		return bucket.Credentials{}, false, fmt.Errorf("credentials for S3: %w", err)
	}
	values, err := profiles.GetSection(profile)
	if err != nil {
		return bucket.Credentials{}, false, nil // no file, or no such profile in it
	}
	field := func(name string) string { return values.Key(name).String() }
	v := bucket.Credentials{ID: field("aws_access_key_id"), Secret: field("aws_secret_access_key"), Token: field("aws_session_token")}
	return v, v.ID != "" && v.Secret != "", nil
}

// errNoCredentials says what to set.
func errNoCredentials(name string) error {
	return errs.WithHint(errors.New("no credentials for S3"),
		"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY once for `stemma annex enableremote %s`, or AWS_PROFILE", name)
}

// connect makes a client; nothing is asked yet.
func (c settings) connect(s remote.Setup, creds bucket.Credentials) *bucket.Bucket {
	proxy := fetchurl.Proxy(s)
	const connections, dialTime, answerTime = 32, 30 * time.Second, 2 * time.Minute
	transport := &http.Transport{
		Proxy:       func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		DialContext: (&net.Dialer{Timeout: dialTime, Control: fetchurl.Guard(s.Settings)}).DialContext,
		// Content is sent and kept as it is.
		DisableCompression:  true,
		MaxIdleConnsPerHost: connections, ResponseHeaderTimeout: answerTime, TLSHandshakeTimeout: dialTime, IdleConnTimeout: answerTime,
	}
	return bucket.New(bucket.Config{
		Name: c.bucket, Endpoint: c.endpoint, Secure: c.secure, PathStyle: c.byPath, Region: c.region,
		Creds: creds, OldSign: c.oldSign, Client: &http.Client{Transport: transport},
	})
}

// partFor keeps the number of parts below what servers accept.
func (c settings) partFor(size int64) int64 { return max(c.partSize, size/mostParts+1) }

func (c settings) describe() [][2]string {
	lines := [][2]string{{"type", "S3"}, {"bucket", c.bucket}, {"endpoint", c.endpoint}, {"region", c.region}}
	if c.prefix != "" {
		lines = append(lines, [2]string{"fileprefix", c.prefix})
	}
	lines = append(lines, [2]string{"partsize", strconv.FormatInt(c.partSize, 10)}, [2]string{"versioning", strconv.FormatBool(c.versions)})
	if c.public != "" {
		lines = append(lines, [2]string{"public url", c.public})
	}
	return lines
}
