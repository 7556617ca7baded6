package magic

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
)

// sample is one file content with a name that is unique in the golden table.
type sample struct {
	name string
	data []byte
}

// samples returns all contents whose verdicts stand in testdata/libmagic.tsv.
func samples(t *testing.T) []sample {
	all := [][]sample{byteSamples(), unicodeSamples(), longSamples(), jsonSamples(), csvSamples(), textSamples(), binarySamples(), archiveSamples(t)}
	var out []sample
	for _, s := range all {
		out = append(out, s...)
	}
	return out
}

// byteSamples puts every byte alone, twice, and inside each kind of text.
func byteSamples() (out []sample) {
	frames := []struct{ name, before, after string }{
		{"alone", "", ""},
		{"ascii", "hello world ", " more text\n"},
		{"utf8", "hell\xc3\xb6 world ", " more text\n"},
		{"latin1", "hell\xf6 world ", " more text\n"},
		{"8bit", "hell\x81 world ", " more text\n"},
		{"ebcdic", "\x05\x40\xc1\xc2\xc3\x40", "\x40\x25"},
		{"utf16le", "\xff\xfea\x00", "\x00b\x00"},
		{"utf16be", "\xfe\xff\x00a\x00", "\x00b"},
		{"utf32le", "\xff\xfe\x00\x00a\x00\x00\x00", "\x00\x00\x00b\x00\x00\x00"},
		{"utf32be", "\x00\x00\xfe\xff\x00\x00\x00a\x00\x00\x00", "\x00\x00\x00b"},
		{"json", `["`, `"]`},
	}
	for i := range 256 {
		c := string([]byte{byte(i)})
		out = append(out, sample{fmt.Sprintf("byte-twice-%02x", i), []byte(c + c)})
		for _, f := range frames {
			out = append(out, sample{fmt.Sprintf("byte-%s-%02x", f.name, i), []byte(f.before + c + f.after)})
		}
	}
	return out
}

func quoted(kind string, texts ...string) (out []sample) {
	for _, s := range texts {
		name := fmt.Sprintf("%s-%q", kind, s[:min(len(s), 40)])
		if len(s) > 40 {
			name += fmt.Sprintf("+%d", len(s)-40)
		}
		out = append(out, sample{name, []byte(s)})
	}
	return out
}

func unicodeSamples() []sample {
	texts := []string{
		"", "\xef\xbb\xbf", "\xef\xbb\xbfa", "\xef\xbb\xbfab\n", "\xef\xbb\xbfa\x00", "\xef\xbb\xbfa\xe9b", "\xef\xbb\xbfa\x01b",
		"\xff\xfe", "\xfe\xff", "\xff\xfea", "\xff\xfea\x00b", "\xff\xfea\x00", "\xff\xfe\x00\x00", "\x00\x00\xfe\xff",
		"\x00\x00\xfe\xff\x00\x00\x00a", "\x00\x00\xfe\xff\x00\x00\x00a\x00\x00\x00b\x00",
		"+/v8", "+/v8a", "+/v9ab", "+/v+ab", "+/v/ab", "+/v0ab", "x+/v8ab",
		"ab\xc3", "ab\xc3\xa9\xc3", "\xc3\xa9", "a\xe2\x82", "a\xe2\x82\xac", "\xc3\xa9\xe2\x82", "\xc3\xa9\xe2\x41",
		"a\xc0\x80", "a\xe0\x80\x80", "a\xe0\xa0\x80", "a\xed\x9f\xbf", "a\xed\xa0\x80", "a\xf0\x80\x80\x80", "a\xf4\x8f\xbf\xbf",
		"a\xf4\x90\x80\x80", "a\xf5\x80\x80\x80", "a\xf0\x9f\x98\x80", "a\xf8\x88\x80\x80\x80", "a\xc1\xbf", "a\xc2\x80", "a\xc2\x9f b",
		"\xef\xbf\xbe a", "\xc3\xa9\x01", "\xc3\xa9\x7f", "\xc3\xa9\x00", "a\r\nb\r\n", "a\rb\r", "caf\xe9\r\n", "\x07\x1b[0m",
		"hello\n\x00", "hello\n\x00\x00", "a\x00", "a\x00\x00", "aa\x00", "aaa\x00", "aaa\x00\x00", "aaa\x00\x00\x00", "\x00\x00\x00",
		"\xe9\xe9x\x00", "\xe9\xe9x\x00\x00",
	}
	for _, u := range []uint16{0xfffe, 0xffff, 0xfdd0, 0xfdcf, 0xfdef, 0xfdf0, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xfeff, 0x9f, 0xe000, 0xd7ff} {
		lo, hi := string([]byte{byte(u)}), string([]byte{byte(u >> 8)})
		texts = append(texts, "\xff\xfeA\x00"+lo+hi+"B\x00", "\xff\xfeA\x00"+lo+hi, "\xfe\xff\x00A"+hi+lo+"\x00B",
			"\xff\xfeA\x00\x3f\xd8"+lo+hi+"B\x00", "\xff\xfe\x00\x00A\x00\x00\x00"+lo+hi+"\x00\x00B\x00\x00\x00")
	}
	return quoted("uni", texts...)
}

