package bucket

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// sign adds the signature; sum is the hash of the body in hexadecimal.
func (b *Bucket) sign(ctx context.Context, req *http.Request, object, sum, region string) error {
	c := b.conf.Creds
	if c.ID == "" {
		return nil
	}
	if b.conf.OldSign {
		b.signV2(req, object, time.Now().UTC().Format(http.TimeFormat))
		return nil
	}
	if region == "" {
		region = homeRegion
	}
	req.Header.Set("X-Amz-Content-Sha256", sum)
	creds := aws.Credentials{AccessKeyID: c.ID, SecretAccessKey: c.Secret, SessionToken: c.Token}
	return b.signer.SignHTTP(ctx, creds, req, sum, "s3", region, time.Now())
}

// signedQuery are the parts of a query that version 2 signs, of those that we use.
var signedQuery = []string{"partNumber", "uploadId", "uploads", "versionId", "versioning", "versions"}

// signV2 signs as servers did before 2014. Source: "Signing and authenticating
// REST requests (AWS signature version 2)", Amazon S3 API Reference.
func (b *Bucket) signV2(req *http.Request, object, date string) {
	if b.conf.Creds.Token != "" {
		req.Header.Set("X-Amz-Security-Token", b.conf.Creds.Token)
	}
	req.Header.Set("Date", date)
	var text strings.Builder
	for _, part := range []string{req.Method, req.Header.Get("Content-Md5"), req.Header.Get("Content-Type"), date} {
		text.WriteString(part + "\n")
	}
	var names []string
	for name := range req.Header {
		if strings.HasPrefix(name, "X-Amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		text.WriteString(strings.ToLower(name) + ":" + strings.Join(req.Header[name], ",") + "\n")
	}
	text.WriteString(escapePath("/" + b.conf.Name + "/" + object))
	text.WriteString(signedPart(req))
	mac := hmac.New(sha1.New, []byte(b.conf.Creds.Secret))
	mac.Write([]byte(text.String()))
	req.Header.Set("Authorization", "AWS "+b.conf.Creds.ID+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// signedPart is the part of the query that is signed, its values as they are.
func signedPart(req *http.Request) string {
	var parts []string
	query := req.URL.Query()
	for _, name := range signedQuery {
		switch v := query.Get(name); {
		case v != "":
			parts = append(parts, name+"="+v)
		case query.Has(name):
			parts = append(parts, name)
		}
	}
	if parts == nil {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}
