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

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/crypt"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
)

// credsField is where credentials stand in the configuration.
const credsField = "s3creds"

const amazon = "s3.amazonaws.com"

// settings are what a remote's configuration says.
type settings struct {
	endpoint string // host, with a port where it is not the protocol's
	secure   bool
	region   string
	lookup   minio.BucketLookupType
	oldSign  bool // signature version 2
	bucket   string
	prefix   string
	put      minio.PutObjectOptions
	public   string // URL of the bucket for those without credentials; "" if there is none
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
	c.lookup = minio.BucketLookupDNS
	if s.Option("requeststyle") == "path" || net.ParseIP(host) != nil || host == "localhost" {
		c.lookup = minio.BucketLookupPath
	}
	c.public = publicURL(s, c, host)
	var err error
	c.put, err = putOptions(s)
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

func publicURL(s remote.Setup, c settings, host string) string {
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
	if c.lookup == minio.BucketLookupPath {
		return u.String() + "/" + c.bucket
	}
	u.Host = c.bucket + "." + u.Host
	return u.String()
}

func putOptions(s remote.Setup) (minio.PutObjectOptions, error) {
	opt := minio.PutObjectOptions{PartSize: defaultPart, UserMetadata: map[string]string{}, NumThreads: 4}
	if class := s.Option("storageclass"); class != "" && class != "STANDARD" {
		opt.StorageClass = class
	}
	if text := s.Option("partsize"); text != "" {
		n, ok := remote.ParseSize(text)
		if !ok || n < leastPart {
			return opt, errs.WithHint(fmt.Errorf("remote %s: partsize=%s is not accepted", s.Name, text), "a part has at least 5MiB")
		}
		opt.PartSize = uint64(n)
	}
	if s.Yes("public") {
		opt.UserMetadata["x-amz-acl"] = "public-read"
	}
	for field, v := range s.Config {
		if strings.HasPrefix(field, "x-amz-meta-") {
			opt.UserMetadata[field] = v
		}
	}
	return opt, nil
}

// credentialsOf looks where git-annex does, and then into the profile files of
// Amazon's tools. False where there are none.
func credentialsOf(ctx context.Context, s remote.Setup) (credentials.Value, bool, error) {
	if id, secret := s.Getenv("AWS_ACCESS_KEY_ID"), s.Getenv("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		return credentials.Value{AccessKeyID: id, SecretAccessKey: secret, SessionToken: s.Getenv("AWS_SESSION_TOKEN")}, true, nil
	}
	kept, ok, err := crypt.ReadCredentials(ctx, s, s.UUID, credsField)
	if ok || err != nil {
		return credentials.Value{AccessKeyID: kept.Login, SecretAccessKey: kept.Secret}, ok, err
	}
	return fromProfile(s)
}

func fromProfile(s remote.Setup) (credentials.Value, bool, error) {
	file := s.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if file == "" && s.Home != "" {
		file = filepath.Join(s.Home, ".aws", "credentials")
	}
	profile := s.Getenv("AWS_PROFILE")
	if profile == "" {
		profile = "default"
	}
	if file == "" {
		return credentials.Value{}, false, nil
	}
	v, err := (&credentials.FileAWSCredentials{Filename: file, Profile: profile}).RetrieveWithCredContext(nil)
	if err != nil || v.AccessKeyID == "" || v.SecretAccessKey == "" {
		return credentials.Value{}, false, nil // no file, or no such profile in it
	}
	return v, true, nil
}

// errNoCredentials says what to set.
func errNoCredentials(name string) error {
	return errs.WithHint(errors.New("no credentials for S3"),
		"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY once for `stemma annex enableremote %s`, or AWS_PROFILE", name)
}

// connect makes a client; nothing is asked yet.
func (c settings) connect(s remote.Setup, v credentials.Value) (*minio.Core, error) {
	transport, err := minio.DefaultTransport(c.secure)
	if err != nil {
		return nil, err
	}
	proxy := fetchurl.Proxy(s)
	transport.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout, Control: fetchurl.Guard(s.Settings)}).DialContext
	const connections, answer = 32, 2 * time.Minute
	transport.MaxIdleConnsPerHost, transport.ResponseHeaderTimeout, transport.DisableCompression = connections, answer, true
	creds := credentials.NewStaticV4(v.AccessKeyID, v.SecretAccessKey, v.SessionToken)
	if c.oldSign {
		creds = credentials.NewStaticV2(v.AccessKeyID, v.SecretAccessKey, v.SessionToken)
	}
	const tries = 5
	return minio.NewCore(c.endpoint, &minio.Options{
		Creds: creds, Secure: c.secure, Transport: transport, Region: c.region, BucketLookup: c.lookup, MaxRetries: tries,
	})
}

const dialTimeout = 30 * time.Second

// partSize keeps the number of parts below what servers accept.
func (c settings) partSize(size int64) uint64 {
	need := uint64(size/mostParts + 1)
	return max(c.put.PartSize, need)
}

func (c settings) describe() [][2]string {
	lines := [][2]string{{"type", "S3"}, {"bucket", c.bucket}, {"endpoint", c.endpoint}, {"region", c.region}}
	if c.prefix != "" {
		lines = append(lines, [2]string{"fileprefix", c.prefix})
	}
	lines = append(lines, [2]string{"partsize", strconv.FormatUint(c.put.PartSize, 10)}, [2]string{"versioning", strconv.FormatBool(c.versions)})
	if c.public != "" {
		lines = append(lines, [2]string{"public url", c.public})
	}
	return lines
}