// longSamples probe how far libmagic looks.
func longSamples() (out []sample) {
	text := bytes.Repeat([]byte("hello world\n"), 10000)
	for _, at := range []int{65534, 65535, 65536, 65537, 70000, len(text) - 1} {
		for _, c := range []byte{0, 1, 0xe9, 0x81} {
			b := bytes.Clone(text)
			b[at] = c
			out = append(out, sample{fmt.Sprintf("long-%02x-at-%d", c, at), b})
		}
	}
	for k := range 5 {
		head := strings.Repeat("a", HeadSize-k)
		out = append(out, sample{fmt.Sprintf("long-cut-euro-%d", k), []byte(head + "\u20ac" + "aaaa")},
			sample{fmt.Sprintf("long-cut-mixed-%d", k), []byte(head + "\u00e9\u20ac\U0001f600")})
	}
	wide := strings.Repeat("a\x00", HeadSize)
	json := `{"a":[` + strings.Repeat("1,", 50000) + `1]}`
	return append(out, sample{"long-utf16", []byte("\xff\xfe" + wide)}, sample{"long-json", []byte(json)},
		sample{"long-ndjson", []byte(strings.Repeat(`{"a":1}`+"\n", 10000))}, sample{"long-nul", append(text, 0, 0)})
}

func jsonSamples() []sample {
	nest := func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }
	texts := strings.Fields(`{} [] {"a":1} [1,2] 12 "abc" {"a":1 {a:1} [1,2 [1,] null true [[]] [{}] {"a":01} [-1e5] [tru] {"a":1}{"b":2}
		{}{} []{} {"a":1,} [,] {,} [-] [1.2.3] [1e] [1e-] [+1] [.5] [1.] [-.5] [--1] ["\x"] ["\u12"] ["\u12af"] ["\/"] ["\0"] [nul]
		[true,false,null] [True] [NaN] {"":1} {"a"1} {"a":[1,{"b":"c"}]} {"a":"` + "\u00e9" + `"}`)
	texts = append(texts, "{\"a\":1}\n", ` {"a": [1,2,{"b":null}]}`, "{\"a\":1}\n{\"b\":2}\n", `{"a":1} x`, "[]\n", "[1]\n[2]\n", "[1] true", `[1] "x"`,
		"{\"a\":1}\n[2]", "[{}]\n[1]", `{"a":1} {"b":`, "[\"a\nb\"]", "[1]\x00", "\xef\xbb\xbf{\"a\":1}", "[\v1]", "[1 2]", `{"a" : 1 }`, "[\"\xe9\"]",
		nest(20), nest(250), nest(251), nest(252), nest(400), nest(5000), strings.Repeat("[", 300), strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100))
	return quoted("json", texts...)
}

