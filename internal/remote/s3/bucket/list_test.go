package bucket

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// says is a server that answers everything with the text.
type says string

func (s says) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(s)))}, nil
}

// FuzzList: whatever a server answers, a list ends, and has no objects that
// cannot be.
func FuzzList(f *testing.F) {
	const entry = "<Key>a b</Key><VersionId>v</VersionId><IsLatest>true</IsLatest><LastModified>2026-01-02T03:04:05Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size>"
	f.Add("<ListBucketResult><Contents>"+entry+"</Contents></ListBucketResult>", false)
	f.Add("<ListVersionsResult><Version>"+entry+"</Version><DeleteMarker>"+entry+"</DeleteMarker></ListVersionsResult>", true)
	f.Add("<ListBucketResult><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType><NextMarker>%</NextMarker></ListBucketResult>", false)
	f.Add("<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>x</NextKeyMarker></ListVersionsResult>", true)
	f.Add("<Error><Code>SlowDown</Code></Error>", false)
	f.Fuzz(func(t *testing.T, answer string, versions bool) {
		b := New(Config{Name: "b", Endpoint: "example.org", PathStyle: true, Client: &http.Client{Transport: says(answer)}})
		list := b.List
		if versions {
			list = b.ListVersions
		}
		list(t.Context(), "", func(o Object) error {
			if o.Size < 0 {
				t.Errorf("%+v", o)
			}
			return nil
		})
	})
}
