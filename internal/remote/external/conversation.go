package external

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/crypt"
)

// conversation is one request with all that the program asks meanwhile.
type conversation struct {
	ctx    context.Context
	p      *program
	ch     channel
	setup  remote.Setup
	config map[string]string // what SETCONFIG changes
	moved  func(total int64) // nil, or told of PROGRESS
}

// ask sends the request and returns the final answer: the first line that
// begins with one of the words.
func (c *conversation) ask(request string, finals ...string) (word, rest string, err error) {
	if err := c.ch.send(request); err != nil {
		return "", "", err
	}
	return c.await(finals...)
}

func (c *conversation) await(finals ...string) (word, rest string, err error) {
	for {
		line, err := c.ch.read()
		if err != nil {
			return "", "", c.orEnd(err)
		}
		word, rest, _ = strings.Cut(line, " ")
		for _, f := range finals {
			if word == f {
				return word, rest, nil
			}
		}
		if word == "ERROR" {
			return "", "", fmt.Errorf("%s: %s", c.p.name, rest)
		}
		known, err := c.serve(word, rest)
		if err != nil {
			c.ch.send("ERROR " + oneLine(err.Error()))
			return "", "", err
		}
		if !known {
			return "", "", c.p.nonsense(line)
		}
	}
}

// orEnd prefers the reason for which the caller gave up.
func (c *conversation) orEnd(err error) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return err
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

func (c *conversation) value(v string) error { return c.ch.send("VALUE " + oneLine(v)) }

// serve answers what the program asks in between; false for what is no such
// question.
func (c *conversation) serve(word, rest string) (bool, error) {
	switch word {
	case "PROGRESS":
		if n, err := strconv.ParseInt(rest, 10, 64); err == nil && c.moved != nil {
			c.moved(n)
		}
	case "DEBUG":
		c.setup.Logger().Debug(rest, "program", c.p.name)
	case "INFO":
		c.setup.Inform(rest)
	case "GETUUID":
		return true, c.value(c.setup.UUID)
	case "GETGITDIR":
		return true, c.value(c.setup.GitDir)
	case "GETGITREMOTENAME":
		return true, c.value(c.setup.Name)
	case "GETCONFIG":
		return true, c.value(c.config[rest])
	case "SETCONFIG":
		name, v, _ := strings.Cut(rest, " ")
		c.config[name] = v
	case "DIRHASH", "DIRHASH-LOWER":
		return true, c.dirHash(word, rest)
	case "GETCREDS", "SETCREDS":
		return true, c.credentials(word, rest)
	default:
		return c.serveLogs(word, rest)
	}
	return true, nil
}

func (c *conversation) dirHash(word, text string) error {
	k, err := annexkey.Parse(text)
	if err != nil {
		return err
	}
	if word == "DIRHASH" {
		return c.value(k.HashMixed() + "/")
	}
	return c.value(k.HashLower() + "/")
}

// credentials are kept as git-annex does, in a file for each setting.
func (c *conversation) credentials(word, rest string) error {
	name, pair, _ := strings.Cut(rest, " ")
	file := c.setup.UUID + "-" + name
	if word == "SETCREDS" {
		login, secret, _ := strings.Cut(pair, " ")
		return crypt.WriteCredentials(c.setup, file, crypt.Credentials{Login: login, Secret: secret})
	}
	v, _, err := crypt.ReadCredentials(c.ctx, c.setup, file, name)
	if err != nil {
		return err
	}
	return c.ch.send("CREDS " + v.Login + " " + v.Secret)
}

var errNoLogs = errors.New("the git-annex branch is not available to it")

// serveLogs answers what concerns the git-annex branch.
func (c *conversation) serveLogs(word, rest string) (bool, error) {
	first, second, _ := strings.Cut(rest, " ")
	var err error
	switch word {
	case "SETSTATE":
		err = c.setField(annexlog.StateSuffix, first, second)
	case "GETSTATE":
		err = c.state(first)
	case "SETURLPRESENT", "SETURIPRESENT", "SETURLMISSING", "SETURIMISSING":
		err = c.setURL(word, first, second)
	case "GETURLS":
		err = c.urls(first, second)
	case "GETWANTED":
		var data []byte
		if data, err = c.readLog(annexlog.PreferredContentFile); err == nil {
			e, _ := annexlog.ParseUUIDLog(data).Get(c.setup.UUID)
			err = c.value(e.Value)
		}
	case "SETWANTED":
		err = c.changeLog(annexlog.PreferredContentFile, func(old []byte, now annexlog.Clock) ([]byte, error) {
			return annexlog.ParseUUIDLog(old).Set(c.setup.UUID, rest, now)
		})
	default:
		return false, nil
	}
	return true, err
}

func (c *conversation) readLog(path string) ([]byte, error) {
	if c.setup.Logs == nil {
		return nil, errNoLogs
	}
	return c.setup.Logs.Read(c.ctx, path)
}

func (c *conversation) changeLog(path string, change func(old []byte, now annexlog.Clock) ([]byte, error)) error {
	if c.setup.Logs == nil {
		return errNoLogs
	}
	now := c.setup.Logs.Now()
	var failure error
	err := c.setup.Logs.Change(c.ctx, path, func(old []byte) []byte {
		changed, err := change(old, now)
		if err != nil {
			failure = err
			return old
		}
		return changed
	})
	return errors.Join(err, failure)
}

func keyPath(text string, suffix annexlog.Suffix) (string, error) {
	k, err := annexkey.Parse(text)
	if err == nil {
		err = k.Safe()
	}
	return annexlog.KeyPath(k, suffix), err
}

func (c *conversation) setField(suffix annexlog.Suffix, key, v string) error {
	path, err := keyPath(key, suffix)
	if err != nil {
		return err
	}
	return c.changeLog(path, func(old []byte, now annexlog.Clock) ([]byte, error) {
		return annexlog.ParseMapLog(old).Set(c.setup.UUID, v, now)
	})
}

func (c *conversation) state(key string) error {
	path, err := keyPath(key, annexlog.StateSuffix)
	if err != nil {
		return err
	}
	data, err := c.readLog(path)
	if err != nil {
		return err
	}
	e, _ := annexlog.ParseMapLog(data).Get(c.setup.UUID)
	return c.value(e.Value)
}

func (c *conversation) setURL(word, key, url string) error {
	path, err := keyPath(key, annexlog.URLSuffix)
	if err != nil {
		return err
	}
	if strings.HasPrefix(word, "SETURI") {
		url = ":" + url
	}
	status := annexlog.StatusPresent
	if strings.HasSuffix(word, "MISSING") {
		status = annexlog.StatusAbsent
	}
	return c.changeLog(path, func(old []byte, now annexlog.Clock) ([]byte, error) {
		out, _ := annexlog.ParsePresence(old).SetURL(url, status, now)
		return out, nil
	})
}

func (c *conversation) urls(key, prefix string) error {
	path, err := keyPath(key, annexlog.URLSuffix)
	if err != nil {
		return err
	}
	data, err := c.readLog(path)
	if err != nil {
		return err
	}
	for _, u := range annexlog.ParsePresence(data).Present() {
		if u = strings.TrimPrefix(u, ":"); strings.HasPrefix(u, prefix) {
			if err := c.value(u); err != nil {
				return err
			}
		}
	}
	return c.value("")
}