func csvSamples() []sample {
	texts := []string{"a,b\n", "a,b\n1,2\n", "a,b\n1,2\n3,4\n", "a;b\n1;2\n3;4\n", "a,b\n1,2,3\n4,5\n", "a,b\n1,2\n3", "a,b\r\n1,2\r\n3,4\r\n", "a,b\n\n1,2\n3,4\n",
		"a,\"b\nc\",d\n1,2,3\n1,2,3\n", "a\n1\n2\n", ",\n,\n,\n", "x\na,b\na,b\n", "#c\na,b\na,b\na,b\n", "a\xff,b\n1,2\n3,4\n", "a\x01,b\n1,2\n3,4\n", "{,\n1,\n2,\n"}
	for _, row := range []string{`a,"b,c"`, `a,"b""c"`, `a,"b`, "a,b,", "import a,b", "<html>,", "%PDF-1.4,", "#!/bin/sh,", "From: a,b"} {
		texts = append(texts, strings.Repeat(row+"\n", 3))
	}
	for _, n := range []int{8, 9, 10, 11} {
		texts = append(texts, strings.Repeat("a,b\n", n)+"c\n")
	}
	return quoted("csv", texts...)
}

func textSamples() []sample {
	return quoted("text", "#!/bin/sh\n", "#!/bin/bash\n", "#! /bin/bash\n", "#!/usr/bin/env bash\n", "#!/usr/bin/env python3\n", "#!/usr/bin/python\n",
		"#!/usr/bin/perl\n", "#!/usr/bin/ruby\n", "#!/usr/bin/env node\n", "#!/usr/bin/node\n", "#!/usr/bin/env Rscript\n", "#!/usr/bin/awk -f\n", "#!/bin/zsh\n",
		"#!/bin/csh\n", "#!/usr/bin/make -f\n", "#!foo\n", "#!\n", "#!/bin/sh\n\x01\x01", "#!foo\n\x01\x01", "#!/opt/x/python\n", "#!/bin/sh -x\n#SBATCH --time=1\n",
		"<?xml version=\"1.0\"?>\n<a/>", "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "<svg xmlns=\"x\">", "<svg>", "<!DOCTYPE html>\n", "<html>\n", "<HTML>",
		"<head>", "<body>", "<?php echo", "\n\n<html>", "<!DOCTYPE svg PUBLIC", "import os\n", "from os import path\n", "def f(x):\n  pass\n", "class X:\n", "#include <stdio.h>\n",
		"int main(void)\n{\n", "package main\n", "\"use strict\";\n", "module.exports = {}\n", "const a = require(\"b\")\n", "export default x\n", "(function() {\n",
		"import x from \"./y\"\n", "if (typeof a === b)\n", "require(\"x\")\n", "function f() {}\n", "var x = 1;\n", "From: a@b.c\nTo: x@y\n", "Received: from a\n", "Subject: a\n",
		"diff --git a/x b/x\n", "--- a\n+++ b\n", "\\documentclass{article}\n", "[section]\nkey=val\n", "[autorun]\n", "[InternetShortcut]\n", "P3\n1 1\n255\n0 0 0\n",
		"P6\n1 1\n255\nabc", "solid foo\n", "all: x\n\tcc\n", "CC=gcc\n", "@echo off\n", ">seq1\nACGT\n", "@SQ\tSN:1\n", "##fileformat=VCFv4.2\n", "%YAML 1.2\n", "---\na: 1\n", "a: 1\n",
		"GIF is", "BM is a\n", "MZ hello\n", "PK hello", "RIFF hello", "II says", "MM hello", "%!foo\n", "%PDF", "%PDF-1.4\n%abc\n", "PAR1 text", "CDF text", "fLaC text",
		"SQLite format 3", "Rar! hello", "8BPS text", "BZh hello", "LZIP text", "wOFF text", "ORC text", "GRIB text ok", "root: a\n", "AT&TFORM is", "{\\rtf", "{\\rtf1 x}",
		"# comment\n", "/* c */\n", "// c\n", "-----BEGIN PGP MESSAGE-----\n\n", "-----BEGIN CERTIFICATE-----\nMIIB\n", "# v2 git bundle\n", "GIF89a hello", "\nhello\n", "  hello\n",
		"step,energy\n0,1.5\n", "1.0 2.0 3.0\n4.0 5.0 6.0\n", "0 1\n", "12", "x", "ok", "ITEM: TIMESTEP\n0\n", "HEADER    HYDROLASE\n", "# vtk DataFile Version 3.0\n", "slurm_load_jobs error: x\n",
		"JobID=1\n", "Traceback (most recent call last):\n", "2024-01-01T00:00:00 INFO x\n")
}

