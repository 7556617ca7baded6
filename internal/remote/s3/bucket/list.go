package bucket

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Object is one that the bucket has. In a list of versions it may also be an
// older one, or the mark that the object was deleted.
type Object struct {
	Info
	Name            string
	Changed         time.Time
	Latest, Deleted bool
}

// List visits all objects whose names begin with the prefix, sorted by name.
func (b *Bucket) List(ctx context.Context, prefix string, visit func(Object) error) error {
	query := url.Values{"prefix": {prefix}, "encoding-type": {"url"}}
	led := way{}
	for {
		p, err := b.page(ctx, query)
		if err != nil {
			return err
		}
		last, err := p.visit(visit)
		if err != nil || !p.IsTruncated {
			return err
		}
		if p.NextMarker != "" { // servers tell it in few cases
			last = p.name(p.NextMarker)
		}
		if err := led.goOn(last, ""); err != nil {
			return err
		}
		query.Set("marker", last)
	}
}

// ListVersions visits all versions of all objects whose names begin with the
// prefix, and marks of deletion, in the order of the server: versions of an
// object follow each other, the newest first.
func (b *Bucket) ListVersions(ctx context.Context, prefix string, visit func(Object) error) error {
	query := url.Values{"prefix": {prefix}, "encoding-type": {"url"}, "versions": {""}}
	led := way{}
	for {
		p, err := b.page(ctx, query)
		if err != nil {
			return err
		}
		if _, err := p.visit(visit); err != nil || !p.IsTruncated {
			return err
		}
		key := p.name(p.NextKeyMarker)
		if err := led.goOn(key, p.NextVersionIdMarker); err != nil {
			return err
		}
		query.Set("key-marker", key)
		query.Set("version-id-marker", p.NextVersionIdMarker)
	}
}

// way is where the pages of a list have led, by name and version: not every
// server sorts names as Amazon does, but none may come back.
type way map[[2]string]bool

func (w way) goOn(name, version string) error {
	at := [2]string{name, version}
	if at == [2]string{} || w[at] {
		return errors.New("the server goes round in circles when it lists the bucket")
	}
	w[at] = true
	return nil
}

// page is one answer of a list.
type page struct {
	XMLName                            xml.Name
	IsTruncated                        bool
	EncodingType                       string
	NextMarker                         string
	NextKeyMarker, NextVersionIdMarker string
	Entries                            entries `xml:",any"`
}

// entries are what a page lists. Other elements are passed over: there may be
// millions of them in one page.
type entries []entry

// UnmarshalXML implements xml.Unmarshaler, for one element after the other.
func (l *entries) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	if kind := start.Name.Local; kind != "Contents" && kind != "Version" && kind != deleteMarker {
		return d.Skip()
	}
	var e entry
	if err := d.DecodeElement(&e, &start); err != nil {
		return err
	}
	var err error
	if e.changed, err = time.Parse(time.RFC3339Nano, e.LastModified); err != nil {
		return err
	}
	if e.Size < 0 {
		return fmt.Errorf("%q is said to have %d bytes", e.Key, e.Size)
	}
	*l = append(*l, e)
	return nil
}

const deleteMarker = "DeleteMarker"

type entry struct {
	XMLName      xml.Name
	Key          string
	VersionId    string
	IsLatest     bool
	LastModified string
	ETag         string
	Size         int64
	changed      time.Time
}

// name undoes the encoding of names that XML cannot have.
func (p *page) name(text string) string {
	if p.EncodingType != "url" {
		return text
	}
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return plain
}

// visit passes the objects on, and returns the last one's name.
func (p *page) visit(visit func(Object) error) (last string, err error) {
	for _, e := range p.Entries {
		o := Object{
			Info: Info{Size: e.Size, ETag: bareTag(e.ETag), Version: e.VersionId}, Name: p.name(e.Key),
			Changed: e.changed, Latest: e.IsLatest, Deleted: e.XMLName.Local == deleteMarker,
		}
		last = o.Name
		if err := visit(o); err != nil {
			return "", err
		}
	}
	return last, nil
}

// pageLimit bounds an answer in bytes: it has up to 1000 names of 1024
// characters, of which each may be escaped.
const pageLimit = 32 << 20

func (b *Bucket) page(ctx context.Context, query url.Values) (*page, error) {
	resp, err := b.do(ctx, request{method: http.MethodGet, query: query})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var p page
	if err := xml.NewDecoder(io.LimitReader(resp.Body, pageLimit)).Decode(&p); err != nil {
		return nil, fmt.Errorf("list of the bucket: %w", err)
	}
	if root := p.XMLName.Local; root != "ListBucketResult" && root != "ListVersionsResult" {
		return nil, fmt.Errorf("list of the bucket: the server answers with %q", root) // not with no objects
	}
	return &p, nil
}
