package bucket

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// says is a server that answers everything with the text.
type says string

func (s says) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(s)))}, nil
}

// circling leads from page to page and after some pages to the first one.
type circling struct{ asked *int }

func (c circling) RoundTrip(*http.Request) (*http.Response, error) {
	const pages = 3
	*c.asked++
	return says(fmt.Sprintf("<ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>m%d</NextMarker><NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>v%[1]d</NextVersionIdMarker></ListBucketResult>", *c.asked%pages)).RoundTrip(nil)
}

func TestListsEnd(t *testing.T) {
	for _, versions := range []bool{false, true} {
		asked := 0
		b := New(Config{Name: "b", Endpoint: "example.org", PathStyle: true, Client: &http.Client{Transport: circling{&asked}}})
		list := b.List
		if versions {
			list = b.ListVersions
		}
		if err := list(t.Context(), "", func(Object) error { return nil }); err == nil || asked > 4 {
			t.Errorf("%v after %d pages", err, asked)
		}
	}
}

// TestListsTakeLittleMemory: what a page has besides objects is not kept.
func TestListsTakeLittleMemory(t *testing.T) {
	answer := says("<ListBucketResult>" + strings.Repeat("<a/>", pageLimit/16) + "</ListBucketResult>")
	b := New(Config{Name: "b", Endpoint: "example.org", PathStyle: true, Client: &http.Client{Transport: answer}})
	p, err := b.page(t.Context(), url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	if n := cap(p.Entries); n > 0 {
		t.Errorf("%d entries are kept", n)
	}
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
