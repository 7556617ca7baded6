package s3

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
	"github.com/stemma-data/stemma/test/s3server"
)

// treeAt opens a tree at a server that answers as it likes.
func treeAt(t *testing.T, answer http.HandlerFunc, more map[string]string) remote.Exporter {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	u, _ := url.Parse(srv.URL)
	x, err := OpenTree(setupFor(t, s3server.Server{Host: u.Hostname(), Port: u.Port()}, "b", more))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestListsOfStrangers(t *testing.T) {
	entry := func(name string) string {
		return "<Contents><Key>" + name + "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size></Contents>"
	}
	list := func(more string) string { return "<ListBucketResult>" + more + "</ListBucketResult>" }
	for name, c := range map[string]struct {
		answer string
		want   []string // nil: an error
	}{
		"names": {list(entry("p/a") + entry("p/../x") + entry("p//abs") + entry("p/") + entry("p/folder/") + entry("other") + entry("p/n&#10;l") + entry("p/annex-uuid")),
			[]string{"../x", "/abs", "a", "n\nl"}}, // what leads elsewhere is refused by those who import
		"escaped":    {list("<EncodingType>url</EncodingType>" + entry("p/%01+%2B%")), []string{"%01+%2B%"}},
		"escaped2":   {list("<EncodingType>url</EncodingType>" + entry("p/%01+%2B")), []string{"\x01 +"}},
		"empty":      {list(""), []string{}},
		"cut off":    {"<ListBucketResult>" + entry("p/a"), nil},
		"no list":    {"<Error><Code>InternalError</Code></Error>", nil},
		"a web page": {"<html><body>log in</body></html>", nil},
		"nothing":    {"", nil},
		"in circles": {list("<IsTruncated>true</IsTruncated>" + entry("p/a")), nil},
		"no size":    {list(strings.Replace(entry("p/a"), "<Size>1", "<Size>-1", 1)), nil},
		"no ETag":    {list(strings.Replace(entry("p/a"), "&quot;e&quot;", "", 1)), nil},
		"no time":    {list(strings.Replace(entry("p/a"), "2026", "yesterday", 1)), nil},
	} {
		x := treeAt(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.answer) }, map[string]string{"fileprefix": "p/", "importtree": "yes"})
		files, err := x.(remote.Importer).ListFiles(t.Context())
		var got []string
		for _, f := range files {
			got = append(got, f.Path)
		}
		slices.Sort(got)
		if (err == nil) != (c.want != nil) || err == nil && !slices.Equal(got, c.want) {
			t.Errorf("%s: %q %v, want %q", name, got, err, c.want)
		}
	}
}

func TestListsInManyParts(t *testing.T) {
	x := treeAt(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		const kind = "<%s><Key>%s</Key><VersionId>%s</VersionId><IsLatest>%v</IsLatest><LastModified>2026-01-02T03:04:0%sZ</LastModified><Size>1</Size></%[1]s>"
		fmt.Fprint(w, "<ListVersionsResult>")
		switch q.Get("key-marker") + " " + q.Get("version-id-marker") {
		case " ":
			fmt.Fprintf(w, "<IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>v2</NextVersionIdMarker>"+kind, "Version", "a", "v2", true, "3")
		case "a v2":
			fmt.Fprintf(w, "<IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>"+kind, "Version", "a", "v1", false, "1")
		default:
			fmt.Fprintf(w, kind, "DeleteMarker", "b", "v4", true, "4")
			fmt.Fprintf(w, kind, "Version", "b", "v3", false, "2")
		}
		fmt.Fprint(w, "</ListVersionsResult>")
	}, map[string]string{"importtree": "yes", "versioning": "yes"})
	history, err := x.(remote.Historian).ListHistory(t.Context())
	var got []string
	for _, step := range history {
		for _, c := range step {
			got = append(got, fmt.Sprint(c.Path, c.ID, c.Gone))
		}
	}
	if want := []string{"av1false", "bv3false", "av2false", "bv4true"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v, want %q", got, err, want)
	}
}

