package addurls

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

const filePrefix = "_url_filename"

// askers is how many servers are asked at once.
const askers = 8

// usesFileName says that a template wants the names that servers give.
func usesFileName(template string) bool {
	for _, n := range names(template) {
		if strings.HasPrefix(n, filePrefix) {
			return true
		}
	}
	return false
}

// fileNames finds the names of the files at the addresses: the server's, if
// ask knows one, otherwise the last part of the path. Addresses without a name
// are left out.
func fileNames(ctx context.Context, addresses []string, ask func(ctx context.Context, address string) string) (map[string]string, error) {
	found := map[string]string{}
	for _, a := range addresses {
		found[a] = lastPart(a)
	}
	var mu sync.Mutex
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(askers)
	for a := range found {
		if ask == nil {
			break
		}
		group.Go(func() error {
			// A server names a file, not a place for it.
			if name := path.Base(ask(gctx, a)); name != "." && name != "/" {
				mu.Lock()
				defer mu.Unlock()
				found[a] = name
			}
			return gctx.Err()
		})
	}
	return found, group.Wait()
}

// lastPart is the last part of an address's path, unquoted.
func lastPart(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path[strings.LastIndexByte(u.Path, '/')+1:]
}

// stand-ins where no server is asked.
func standIns(row int) map[string]any {
	parts := fileParts("BASE.EXT", filePrefix)
	for k, v := range parts {
		parts[k] = fmt.Sprint(v) + strconv.Itoa(row)
	}
	return parts
}
