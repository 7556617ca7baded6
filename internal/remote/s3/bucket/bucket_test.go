package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// served is a bucket whose server answers with h.
func served(t *testing.T, h http.HandlerFunc) *Bucket {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return New(Config{
		Name: "b", Endpoint: strings.TrimPrefix(srv.URL, "http://"), PathStyle: true, Region: homeRegion,
		Creds: Credentials{ID: "id", Secret: "secret"}, Client: srv.Client(),
	})
}

func refuse(w http.ResponseWriter, status int, document string) {
	w.WriteHeader(status)
	io.WriteString(w, "<?xml version='1.0'?>\n<Error>"+document+"</Error>")
}

func TestABusyServerIsAskedAgain(t *testing.T) {
	asked := 0
	b := served(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked < 3 {
			refuse(w, http.StatusServiceUnavailable, "<Code>SlowDown</Code>")
		}
	})
	if err := b.Head(t.Context(), "o", ""); err != nil || asked != 3 {
		t.Errorf("%v after %d requests", err, asked)
	}
}

// TestABusyServerSaysHowLong it wants to be left alone: that counts, unless nobody
// would wait for so long.
func TestABusyServerSaysHowLong(t *testing.T) {
	asked := 0
	b := served(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked < 5 {
			w.Header().Set("Retry-After", map[int]string{1: "1", 2: "0", 3: "0", 4: "86400"}[asked])
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	begun := time.Now()
	if err := b.Head(t.Context(), "o", ""); err != nil || asked != 5 || time.Since(begun) < time.Second {
		t.Errorf("%v after %d requests in %v", err, asked, time.Since(begun))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	b = served(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "50")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	begun = time.Now()
	if err := b.Head(ctx, "o", ""); err == nil || time.Since(begun) > 20*time.Second {
		t.Errorf("it cannot be interrupted: %v after %v", err, time.Since(begun))
	}
}

// TestConnectionsThatBreak: a server that closes them is asked again, and what
// is said in the end names it.
func TestConnectionsThatBreak(t *testing.T) {
	asked := 0
	broken := func(until int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked < until {
				c, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					c.Close()
				}
			}
		}
	}
	if err := served(t, broken(3)).Head(t.Context(), "o", ""); err != nil {
		t.Error(err)
	}
	asked = 0
	b := served(t, broken(1000))
	err := b.Head(t.Context(), "o", "")
	if err == nil || !strings.HasPrefix(err.Error(), "bucket b at "+b.conf.Endpoint+": ") || strings.Contains(err.Error(), "http://") {
		t.Errorf("%v after %d requests", err, asked)
	}
}

func TestARefusalIsFinal(t *testing.T) {
	asked := 0
	b := served(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		refuse(w, http.StatusForbidden, "<Code>AccessDenied</Code><Message>not you</Message>")
	})
	_, _, err := b.Get(t.Context(), "o", "", 0)
	if !IsCode(err, AccessDenied) || !strings.HasPrefix(err.Error(), "bucket b at 127.0.0.1:") || !strings.HasSuffix(err.Error(), ": S3: not you (AccessDenied)") || asked != 1 {
		t.Errorf("%v after %d requests", err, asked)
	}
}

// TestTheServerCorrectsTheRegion as Amazon does where the region is unknown.
func TestTheServerCorrectsTheRegion(t *testing.T) {
	b := served(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/") {
			refuse(w, http.StatusBadRequest, "<Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region>")
		}
	})
	for range 2 {
		body, _, err := b.Get(t.Context(), "o", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		body.Close()
	}
}

// Requests that were under way when one of them heard of the region are sent
// again as well.
func TestTheRegionIsCorrectedForAll(t *testing.T) {
	const many = 4
	var arrived sync.WaitGroup
	arrived.Add(many)
	b := served(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/") {
			arrived.Done()
			arrived.Wait()
			refuse(w, http.StatusBadRequest, "<Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region>")
		}
	})
	var asked sync.WaitGroup
	for range many {
		asked.Go(func() {
			if body, _, err := b.Get(t.Context(), "o", "", 0); err != nil {
				t.Error(err)
			} else {
				body.Close()
			}
		})
	}
	asked.Wait()
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer other.Close()
	b := served(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	if err := b.Remove(t.Context(), "o"); err == nil {
		t.Error("a redirect counts as success")
	}
}

func TestNamesAreEscapedOnce(t *testing.T) {
	const object = "pre fix/ä+&%:=.bin"
	b := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/b/"+object || r.URL.EscapedPath() != "/b/pre%20fix/%C3%A4%2B%26%25%3A%3D.bin" {
			t.Errorf("%q", r.URL.EscapedPath())
		}
	})
	if err := b.Head(t.Context(), object, ""); err != nil {
		t.Error(err)
	}
}

func TestAServerThatIgnoresRanges(t *testing.T) {
	b := served(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "whole") })
	if _, _, err := b.Get(t.Context(), "o", "", 2); err == nil {
		t.Error("the start was taken for the rest")
	}
}

// multipart is a server that takes parts; fail says what it answers to a
// request, nil that it accepts it.
type multipart struct {
	mu      sync.Mutex
	fail    func(r *http.Request) (int, string)
	parts   map[string]string
	aborted bool
	done    string
}