// TestRecordsOfStrangers: whatever the git-annex branch says of versions leads to
// no other object, and proves nothing.
func TestRecordsOfStrangers(t *testing.T) {
	content := []byte("content")
	k := remotetest.KeyOf(content)
	var asked []string
	x := treeAt(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery)
		if r.URL.Query().Get("versionId") == "current" {
			w.Header().Set("X-Amz-Version-Id", "another")
		}
		w.Write([]byte("something else"))
	}, map[string]string{"fileprefix": "p/", "exporttree": "yes", "versioning": "yes"})
	r := x.(ownTree).Remote
	kept := x.(remote.Archive).Kept()
	values := []string{"garbage", "#p/x", "v#", "v#p/", "v#p/../../other/secret", "v#elsewhere", "null#p/x", strings.Repeat("v", 5000) + "#p/x", "v#p//x", "v#p/.git/x", "\xff#\xff"}
	set := func(values ...string) {
		t.Helper()
		now := r.setup.Logs.Now()
		err := r.setup.Logs.Change(t.Context(), logOf(k), func(old []byte) []byte {
			log := annexlog.ParseMetaData(old)
			out, err := log.Set(now, log.Replace(r.UUID()+":V", values...))
			if err != nil {
				t.Fatal(err)
			}
			return out
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set(values...)
	if ok, err := kept.Present(t.Context(), k); ok || err == nil || len(asked) > 0 {
		t.Errorf("%v %v, asked for %q", ok, err, asked)
	}
	for _, v := range []string{"v1#p/x", "current#p/x"} { // another size, another version
		set(v)
		if ok, err := kept.Present(t.Context(), k); ok || err != nil {
			t.Errorf("%s: %v %v", v, ok, err)
		}
		if _, err := kept.Lock(t.Context(), k); !errors.Is(err, remote.ErrAbsent) {
			t.Errorf("%s: %v", v, err)
		}
	}
	set("v1#p/new\nline")
	if err := kept.Fetch(t.Context(), k, filepath.Join(t.TempDir(), "f"), nil); err == nil {
		t.Error("fetched something else")
	}
	if last := asked[len(asked)-1]; last != "/b/p/new\nline?versionId=v1" {
		t.Errorf("%q", last)
	}
	r.setup.Logs.Change(t.Context(), logOf(k), func([]byte) []byte { return []byte("\x00 garbage\n1s \n9s " + r.UUID() + ":V +!!!\n") })
	if ok, err := kept.Present(t.Context(), k); ok || err == nil {
		t.Errorf("a log of garbage: %v %v", ok, err)
	}
}

// TestNoVersionsWhereTheyAreNeeded: a bucket that turns out to keep nothing fails
// an export instead of counting as a copy.
func TestNoVersionsWhereTheyAreNeeded(t *testing.T) {
	deleted := false
	x := treeAt(t, func(w http.ResponseWriter, r *http.Request) {
		deleted = deleted || r.Method == http.MethodDelete
		w.Header().Set("X-Amz-Version-Id", "null")
	}, map[string]string{"exporttree": "yes", "versioning": "yes"})
	src := filepath.Join(t.TempDir(), "f")
	os.WriteFile(src, nil, 0o600)
	f := remote.TreeFile{Path: "x", Key: remotetest.KeyOf(nil)}
	var failed error
	done := func(_ int, err error) { failed = err }
	err := x.PutFiles(t.Context(), []remote.TreeContent{{File: f, From: remote.Content{Path: src}}}, func(i int, _ string, err error) { done(i, err) })
	if err != nil || failed == nil || !strings.Contains(failed.Error(), "keeps no versions") {
		t.Errorf("exported: %v %v", err, failed)
	}
	if err := x.DeleteFiles(t.Context(), []remote.TreeFile{f}, done); err != nil || failed == nil || deleted {
		t.Errorf("deleted: %v %v", err, failed)
	}
	if there, err := x.HasFiles(t.Context(), []remote.TreeFile{f}); err != nil || there[0] {
		t.Errorf("%v %v", there, err)
	}
}

// TestConditionsThatServersDoNotKnow are done without.
func TestConditionsThatServersDoNotKnow(t *testing.T) {
	stored, deleted := false, false
	x := treeAt(t, func(w http.ResponseWriter, r *http.Request) {
		conditional := r.Header.Get("If-Match") != "" || r.Header.Get("If-None-Match") != ""
		switch {
		case conditional:
			w.WriteHeader(http.StatusNotImplemented)
			fmt.Fprint(w, "<Error><Code>NotImplemented</Code></Error>")
		case r.Method == http.MethodHead && !stored:
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodPut:
			stored = true
		case r.Method == http.MethodDelete:
			deleted = true
		}
		w.Header().Set("Etag", `"e"`)
	}, map[string]string{"exporttree": "yes", "importtree": "yes"})
	src := filepath.Join(t.TempDir(), "f")
	os.WriteFile(src, nil, 0o600)
	f := remote.TreeFile{Path: "x", Key: remotetest.KeyOf(nil), IDs: []string{"#e"}}
	check := func(_ int, err error) {
		if err != nil {
			t.Error(err)
		}
	}
	err := x.PutFiles(t.Context(), []remote.TreeContent{{File: f, From: remote.Content{Path: src}}}, func(i int, _ string, err error) { check(i, err) })
	if err := errors.Join(err, x.DeleteFiles(t.Context(), []remote.TreeFile{f}, check)); err != nil || !stored {
		t.Errorf("%v, stored %v, deleted %v", err, stored, deleted)
	}
}

// TestContentThatIsAnotherOne: a server that ignores what it was asked for does
// not pass for one that has it.
func TestContentThatIsAnotherOne(t *testing.T) {
	x := treeAt(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"now"`)
		w.Header().Set("X-Amz-Version-Id", "now")
		w.Write([]byte("now"))
	}, map[string]string{"importtree": "yes"}).(remote.Importer)
	for id, ok := range map[string]bool{"#now": true, "now": true, "#then": false, "then": false} {
		dst := filepath.Join(t.TempDir(), "f")
		err := x.FetchContent(context.Background(), remote.Importable{Path: "x", Size: 3, ID: id}, dst, hash.Hash(nil))
		if (err == nil) != ok || !ok && !errors.Is(err, remote.ErrChanged) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := x.FetchContent(t.Context(), remote.Importable{Path: "x", Size: 2, ID: "#now"}, filepath.Join(t.TempDir(), "f"), nil); err == nil {
		t.Error("more than was listed")
	}
}

func TestKeysThatAreNoNames(t *testing.T) {
	r := &Remote{conf: settings{prefix: "p/"}}
	for _, name := range []string{"../x", "a/../../x", ".git", ""} {
		k := annexkey.New("SHA256E", name)
		if v, ok := r.parseVersion(k, "v#p/"+name); ok {
			t.Errorf("%+v", v)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, text := range []string{"v#p/x", "v#p/../x", "#", "null#p/x", "v#p/a/b#c"} {
		f.Add(text)
	}
	r, k := &Remote{conf: settings{prefix: "p/"}}, remotetest.KeyOf(nil)
	f.Fuzz(func(t *testing.T, text string) {
		if v, ok := r.parseVersion(k, text); ok {
			path, below := strings.CutPrefix(v.object, "p/")
			if !below || remote.CheckTreePath(path) != nil || !known(v.id) || v.id+"#"+v.object != text {
				t.Errorf("%q: %+v", text, v)
			}
		}
	})
}

// TestNamesWithoutEnd: folders without number are not gone through.
func TestNamesWithoutEnd(t *testing.T) {
	if err := remote.CheckTreePath(strings.Repeat("a/", 300000) + "x"); err == nil || len(err.Error()) > 200 {
		t.Errorf("%.300v", err)
	}
	if err := remote.CheckTreePath(strings.Repeat("a/", 500) + "x"); err != nil {
		t.Error(err)
	}
}
