package magic

import (
	"bytes"
	"encoding/binary"
)

// signature is a fixed byte string at a fixed place.
type signature struct {
	at   int
	mark string
	mime string
}

// signatures are tried in this order; the first that fits wins. They hold for
// text as well: a PDF of nothing but ASCII is a PDF.
var signatures = [...]signature{
	{0, "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "image/png"},
	{0, "GIF87a", "image/gif"},
	{0, "GIF89a", "image/gif"},
	{0, "\xff\xd8\xff\xe0", "image/jpeg"},
	{0, "\xff\xd8\xff\xe1", "image/jpeg"},
	{0, "\xff\xd8\xff\xdb", "image/jpeg"},
	{0, "\xff\xd8\xff\xee", "image/jpeg"},
	{0, "II*\x00", "image/tiff"},
	{0, "II+\x00", "image/tiff"},
	{0, "MM\x00*", "image/tiff"},
	{0, "MM\x00+", "image/tiff"},
	{0, "\x76\x2f\x31\x01", "image/x-exr"},
	{0, "AT&TFORM\x00", "image/vnd.djvu"},
	{0, "SIMPLE  =                    T", "image/fits"},
	{344, "n+1\x00", "image/x.nifti"},
	{0, "\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"},
	{0, "P6\n", "image/x-portable-pixmap"},
	{8, "WEBPVP8", "image/webp"},
	{8, "WAVEfmt ", "audio/x-wav"},
	{8, "AVI LIST", "video/x-msvideo"},
	{0, "fLaC", "audio/flac"},
	{4, "ftypisom", "video/mp4"},
	{4, "ftypmp42", "video/mp4"},
	{4, "ftypM4A", "audio/x-m4a"},
	{4, "ftypqt  ", "video/quicktime"},
	{4, "ftypheic", "image/heic"},
	{4, "ftypavif", "image/avif"},
	{8, "matroska", "video/x-matroska"},
	{8, "webm", "video/webm"},
	{0, "\x1f\x8b", "application/gzip"},
	{0, "BZh", "application/x-bzip2"},
	{0, "\xfd7zXZ\x00", "application/x-xz"},
	{0, "\x28\xb5\x2f\xfd", "application/zstd"},
	{0, "\x04\x22\x4d\x18", "application/x-lz4"},
	{0, "\x1f\x9d", "application/x-compress"},
	{0, "LZIP", "application/x-lzip"},
	{0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"},
	{0, "Rar!\x1a\x07", "application/x-rar"},
	{0, "]\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff", "application/x-lzma"},
	{0, "PK\x05\x06", "application/zip"},
	{0, "!<arch>\ndebian", "application/vnd.debian.binary-package"},
	{0, "!<arch>\n", "application/x-archive"},
	{0, "\xed\xab\xee\xdb", "application/x-rpm"},
	{0, "070701", "application/x-cpio"},
	{0, "070707", "application/x-cpio"},
	{0, "\x0e\x03\x13\x01", "application/x-hdf"},
	{0, "CDF\x01", "application/x-netcdf"},
	{0, "CDF\x02", "application/x-netcdf"},
	{0, "SQLite format 3\x00", "application/vnd.sqlite3"},
	{0, "MATLAB 5", "application/x-matlab-data"},
	{128, "DICM", "application/dicom"},
	{0, "GRIB\x00", "application/x-grib"},
	{0, "\x00asm", "application/wasm"},
	{0, "\xde\x12\x04\x95", "application/x-gettext-translation"},
	{0, "\x95\x04\x12\xde", "application/x-gettext-translation"},
	{0, "\xcf\xfa\xed\xfe", "application/x-mach-binary"},
	{0, "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "application/vnd.tcpdump.pcap"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"},
	{0, "QFI\xfb", "application/x-qemu-disk"},
	{0, "LUKS\xba\xbe", "application/x-raw-disk-image"},
	{0, "PACK\x00\x00\x00", "application/x-git"},
	{0, "wOFF", "font/woff"},
	{0, "wOF2", "font/woff2"},
	{0, "OTTO\x00", "application/vnd.ms-opentype"},
	{0, "%PDF-", "application/pdf"},
	{0, "\n%PDF-", "application/pdf"},
	{0, "\xef\xbb\xbf%PDF-", "application/pdf"},
	{0, "%!", "application/postscript"},
	{0, "\x04%!", "application/postscript"},
	{0, "-----BEGIN PGP MESSAGE-", "application/pgp-encrypted"},
	{0, "-----BEGIN PGP PUBLIC KEY BLOCK-", "application/pgp-keys"},
	{0, "-----BEGIN PGP SIGNATURE-", "application/pgp-signature"},
	{0, "{\\rtf1", "text/rtf"},
}

const hdf5Mark = "\x89HDF\r\n\x1a\n"

// signatureType names b by its signature, or returns "".
func signatureType(b []byte) string {
	for _, s := range signatures {
		if hasAt(b, s.at, s.mark) {
			return s.mime
		}
	}
	for _, at := range [...]int{0, 512, 1024, 2048, 4096} {
		if hasAt(b, at, hdf5Mark) {
			return "application/x-hdf5"
		}
	}
	switch {
	case hasAt(b, 0, "\x7fELF"):
		return elfType(b)
	case hasAt(b, 0, "PK\x03\x04"):
		return zipType(b)
	case hasAt(b, 0, "\xca\xfe\xba\xbe") && len(b) >= 8:
		return classOrFat(b)
	case isPE(b):
		return "application/vnd.microsoft.portable-executable"
	case isPyc(b):
		return "application/x-bytecode.python"
	case len(b) > 28 && hasAt(b, 0, "BM") && b[14] < 128 && b[14] >= 12 && hasAt(b, 15, "\x00\x00\x00"):
		return "image/bmp"
	case len(b) > 3 && hasAt(b, 0, "\xff\xfb") && Encoding(b) == Binary:
		return "audio/mpeg"
	}
	return ""
}

func hasAt(b []byte, at int, mark string) bool {
	return len(b) >= at+len(mark) && string(b[at:at+len(mark)]) == mark
}

// isPyc knows compiled Python 3 by its version number, CR and LF.
func isPyc(b []byte) bool {
	return len(b) >= 8 && (b[1] == 0x0c || b[1] == 0x0d) && b[2] == '\r' && b[3] == '\n' && b[7] == 0
}

func isPE(b []byte) bool {
	if !hasAt(b, 0, "MZ") || len(b) < 64 {
		return false
	}
	at := int64(binary.LittleEndian.Uint32(b[60:]))
	return at < int64(len(b)) && hasAt(b, int(at), "PE\x00\x00")
}

// classOrFat tells Java classes from Mach-O archives, which share their mark:
// the next number is a class file version or a count of architectures.
func classOrFat(b []byte) string {
	if binary.BigEndian.Uint32(b[4:]) > 30 {
		return "application/x-java-applet"
	}
	return "application/x-mach-binary"
}

// zipType looks at the names of a zip's first members.
func zipType(b []byte) string {
	const first = 30
	if hasAt(b, first+9, "\xfe\xca") && hasAt(b, first, "META-INF/") {
		return "application/java-archive"
	}
	if hasAt(b, first, "mimetype") {
		if t := storedMime(b); t != "" {
			return t
		}
	}
	if !hasAt(b, first, "[Content_Types].xml") && !hasAt(b, first, "_rels/") && !hasAt(b, first, "docProps/") {
		return "application/zip"
	}
	for _, o := range officeTypes {
		if bytes.Contains(b, []byte(o.mark)) {
			return o.mime
		}
	}
	return "application/zip"
}

// officeTypes are told by a member's name anywhere in the head.
var officeTypes = [...]signature{
	{0, "word/document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{0, "xl/workbook", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{0, "ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
}

// storedMime reads the uncompressed member "mimetype" of EPUB and OpenDocument.
func storedMime(b []byte) string {
	rest := b[min(len(b), 38):]
	for _, t := range [...]string{
		"application/epub+zip",
		"application/vnd.oasis.opendocument.text",
		"application/vnd.oasis.opendocument.spreadsheet",
		"application/vnd.oasis.opendocument.presentation",
		"application/vnd.oasis.opendocument.graphics",
	} {
		if hasAt(rest, 0, t) {
			return t
		}
	}
	return ""
}
