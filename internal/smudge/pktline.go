package smudge

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxPacket is the most data that one packet holds (gitprotocol-common(5)).
const maxPacket = 65516

// errPacket is the cause of errors about what git sent.
var errPacket = errors.New("malformed packet")

// readPacket reads one packet into buf, which has room for maxPacket bytes. A
// flush packet has nil data; io.EOF means that the other side closed the stream
// between packets.
func readPacket(r *bufio.Reader, buf []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(string(head[:]), 16, 16)
	switch {
	case err != nil || n > 0 && n < 4 || n > maxPacket+4:
		return nil, fmt.Errorf("%w: length %q", errPacket, head)
	case n == 0:
		return nil, nil
	}
	data := buf[:n-4]
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("%w: %w", errPacket, noEOF(err))
	}
	return data, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readLines reads text packets up to the flush packet.
func readLines(r *bufio.Reader) ([]string, error) {
	const maxLines = 100
	buf := make([]byte, maxPacket)
	var lines []string
	for len(lines) < maxLines {
		data, err := readPacket(r, buf)
		if err != nil {
			return nil, err
		}
		if data == nil {
			return lines, nil
		}
		lines = append(lines, strings.TrimSuffix(string(data), "\n"))
	}
	return nil, fmt.Errorf("%w: too many lines", errPacket)
}

// packetReader reads the data of one content up to its flush packet.
type packetReader struct {
	r    *bufio.Reader
	buf  []byte
	rest []byte
	done bool
}

func newPacketReader(r *bufio.Reader) *packetReader {
	return &packetReader{r: r, buf: make([]byte, maxPacket)}
}

// Read implements io.Reader.
func (p *packetReader) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.done {
			return 0, io.EOF
		}
		data, err := readPacket(p.r, p.buf)
		if err != nil {
			return 0, noEOF(err)
		}
		if data == nil {
			p.done = true
			return 0, io.EOF
		}
		p.rest = data
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// packetWriter cuts what is written into packets.
type packetWriter struct{ w *bufio.Writer }

// Write implements io.Writer.
func (p packetWriter) Write(b []byte) (int, error) {
	total := 0
	for len(b) > 0 {
		n := min(len(b), maxPacket)
		if _, err := fmt.Fprintf(p.w, "%04x", n+4); err != nil {
			return total, err
		}
		if _, err := p.w.Write(b[:n]); err != nil {
			return total, err
		}
		total, b = total+n, b[n:]
	}
	return total, nil
}

// flush ends a list or a content.
func (p packetWriter) flush() error {
	_, err := p.w.WriteString("0000")
	return err
}

// lines writes text packets and a flush packet.
func (p packetWriter) lines(text ...string) error {
	for _, l := range text {
		if _, err := io.WriteString(p, l+"\n"); err != nil {
			return err
		}
	}
	return p.flush()
}