func (m *multipart) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	sum := sha256.Sum256(body)
	if r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]) {
		refuse(w, http.StatusBadRequest, "<Code>XAmzContentSHA256Mismatch</Code>")
		return
	}
	if m.fail != nil {
		if status, code := m.fail(r); status != 0 {
			refuse(w, status, "<Code>"+code+"</Code>")
			return
		}
	}
	q := r.URL.Query()
	switch {
	case q.Has("uploads"):
		io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>u+1</UploadId></InitiateMultipartUploadResult>")
	case q.Get("uploadId") != "u+1":
		refuse(w, http.StatusNotFound, "<Code>NoSuchUpload</Code>")
	case r.Method == http.MethodPut:
		m.parts[q.Get("partNumber")] = string(body)
		w.Header().Set("ETag", `"e`+q.Get("partNumber")+`"`)
	case r.Method == http.MethodDelete:
		m.aborted = true
	case r.Method == http.MethodPost:
		m.done = string(body)
		w.Header().Set("X-Amz-Version-Id", "v1")
		io.WriteString(w, "<CompleteMultipartUploadResult/>")
	}
}

func putInParts(t *testing.T, m *multipart) (string, int64, error) {
	m.parts = map[string]string{}
	b := served(t, m.ServeHTTP)
	var moved int64
	info, err := b.Put(t.Context(), Upload{
		Object: "o", From: strings.NewReader("abcdefghij"), Size: 10, PartSize: 4, Moved: func(n int64) { moved += n },
	})
	return info.Version, moved, err
}

func TestPartsThatFailAreSentAgain(t *testing.T) {
	failures := 0
	m := &multipart{fail: func(r *http.Request) (int, string) {
		if r.URL.Query().Get("partNumber") == "2" && failures < 2 {
			failures++
			return http.StatusInternalServerError, "InternalError"
		}
		return 0, ""
	}}
	version, moved, err := putInParts(t, m)
	if err != nil || version != "v1" || moved != 10 || m.aborted {
		t.Errorf("version %q, %d bytes, aborted %v: %v", version, moved, m.aborted, err)
	}
	if m.parts["1"]+m.parts["2"]+m.parts["3"] != "abcdefghij" {
		t.Errorf("%q", m.parts)
	}
	const want = "<Part><PartNumber>1</PartNumber><ETag>&#34;e1&#34;</ETag></Part><Part><PartNumber>2"
	if !strings.Contains(m.done, want) {
		t.Error(m.done)
	}
}

func TestAnUploadThatFailsLeavesNoParts(t *testing.T) {
	m := &multipart{fail: func(r *http.Request) (int, string) {
		if r.URL.Query().Get("partNumber") == "3" {
			return http.StatusForbidden, AccessDenied
		}
		return 0, ""
	}}
	if _, _, err := putInParts(t, m); !IsCode(err, AccessDenied) || !m.aborted || m.done != "" {
		t.Errorf("aborted %v, done %q: %v", m.aborted, m.done, err)
	}
}

// TestFailureAfterSuccessWasPromised: the status was sent before the server
// knew how it ends.
func TestFailureAfterSuccessWasPromised(t *testing.T) {
	m := &multipart{fail: func(r *http.Request) (int, string) {
		if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
			return http.StatusOK, "MalformedXML"
		}
		return 0, ""
	}}
	if _, _, err := putInParts(t, m); !IsCode(err, "MalformedXML") || !m.aborted {
		t.Errorf("aborted %v: %v", m.aborted, err)
	}
}

func TestPlainHTTPOnlyWithoutASecret(t *testing.T) {
	b := served(t, func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "secret") }) {
				t.Errorf("%s: %q", name, values)
			}
		}
	})
	if err := b.Remove(context.Background(), "o"); err != nil {
		t.Error(err)
	}
}

// TestOldSignature checks the example of Amazon's description.
func TestOldSignature(t *testing.T) {
	b := New(Config{Name: "johnsmith", Endpoint: amazon, OldSign: true, Client: http.DefaultClient,
		Creds: Credentials{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}})
	const object = "photos/puppy.jpg"
	req, err := http.NewRequest(http.MethodGet, b.url(object, homeRegion).String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b.signV2(req, object, "Tue, 27 Mar 2007 19:36:42 +0000")
	if got := req.Header.Get("Authorization"); got != "AWS AKIAIOSFODNN7EXAMPLE:bWq2s1WEIj+Ydj0vQ697zp+IXMU=" {
		t.Error(got)
	}
}

func TestHostsAndPaths(t *testing.T) {
	for _, c := range []struct {
		endpoint, region string
		byPath           bool
		want             string
	}{
		{amazon, "us-east-1", false, "https://b.s3.amazonaws.com/o"},
		{amazon, "eu-west-1", false, "https://b.s3.eu-west-1.amazonaws.com/o"},
		{"s3.example.org:8443", "", true, "https://s3.example.org:8443/b/o"},
	} {
		b := New(Config{Name: "b", Endpoint: c.endpoint, Secure: true, PathStyle: c.byPath, Client: http.DefaultClient})
		if got := b.url("o", c.region).String(); got != c.want {
			t.Errorf("%s, not %s", got, c.want)
		}
	}
}
