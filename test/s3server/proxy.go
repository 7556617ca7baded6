package s3server

import (
	"bytes"
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Proxy stands before the server for git-annex 10.20230126, whose signatures are
// valid only where the port is the protocol's: it signs anew. Lists of versions it
// brings into the order that Amazon documents.
func Proxy(t *testing.T, srv Server) Server {
	t.Helper()
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	rewrite := func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: net.JoinHostPort(srv.Host, srv.Port)})
		for _, h := range []string{"Authorization", "X-Amz-Date", "Date", "X-Forwarded-For", "Accept-Encoding"} {
			p.Out.Header.Del(h)
		}
		p.Out.Host = p.Out.URL.Host
		const body = "UNSIGNED-PAYLOAD"
		p.Out.Header.Set("X-Amz-Content-Sha256", body)
		creds := aws.Credentials{AccessKeyID: Access, SecretAccessKey: Secret}
		if err := signer.SignHTTP(p.Out.Context(), creds, p.Out, body, "s3", "us-east-1", time.Now()); err != nil {
			t.Error(err)
		}
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: rewrite, ModifyResponse: inOrder})
	t.Cleanup(proxy.Close)
	u, _ := url.Parse(proxy.URL)
	host, port, _ := net.SplitHostPort(u.Host)
	return Server{Host: host, Port: port, Dir: srv.Dir}
}

// versions is a list of versions.
type versions struct {
	XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name        string
	Prefix      string
	MaxKeys     int
	IsTruncated bool
	All         []stored `xml:",any"`
}

type stored struct {
	XMLName      xml.Name
	Key          string
	VersionId    string
	IsLatest     bool
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         string `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
}

// inOrder puts deletions among the versions, and gives each the time at which it
// came: this server tells of versions when they were replaced.
func inOrder(resp *http.Response) error {
	if !resp.Request.URL.Query().Has("versions") || resp.StatusCode != http.StatusOK {
		return nil
	}
	data, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return err
	}
	var list versions
	if err := xml.Unmarshal(data, &list); err != nil {
		return err
	}
	list.All = slices.DeleteFunc(list.All, func(s stored) bool { return s.VersionId == "" })
	slices.SortStableFunc(list.All, func(a, b stored) int {
		if c := strings.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		return came(b.VersionId).Compare(came(a.VersionId))
	})
	for i := range list.All {
		list.All[i].LastModified = came(list.All[i].VersionId).Truncate(time.Second).Format("2006-01-02T15:04:05.000Z")
	}
	out, err := xml.Marshal(list)
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(out))
	resp.ContentLength = int64(len(out))
	resp.Header.Set("Content-Length", strconv.Itoa(len(out)))
	return nil
}

// came is when a version, which is a ULID, was made; long ago for "null".
func came(id string) time.Time {
	const digits, length = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 10
	var ms int64
	for _, c := range id[:min(length, len(id))] {
		ms = ms<<5 | int64(max(0, strings.IndexRune(digits, c)))
	}
	return time.UnixMilli(ms).UTC()
}