func binarySamples() []sample {
	z := func(n int) string { return strings.Repeat("\x00", n) }
	raw := map[string]string{
		"pdf": "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n\x00", "png": "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00\x3a\x7e\x9b\x55", "png-short": "\x89PNG\r\n\x1a\n",
		"gif": "GIF89a\x01\x00\x01\x00\x00\x00\x00", "jpeg": "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "jpeg-short": "\xff\xd8\xff", "tiff-le": "II*\x00\x08\x00\x00\x00", "tiff-be": "MM\x00*\x00\x00\x00\x08",
		"bigtiff": "II+\x00\x08\x00\x00\x00", "webp": "RIFF\x24\x00\x00\x00WEBPVP8 ", "wav": "RIFF\x24\x00\x00\x00WAVEfmt ", "xz": "\xfd7zXZ\x00\x00\x04", "bz2": "BZh91AY&SY\x00\x01",
		"zstd": "\x28\xb5\x2f\xfd\x04\x58\x71\x00\x06hi", "lz4": "\x04\x22\x4d\x18\x64\x40\xa7aaaa", "compress": "\x1f\x9d\x90abc", "7z": "7z\xbc\xaf\x27\x1c\x00\x04", "rar": "Rar!\x1a\x07\x00aa",
		"npy":  "\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n" + z(24),
		"hdf5": hdf5Mark + z(4), "hdf5-512": z(512) + hdf5Mark + z(12), "hdf5-1024": z(1024) + hdf5Mark + z(12), "hdf5-2048": z(2048) + hdf5Mark + z(12), "hdf5-4096": z(4096) + hdf5Mark + z(12), "hdf5-8192": z(8192) + hdf5Mark + z(12), "hdf5-1000": z(1000) + hdf5Mark + z(12), "hdf5-16384": z(16384) + hdf5Mark + z(12), "hdf5-32768": z(32768) + hdf5Mark + z(12),
		"hdf4": "\x0e\x03\x13\x01\x00\x00", "netcdf": "CDF\x01\x00\x00\x00\x00", "netcdf2": "CDF\x02\x00\x00\x00\x00", "netcdf5": "CDF\x05\x00\x00\x00\x00", "netcdf5-data": "CDF\x05\x00\x00\x00\x00\x01\x02\x03",
		"sqlite": "SQLite format 3\x00\x10\x00\x01\x01\x00\x40\x20\x20" + z(80), "parquet": "PAR1\x15\x04\x15\x00", "arrow": "ARROW1\x00\x00\xff\xff", "avro": "Obj\x01\x04\x16",
		"pickle2": "\x80\x02]q\x00(K\x01e.", "pickle4": "\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]", "torch-old": "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "matlab5": fmt.Sprintf("%-124s\x00\x01IM\x0e\x00\x00\x00", "MATLAB 5.0 MAT-file"),
		"nifti": "\x5c\x01\x00\x00" + z(340) + "n+1\x00", "dicom": z(128) + "DICM\x02\x00", "root": "root\x00\x00\xf1\x88", "fits": fmt.Sprintf("%-80s%-80s%-2720s", "SIMPLE  =                    T / x", "BITPIX  =                   16", "END"),
		"wasm": "\x00asm\x01\x00\x00\x00", "class": "\xca\xfe\xba\xbe\x00\x00\x00\x34", "macho": "\xcf\xfa\xed\xfe\x07\x00\x00\x01\x03\x00\x00\x00\x02\x00\x00\x00", "pe": "MZ" + z(58) + "\x40\x00\x00\x00PE\x00\x00\x64\x86" + z(30),
		"ar": "!<arch>\n", "deb": "!<arch>\ndebian-binary   1410122664  0     0     100644  4         `\n2.0\n", "rpm": "\xed\xab\xee\xdb\x03\x00\x00\x00", "cpio": "070701000000", "mo": "\xde\x12\x04\x95" + z(4),
		"pyc38": "\x55\x0d\x0d\x0a" + z(4), "pyc311": "\xa7\x0d\x0d\x0a" + z(4), "flac": "fLaC\x00\x00\x00\x22", "mp4": "\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "mkv": "\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska",
		"exr": "\x76\x2f\x31\x01\x02\x00\x00\x00", "woff2": "wOF2\x00\x01\x00\x00", "ole": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + z(600), "qcow": "QFI\xfb\x00\x00\x00\x03", "pack": "PACK\x00\x00\x00\x02\x00\x00\x00\x01",
		"index": "DIRC\x00\x00\x00\x02\x00\x00\x00\x01", "sif": "#!/usr/bin/env run-singularity\nSIF_MAGIC\x0001\x00" + z(100), "zeros": z(4096), "doubles": strings.Repeat("\x00\x00\x00\x00\x00\x00\xf0?", 64),
		"elf-exec": elfSample(2), "elf-lib": elfSample(3), "elf-obj": elfSample(1), "dcd": "T\x00\x00\x00CORD\x01\x00", "trr": "\x00\x00\x07\xc9\x00\x00\x00\x0d\x00\x00\x00\x0cGMX_trn_file",
	}
	var out []sample
	for name, s := range raw {
		out = append(out, sample{"bin-" + name, []byte(s)})
	}
	return out
}

