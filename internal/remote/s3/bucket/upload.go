package bucket

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Upload is content that becomes an object.
type Upload struct {
	Object   string
	From     io.ReaderAt
	Size     int64             // in bytes
	PartSize int64             // in bytes: what is larger goes over in parts, several at once
	Header   map[string]string // of the object: metadata, storage class, access
	Moved    func(n int64)     // told how many more bytes were sent; may be nil; called from one goroutine at a time
	If       Condition         // under which it is stored; ErrCondition otherwise
}

// partsAtOnce is the number of parts that are on their way together.
const partsAtOnce = 4

// Put stores the content. The object appears when all of it is there, and not
// before. A server that knows no conditions stores it in any case.
func (b *Bucket) Put(ctx context.Context, u Upload) (Info, error) {
	info, err := b.put(ctx, u)
	if u.If != nil && IsCode(err, notImplemented) {
		u.If = nil
		return b.put(ctx, u)
	}
	return info, err
}

func (b *Bucket) put(ctx context.Context, u Upload) (Info, error) {
	meter := &meter{moved: u.Moved}
	header := http.Header{}
	for k, v := range u.Header {
		header.Set(k, v)
	}
	if u.Size > u.PartSize {
		return b.putParts(ctx, u, header, meter)
	}
	u.If.set(header)
	answer, err := b.callHeader(ctx, request{method: http.MethodPut, object: u.Object, header: header, body: meter.part(u.From, 0, u.Size)}, nil)
	return infoOf(answer, u.Size), err
}

// finished is a part as the server names it.
type finished struct {
	PartNumber int
	ETag       string
}

type completion struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUpload"`
	Part    []finished
}

func (b *Bucket) putParts(ctx context.Context, u Upload, header http.Header, meter *meter) (Info, error) {
	var begun struct{ UploadId string }
	if err := b.call(ctx, request{method: http.MethodPost, object: u.Object, header: header, query: url.Values{"uploads": {""}}}, &begun); err != nil {
		return Info{}, err
	}
	query := url.Values{"uploadId": {begun.UploadId}}
	info, err := b.sendParts(ctx, u, query, meter)
	if err != nil {
		// What has come over is not kept: it would cost the user, unseen.
		abort := b.call(context.WithoutCancel(ctx), request{method: http.MethodDelete, object: u.Object, query: query}, nil)
		if abort != nil && !IsCode(abort, "NoSuchUpload") {
			err = errors.Join(err, abort)
		}
	}
	return info, err
}

func (b *Bucket) sendParts(ctx context.Context, u Upload, query url.Values, meter *meter) (Info, error) {
	parts := make([]finished, (u.Size+u.PartSize-1)/u.PartSize)
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for i := range parts {
		group.Go(func() error {
			if gctx.Err() != nil {
				return gctx.Err()
			}
			offset := int64(i) * u.PartSize
			number := strconv.Itoa(i + 1)
			answer, err := b.callHeader(gctx, request{
				method: http.MethodPut, object: u.Object, query: url.Values{"partNumber": {number}, "uploadId": query["uploadId"]},
				body: meter.part(u.From, offset, min(u.PartSize, u.Size-offset)),
			}, nil)
			parts[i] = finished{i + 1, answer.Get("Etag")}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Info{}, err
	}
	doc, err := xmlBody(completion{Part: parts})
	if err != nil {
		return Info{}, err
	}
	var done struct {
		XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
		ETag    string
	}
	header := http.Header{}
	u.If.set(header)
	answer, err := b.callHeader(ctx, request{method: http.MethodPost, object: u.Object, query: query, header: header, body: doc}, &done)
	info := infoOf(answer, u.Size)
	info.ETag = bareTag(done.ETag)
	return info, err
}

// meter counts what is sent, and what is sent again only once.
type meter struct {
	mu    sync.Mutex
	moved func(int64)
}

func (m *meter) part(at io.ReaderAt, offset, size int64) *body {
	b := &body{at: at, offset: offset, size: size}
	if m.moved != nil {
		var farthest int64
		b.sent = func(r io.Reader) io.Reader { return &metered{r: r, meter: m, farthest: &farthest} }
	}
	return b
}

type metered struct {
	r        io.Reader
	meter    *meter
	at       int64
	farthest *int64 // of all tries with this part
}

func (r *metered) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.meter.mu.Lock()
	defer r.meter.mu.Unlock()
	r.at += int64(n)
	if news := r.at - *r.farthest; news > 0 {
		*r.farthest = r.at
		r.meter.moved(news)
	}
	return n, err
}
