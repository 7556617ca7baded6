package all

import (
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/stemma-data/stemma/test/s3server"
)

// signingProxy stands before the server for this version of git-annex, whose
// signatures are valid only where the port is the protocol's: it signs anew.
func signingProxy(t *testing.T, srv s3server.Server) (host, port string) {
	t.Helper()
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: net.JoinHostPort(srv.Host, srv.Port)})
		for _, h := range []string{"Authorization", "X-Amz-Date", "Date", "X-Forwarded-For", "Accept-Encoding"} {
			p.Out.Header.Del(h)
		}
		p.Out.Host = p.Out.URL.Host
		const body = "UNSIGNED-PAYLOAD"
		p.Out.Header.Set("X-Amz-Content-Sha256", body)
		creds := aws.Credentials{AccessKeyID: s3server.Access, SecretAccessKey: s3server.Secret}
		if err := signer.SignHTTP(p.Out.Context(), creds, p.Out, body, "s3", "us-east-1", time.Now()); err != nil {
			t.Error(err)
		}
	}})
	t.Cleanup(proxy.Close)
	u, _ := url.Parse(proxy.URL)
	host, port, _ = net.SplitHostPort(u.Host)
	return host, port
}

// TestS3WithGitAnnex runs both against a real server.
func TestS3WithGitAnnex(t *testing.T) {
	srv := s3server.Start(t)
	host, port := signingProxy(t, srv)
	for i, params := range someOf("encryption=none fileprefix=a/b/ partsize=5MiB", "encryption=shared chunk=100kb", "encryption=none") {
		t.Run(params, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "gpg")
			b.gpgHome()
			b.env = append(b.env, "AWS_ACCESS_KEY_ID="+s3server.Access, "AWS_SECRET_ACCESS_KEY="+s3server.Secret)
			b.more = map[string]string{"host": srv.Host, "port": srv.Port}
			b.git("config", "annex.security.allowed-ip-addresses", "all")
			args := []string{"annex", "initremote", "-q", "s", "type=S3", "host=" + host, "port=" + port, "requeststyle=path", "signature=v4", "bucket=bench" + string(rune('a'+i))}
			b.git(append(args, strings.Fields(params)...)...)
			b.matrix("s")
		})
	}
}
