package magic

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// interpreters maps the program of a #! line to a type.
var interpreters = map[string]string{
	"sh": "text/x-shellscript", "bash": "text/x-shellscript", "zsh": "text/x-shellscript",
	"csh": "text/x-shellscript", "tcsh": "text/x-shellscript", "ksh": "text/x-shellscript",
	"dash": "text/x-shellscript", "ash": "text/x-shellscript", "fish": "text/x-shellscript",
	"perl": "text/x-perl", "ruby": "text/x-ruby", "lua": "text/x-lua", "tclsh": "text/x-tcl", "wish": "text/x-tcl",
	"awk": "text/x-awk", "gawk": "text/x-awk", "nawk": "text/x-awk", "mawk": "text/x-awk",
	"node": "application/javascript", "nodejs": "application/javascript",
}

// shebangType names a script by its first line. Only interpreters in the usual
// places count (/bin, /usr/bin, /usr/local/bin, or through env).
func shebangType(b []byte) string {
	if !hasAt(b, 0, "#!") {
		return ""
	}
	line, _, _ := bytes.Cut(b[2:min(len(b), 256)], []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return ""
	}
	dir, prog := splitProgram(words[0])
	if prog == "env" && len(words) > 1 {
		dir, prog = "/bin", words[1]
	}
	if dir != "/bin" && dir != "/usr/bin" && dir != "/usr/local/bin" {
		return ""
	}
	if strings.HasPrefix(prog, "python") {
		return "text/x-script.python"
	}
	return interpreters[prog]
}

func splitProgram(path string) (dir, prog string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// markupType names XML, SVG, HTML and PHP.
func markupType(b []byte) string {
	s := strings.ToLower(string(bytes.TrimPrefix(b[:min(len(b), 4096)], utf8BOM)))
	t := strings.TrimLeft(s, " \t\r\n")
	xml := strings.HasPrefix(s, "<?xml")
	switch {
	case strings.HasPrefix(t, "<svg"), strings.HasPrefix(t, "<!doctype svg"):
		return "image/svg+xml"
	case xml && strings.Contains(s, "<svg"):
		return "image/svg+xml"
	case xml:
		return "text/xml"
	case strings.HasPrefix(t, "<!doctype html"), strings.HasPrefix(t, "<html"),
		strings.HasPrefix(t, "<head"), strings.HasPrefix(t, "<title"):
		return "text/html"
	case strings.HasPrefix(t, "<?php"):
		return "text/x-php"
	}
	return ""
}

// firstWords are beginnings of text files whose type is worth a name, most of
// all where it is not text/*.
var firstWords = [...]signature{
	{0, "From: ", "message/rfc822"},
	{0, "Return-Path:", "message/rfc822"},
	{0, "Received:", "message/rfc822"},
	{0, "Xref:", "message/news"},
	{0, "[autorun]", "application/x-setupscript"},
	{0, "[InternetShortcut]", "application/x-mswinurl"},
	{0, "P3\n", "image/x-portable-pixmap"},
	{0, "BEGIN:VCARD", "text/vcard"},
	{0, "BEGIN:VCALENDAR", "text/calendar"},
	{0, "diff --git ", "text/x-diff"},
	{0, "Index: ", "text/x-diff"},
	{0, "\\documentclass", "text/x-tex"},
	{0, "\\begin", "text/x-tex"},
	{0, "@echo off", "text/x-msdos-batch"},
}

// sourceType names program text by its first word or, for JavaScript (whose
// type is not text/*), by tell-tale lines near the start.
func sourceType(b []byte) string {
	for _, s := range firstWords {
		if hasAt(b, s.at, s.mark) {
			return s.mime
		}
	}
	start := b[:min(len(b), 8192)]
	switch {
	case pythonText().Match(start):
		return "text/x-script.python"
	case cText().Match(start):
		return "text/x-c"
	case scriptText().Match(start):
		return "application/javascript"
	}
	return ""
}

var (
	pythonText = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^(from\s+[\w.]+\s+import\b|\s{0,50}def \w+\(.*\).*:\s*$|class \w+(\(.*\))?:\s*$)`)
	})
	cText = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^(#\s*include\s*[<"]|#\s*ifndef\s|(struct|typedef|extern)\s)`)
	})
	scriptText = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)["']use strict["']|module(\.|\[["'])exports.*=|` +
			`^(const|var|let).*= ?require\(|^export (function|class|default|const|var|let|async) |` +
			`\((async )?function[( ]|^(import|export).* from |^(import|export) ["']\./|^require\(["']|typeof.*[!=]==`)
	})
)
