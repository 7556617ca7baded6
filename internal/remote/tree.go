package remote

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// TreeFile is a file in a place that keeps a tree of files under their own
// names, for people and programs that know nothing of an annex.
type TreeFile struct {
	Path string // from the top of the tree, with slashes; see CheckTreePath
	Key  annexkey.Key
	// IDs are the identifiers by which an Importer may have the content, or, of
	// a file that is to be replaced or deleted, contents that may go.
	IDs []string
}

// TreeContent is a file with its content.
type TreeContent struct {
	File  TreeFile
	From  Content
	Plain bool // it is git's own: write-protection would make no sense
}

// Exporter is a place that keeps a tree of files. It is safe for concurrent use.
// Methods that take several files work on many at once, and call done once for
// each, from one goroutine at a time; files that done has not heard of when they
// return with an error are as they were.
type Exporter interface {
	// PutFiles gives files their content, and makes the folders that they need.
	// Nobody sees part of a file, and what done was told of is durable. id is the
	// content's identifier; "" from a place that has none.
	PutFiles(ctx context.Context, files []TreeContent, done func(i int, id string, err error)) error
	// HasFiles tells which files are there. A place that has identifiers goes by
	// these, others by name and size.
	HasFiles(ctx context.Context, files []TreeFile) ([]bool, error)
	// FetchFile copies a file to dst, as Remote.Fetch does.
	FetchFile(ctx context.Context, f TreeFile, dst string, h hash.Hash) error
	// DeleteFiles removes files, and folders that are empty afterwards. What is
	// not there is success.
	DeleteFiles(ctx context.Context, files []TreeFile, done func(i int, err error)) error
}

// Renamer is an Exporter that moves content without it being sent again.
type Renamer interface {
	Exporter
	// RenameFile gives a file another name, at which nothing is. ErrAbsent where
	// the file is not there.
	RenameFile(ctx context.Context, f TreeFile, to string) error
}

// Importable is a file that an Importer has.
type Importable struct {
	Path string
	Size int64  // in bytes
	ID   string // of its content as it is now
}

// Importer is an Exporter in whose tree others write, too. It replaces and
// deletes only what has one of the identifiers that it is told of
// (UnknownContentError otherwise).
type Importer interface {
	Exporter
	// ListFiles lists all files, in no special order. Links are left out.
	ListFiles(ctx context.Context) ([]Importable, error)
	// FetchContent copies the content with the identifier to dst, as Remote.Fetch
	// does, or fails with ErrChanged where another one is there now.
	FetchContent(ctx context.Context, f Importable, dst string, h hash.Hash) error
}

// Historian is an Importer that knows, too, what was there before.
type Historian interface {
	Importer
	// ListHistory lists what changed, the oldest first; the changes of one entry
	// happened at once. They lead from nothing to what ListFiles lists. FetchContent
	// fetches what is listed here, too.
	ListHistory(ctx context.Context) ([][]Change, error)
}

// Change is what happened to one file.
type Change struct {
	Importable      // what was there from then on
	Gone       bool // nothing was
}

// Learner is an Importer that finds old content again if it is told whose it is.
type Learner interface {
	Importer
	// Learn says which key the content has that was fetched.
	Learn(ctx context.Context, f Importable, k annexkey.Key) error
}

// Distant is an Importer whose content has to be sent here to become known.
type Distant interface {
	Importer
	Distant()
}

// Archive is an Exporter that may keep the content of its files when they are
// replaced and deleted.
type Archive interface {
	Exporter
	// Kept finds content by its key, wherever the tree had it; nil if nothing is
	// kept. What cannot be told for certain is an error.
	Kept() Locker
}

// ErrChanged says that a file was changed while it was read.
var ErrChanged = errors.New("the file was changed there meanwhile")

// UnknownContentError says that a file of an Importer has content that nobody
// here has seen.
type UnknownContentError struct{ Path string }

func (e *UnknownContentError) Error() string {
	return fmt.Sprintf("%s was changed there, and its content is not known here", e.Path)
}

// ExportedTempName is where git-annex keeps content of an exported tree that is
// about to get another name.
func ExportedTempName(k annexkey.Key) string { return ".git-annex-tmp-content-" + k.File() }

// CheckTreePath refuses paths that lead out of a tree, or that no place should
// have: they may come from anybody's commit.
func CheckTreePath(path string) error {
	const longest = 4096 // bytes; systems open no longer ones
	if len(path) > longest {
		return fmt.Errorf("%.40q… is too long for the name of a file", path)
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || gitobj.IsDotGit(part) || strings.Contains(part, "\x00") {
			return fmt.Errorf("%q is no name for a file that is kept elsewhere", path)
		}
	}
	return nil
}
