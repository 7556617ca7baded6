package enable

import (
	"context"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/remote"
)

// Parameter is one that a remote may be set up with, in git-annex's words.
type Parameter struct{ Name, About, Values string }

const (
	yesOrNo     = "yes or no"
	trueOrFalse = "true or false"
)

// WhatElse lists the parameters that the remote's type has beside those that
// are given, in git-annex's order.
func WhatElse(ctx context.Context, s remote.Setup) ([]Parameter, error) {
	t := s.Option("type")
	if t == "git" {
		return others(s, []Parameter{{"location", "url of git remote to remember with special remote", ""}}), nil
	}
	k, err := kindOf(t)
	if err != nil {
		return nil, err
	}
	list := described()[t]
	if !k.plain && t != "httpalso" {
		list = append(list, ofContent()...)
	}
	if t == "external" {
		more, err := k.ofProgram(ctx, s)
		return append(others(s, list), more...), err
	}
	if t == "S3" {
		list = append(list, Parameter{"x-amz-meta-*", "http headers to add when storing on S3", ""},
			Parameter{"x-archive-meta-*", "http headers to add when storing on Internet Archive", ""})
	}
	return others(s, list), nil
}

// others leaves out the parameters that are given. Like in git-annex those that a
// program lists stay.
func others(s remote.Setup, list []Parameter) []Parameter {
	return slices.DeleteFunc(list, func(p Parameter) bool { _, given := s.Config[p.Name]; return given })
}

// ofProgram asks an external remote's program, where one is named.
func (k kind) ofProgram(ctx context.Context, s remote.Setup) ([]Parameter, error) {
	if s.Option("externaltype") == "ora" {
		return []Parameter{
			{"archive-id", "Dataset ID (fallback: annex uuid. Should be set automatically by datalad", ""},
			{"push-url", "URL for pushing to the RIA store. Optional.", ""},
			{"url", "RIA store to use", ""},
		}, nil
	}
	any := []Parameter{{"*", "all other parameters are passed to external special remote program", ""}}
	if s.Option("externaltype") == "" {
		return any, nil
	}
	if _, err := k.variables(s); err != nil {
		return nil, err
	}
	listed, ok, err := k.listed(ctx, s)
	if err != nil || !ok {
		return any, err
	}
	var list []Parameter
	for _, p := range listed {
		list = append(list, Parameter{p.Name, p.About, ""})
	}
	slices.SortStableFunc(list, func(a, b Parameter) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// ofContent are the parameters of all types that can split and encrypt content.
func ofContent() []Parameter {
	return []Parameter{
		{"chunk", "size of chunks (eg, 1MiB)", ""},
		{"encryption", "how to encrypt data stored in the special remote", "hybrid or none or pubkey or shared or sharedpubkey"},
		{"embedcreds", "embed credentials into git repository", yesOrNo},
		{"mac", "how to encrypt filenames used on the remote", "HMACSHA1 or HMACSHA224 or HMACSHA256 or HMACSHA384 or HMACSHA512"},
		{"keyid", "gpg key id", ""},
		{"keyid+", "add additional gpg key", ""},
		{"keyid-", "remove gpg key", ""},
	}
}

// described are the parameters that only one type has.
func described() map[string][]Parameter {
	return map[string][]Parameter{
		"directory": {
			{"directory", "(required) where the special remote stores data", ""},
			{"ignoreinodes", "ignore inodes when importing/exporting", yesOrNo},
		},
		"rsync": {
			{"shellescape", "set to no to avoid usual shell escaping (not recommended)", yesOrNo},
			{"rsyncurl", "(required) url or hostname:/directory for rsync to use", ""},
		},
		"web": {
			{"urlinclude", "only use urls matching this glob", ""},
			{"urlexclude", "don't use urls that match this glob", ""},
		},
		"httpalso": {{"url", "(required) url to the remote content", ""}},
		"external": {
			{"externaltype", "type of external special remote to use", ""},
			{"readonly", "enable readonly mode", trueOrFalse},
		},
		"S3": {
			{"bucket", "name of bucket to store content in", ""},
			{"host", "S3 server hostname (default is Amazon S3)", ""},
			{"datacenter", "S3 datacenter to use (US, EU, us-west-1, ..)", ""},
			{"partsize", "part size for multipart upload (eg 1GiB)", ""},
			{"storageclass", "storage class, eg STANDARD or STANDARD_IA or ONEZONE_IA", ""},
			{"fileprefix", "prefix to add to filenames in the bucket", ""},
			{"versioning", "enable versioning of bucket content", yesOrNo},
			{"public", "allow public read access to the bucket", yesOrNo},
			{"publicurl", "url that can be used by public to download files", ""},
			{"protocol", "http or https", ""},
			{"port", "port to connect to", ""},
			{"requeststyle", "for path-style requests, set to \"path\"", ""},
			{"signature", "S3 signature version", "v2 or v4"},
		},
	}
}
