// Package fetchurl downloads content from URLs that somebody else may have
// written: only from where git-annex's settings allow, never more than the key
// stands for, and again from where a broken download ended.
package fetchurl

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// Client downloads from URLs. It is safe for concurrent use.
type Client struct {
	policy  policy
	http    *http.Client
	headers [][2]string
	stall   time.Duration
}

// What is waited for at most: a connection, an answer, and the next bytes.
const (
	dialTimeout   = 30 * time.Second
	answerTimeout = 60 * time.Second
	stallTimeout  = 2 * time.Minute
	maxRedirects  = 10
)

// New returns a client with the settings of the repository.
func New(s remote.Setup) *Client {
	c := &Client{policy: newPolicy(s.Settings), stall: stallTimeout}
	for line := range strings.SplitSeq(s.Settings.Get("annex.http-headers"), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			c.headers = append(c.headers, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	dialer := &net.Dialer{Timeout: dialTimeout, Control: c.policy.checkDial}
	proxy := Proxy(s)
	const connections = 16
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                 func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
			DialContext:           dialer.DialContext,
			DisableCompression:    true, // content is what the server has
			ForceAttemptHTTP2:     true,
			MaxIdleConnsPerHost:   connections,
			IdleConnTimeout:       answerTimeout,
			TLSHandshakeTimeout:   dialTimeout,
			ResponseHeaderTimeout: answerTimeout,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= maxRedirects {
				return errors.New("too many redirects")
			}
			r.Header.Del("Referer") // where it came from may hold a token, and is nobody's business
			return c.policy.checkScheme(r.URL.Scheme)
		},
	}
	return c
}

// Proxy finds the proxy for an address by the usual variables.
func Proxy(s remote.Setup) func(*url.URL) (*url.URL, error) {
	get := func(name string) string {
		if v := s.Getenv(strings.ToLower(name)); v != "" {
			return v
		}
		return s.Getenv(name)
	}
	config := httpproxy.Config{HTTPProxy: get("HTTP_PROXY"), HTTPSProxy: get("HTTPS_PROXY"), NoProxy: get("NO_PROXY")}
	return config.ProxyFunc()
}

// parse checks an address before anything is asked.
func (c *Client) parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil { // git-annex keeps URLs as the user typed them
		u, err = url.Parse(strings.NewReplacer(" ", "%20", "[", "%5B", "]", "%5D").Replace(address))
	}
	if err != nil {
		return nil, errors.New("it is no valid url")
	}
	if err := c.policy.checkScheme(u.Scheme); err != nil {
		return nil, err
	}
	return u, nil
}

// Check refuses addresses that are no URLs, and those whose scheme the settings
// do not allow.
func (c *Client) Check(address string) error {
	_, err := c.parse(address)
	return err
}

// Size asks how long the content at the address is, in bytes; -1 if that is not
// known. Errors: remote.ErrAbsent if there is none.
func (c *Client) Size(ctx context.Context, address string) (int64, error) {
	u, err := c.parse(address)
	if err != nil {
		return 0, err
	}
	if u.Scheme == "file" {
		return fileSize(u)
	}
	resp, err := c.do(ctx, http.MethodHead, u, 0)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotImplemented {
		if resp, err = c.do(ctx, http.MethodGet, u, 0); err != nil {
			return 0, err
		}
		resp.Body.Close()
	}
	return resp.ContentLength, statusError(resp)
}

// FileName asks what the server calls the file at the address; "" where it does
// not say.
func (c *Client) FileName(ctx context.Context, address string) (string, error) {
	u, err := c.parse(address)
	if err != nil || u.Scheme == "file" {
		return "", err
	}
	resp, err := c.do(ctx, http.MethodHead, u, 0)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	_, fields, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
	if err != nil {
		return "", nil //nolint:nilerr // not said, or not so that it can be read
	}
	return fields["filename"], nil
}

// Fetch writes the content at the address to dst, from byte offset on; see
// remote.Receive. Errors: remote.ErrAbsent if there is none.
func (c *Client) Fetch(ctx context.Context, k annexkey.Key, address, dst string, offset int64, h hash.Hash) error {
	u, err := c.parse(address)
	if err != nil {
		return err
	}
	if u.Scheme == "file" {
		return fetchFile(ctx, k, u, dst, offset, h)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := c.do(ctx, http.MethodGet, u, offset)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && offset > 0 && offset == k.Size {
		return nil // all had arrived
	}
	if err := statusError(resp); err != nil {
		return err
	}
	if most, ok := remote.Bound(ctx, k); ok && resp.ContentLength > most {
		return &remote.SizeError{Key: k, Have: resp.ContentLength, Want: most}
	}
	body := newStallReader(resp.Body, c.stall, cancel)
	defer body.stop()
	if err := skipTo(resp, body, offset); err != nil {
		return err
	}
	err = remote.Receive(ctx, k, dst, offset, h, body)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// Text returns a small text at an http(s) address, of at most limit bytes.
// Errors: remote.ErrAbsent if there is none.
func (c *Client) Text(ctx context.Context, address string, limit int64) (string, error) {
	u, err := c.parse(address)
	if err != nil {
		return "", err
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("url scheme %q is not allowed here", u.Scheme)
	}
	ctx, cancel := context.WithTimeout(ctx, c.stall)
	defer cancel()
	resp, err := c.do(ctx, http.MethodGet, u, 0)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if err := statusError(resp); err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: the answer is too long", u.Redacted())
	}
	return string(data), err
}

// skipTo passes over what has arrived already where the server starts at the
// beginning again.
func skipTo(resp *http.Response, body io.Reader, offset int64) error {
	if offset == 0 {
		return nil
	}
	if resp.StatusCode == http.StatusPartialContent {
		start, _, _ := strings.Cut(strings.TrimPrefix(resp.Header.Get("Content-Range"), "bytes "), "-")
		if n, err := strconv.ParseInt(start, 10, 64); err != nil || n != offset {
			return errors.New("the server answers another range than was asked for")
		}
		return nil
	}
	_, err := io.CopyN(io.Discard, body, offset)
	return err
}

func statusError(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return remote.ErrAbsent
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent:
		return fmt.Errorf("%s: the server answers %s", resp.Request.URL.Redacted(), resp.Status)
	}
	return nil
}

// Close gives up idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func fileSize(u *url.URL) (int64, error) {
	fi, err := os.Stat(u.Path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, remote.ErrAbsent
	}
	if err != nil {
		return 0, err
	}
	if !fi.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is no regular file", u.Path)
	}
	return fi.Size(), nil
}

func fetchFile(ctx context.Context, k annexkey.Key, u *url.URL, dst string, offset int64, h hash.Hash) error {
	if _, err := fileSize(u); err != nil {
		return err
	}
	f, err := os.Open(u.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	return remote.Receive(ctx, k, dst, offset, h, f)
}
