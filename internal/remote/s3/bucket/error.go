package bucket

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stemma-data/stemma/internal/remote"
)

// Codes of errors that callers ask for.
const (
	NoSuchKey     = "NoSuchKey"
	NoSuchVersion = "NoSuchVersion"
	NoSuchBucket  = "NoSuchBucket"
	AccessDenied  = "AccessDenied"
	DeleteMarker  = "MethodNotAllowed" // the version is the mark that the object was deleted

	notImplemented     = "NotImplemented"
	preconditionFailed = "PreconditionFailed"
)

// ErrCondition says that an object is not as the caller knows it.
var ErrCondition = errors.New("the object is another one now")

// Is makes a refusal for a condition an ErrCondition.
func (e *Error) Is(target error) bool {
	return target == ErrCondition && e.Status == http.StatusPreconditionFailed
}

// Error is a refusal by the server.
type Error struct {
	Code, Message string
	Region        string // where the bucket is, if the server says that we asked at the wrong place
	Status        int
	wait          time.Duration // for which the server wants to be left alone; less than 0 where it does not say
}

func (e *Error) Error() string {
	text := e.Message
	if text == "" {
		text = http.StatusText(e.Status)
	}
	return fmt.Sprintf("S3: %s (%s)", text, e.Code)
}

// IsCode tells whether err is a refusal with this code.
func IsCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// parseError reads an error document. Code is empty if data is none.
func parseError(data []byte, resp *http.Response) *Error {
	var doc struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
		Region  string
	}
	e := &Error{Status: resp.StatusCode, wait: -1}
	if wait, ok := remote.RetryAfter(resp.Header.Get("Retry-After"), time.Now()); ok {
		e.wait = wait
	}
	if xml.Unmarshal(data, &doc) == nil {
		e.Code, e.Message, e.Region = doc.Code, doc.Message, doc.Region
	}
	if resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusBadRequest {
		if r := resp.Header.Get("X-Amz-Bucket-Region"); r != "" {
			e.Region = r
		}
	}
	return e
}

// codeOf is the code of an answer that has no document, as those to HEAD.
func codeOf(status int, object string) string {
	switch {
	case status == http.StatusNotFound && object == "":
		return NoSuchBucket
	case status == http.StatusNotFound:
		return NoSuchKey
	case status == http.StatusForbidden:
		return AccessDenied
	case status == http.StatusMethodNotAllowed:
		return DeleteMarker
	case status == http.StatusPreconditionFailed:
		return preconditionFailed
	}
	return fmt.Sprintf("HTTP %d", status)
}