// elfSample is a bare 64-bit little-endian header.
func elfSample(kind byte) string {
	h := make([]byte, 64+56)
	copy(h, "\x7fELF\x02\x01\x01")
	h[16], h[18], h[20] = kind, 62, 1
	return string(h)
}

func archiveSamples(t *testing.T) []sample {
	docx := zipped(t, "", "[Content_Types].xml", "_rels/.rels", "word/document.xml")
	xlsx := zipped(t, "", "[Content_Types].xml", "_rels/.rels", "xl/workbook.xml")
	pptx := zipped(t, "", "[Content_Types].xml", "_rels/.rels", "ppt/presentation.xml")
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write([]byte("hi"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return []sample{{"gzip", gz.Bytes()}, {"zip", zipped(t, "", "a.txt")}, {"zip-empty", zipped(t, "")}, {"npz", zipped(t, "", "arr_0.npy")},
		{"epub", zipped(t, "application/epub+zip", "a")}, {"odt", zipped(t, "application/vnd.oasis.opendocument.text", "a")}, {"zip-odd-mime", zipped(t, "application/foo", "a")},
		{"docx", docx}, {"xlsx", xlsx}, {"pptx", pptx}, {"tar-ustar", tarred(t, tar.FormatUSTAR)}, {"tar-pax", tarred(t, tar.FormatPAX)}, {"tar-gnu", tarred(t, tar.FormatGNU)}}
}

func zipped(t *testing.T, mime string, names ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name, text string) {
		w, err := z.CreateRaw(&zip.FileHeader{Name: name, CompressedSize64: uint64(len(text)), UncompressedSize64: uint64(len(text))})
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(text))
	}
	if mime != "" {
		add("mimetype", mime)
	}
	for _, n := range names {
		add(n, "x")
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t *testing.T, f tar.Format) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "a", Size: 1, Format: f}); err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("x"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
