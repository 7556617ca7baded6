// Package web has the remotes that are read by URL: the web itself, whose
// addresses of a key stand in the git-annex branch, and httpalso, another
// remote's content behind a web server.
package web

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
)

// Web is the special remote that every repository has.
type Web struct {
	setup  remote.Setup
	logs   remote.Logs
	client *fetchurl.Client
}

// Open returns the web as the repository knows it.
func Open(s remote.Setup) (*Web, error) {
	return &Web{s, s.Logs, fetchurl.New(s)}, nil
}

// Name returns the remote's name in our configuration.
func (w *Web) Name() string { return w.setup.Name }

// UUID returns the web's identity.
func (w *Web) UUID() string { return w.setup.UUID }

// Describe implements remote.Describer.
func (w *Web) Describe() [][2]string { return [][2]string{{"type", "web"}} }

// Close implements remote.Closer.
func (w *Web) Close() error { w.client.Close(); return nil }

// urls are the key's addresses that a web client can use.
func (w *Web) urls(ctx context.Context, k annexkey.Key) ([]string, error) {
	if err := k.Safe(); err != nil || w.logs == nil {
		return nil, err
	}
	data, err := w.logs.Read(ctx, annexlog.KeyPath(k, annexlog.URLSuffix))
	if err != nil {
		return nil, err
	}
	var list []string
	for _, u := range annexlog.ParsePresence(data).Present() {
		if !strings.HasPrefix(u, ":") { // those belong to other remotes
			list = append(list, u)
		}
	}
	return w.chosen(ctx, list)
}

// errDownloader is for addresses of pages that a program must read.
var errDownloader = errors.New("addresses that need a downloader (yt-dlp) are not supported")

func needsDownloader(u string) bool {
	return strings.HasPrefix(u, "yt:") || strings.HasPrefix(u, "quvi:")
}

// each tries the key's addresses until one serves.
func (w *Web) each(ctx context.Context, k annexkey.Key, try func(u string) error) error {
	urls, err := w.urls(ctx, k)
	if err != nil {
		return err
	}
	result := remote.ErrAbsent
	for _, u := range urls {
		err := errDownloader
		if !needsDownloader(u) {
			err = try(u)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !errors.Is(err, remote.ErrAbsent) {
			result = err
		}
	}
	return result
}

// Present implements remote.Remote: an address that answers with the right size.
func (w *Web) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	err := w.each(ctx, k, func(u string) error { return sized(ctx, w.client, k, u) })
	if errors.Is(err, remote.ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// sized is ErrAbsent where the address has content of another size.
func sized(ctx context.Context, c *fetchurl.Client, k annexkey.Key, u string) error {
	size, err := c.Size(ctx, u)
	if err == nil && k.ChunkNum < 0 && k.Size >= 0 && size >= 0 && size != k.Size {
		return remote.ErrAbsent
	}
	return err
}

// Fetch implements remote.Remote. Where an address breaks off, the next is
// tried; so with several of them the hash reads the file that is complete.
func (w *Web) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	urls, err := w.urls(ctx, k)
	if err != nil {
		return err
	}
	stream, after := h, hash.Hash(nil)
	if len(urls) > 1 {
		stream, after = nil, h
	}
	if err := w.each(ctx, k, func(u string) error { return w.client.Fetch(ctx, k, u, dst, 0, stream) }); err != nil {
		return err
	}
	return remote.HashFetched(ctx, dst, after)
}

// FetchFrom implements remote.Resumer. Only the first address is asked: what
// another one has need not fit to what has arrived.
func (w *Web) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	urls, err := w.urls(ctx, k)
	if err != nil {
		return err
	}
	for _, u := range urls {
		if !needsDownloader(u) {
			return w.client.Fetch(ctx, k, u, dst, offset, h)
		}
	}
	return remote.ErrAbsent
}

// readOnly is the error of what cannot be done by URL.
func readOnly(name string) error {
	return errs.WithHint(fmt.Errorf("remote %s can only be read", name), "store content in the remote that the web server shows")
}
