package smudge

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPacketsRoundTrip(t *testing.T) {
	for _, size := range []int{0, 1, maxPacket, maxPacket + 1, 3 * maxPacket} {
		data := bytes.Repeat([]byte("x"), size)
		var wire bytes.Buffer
		w := bufio.NewWriter(&wire)
		p := packetWriter{w}
		if _, err := p.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(p.flush(), w.Flush()); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(newPacketReader(bufio.NewReader(&wire)))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
		}
	}
}

func TestBadPackets(t *testing.T) {
	for _, wire := range []string{"0003", "zzzz", "fffff", "0010abc", "-001", "00"} {
		if _, err := readLines(bufio.NewReader(strings.NewReader(wire))); err == nil {
			t.Errorf("%q was accepted", wire)
		}
	}
}

func FuzzReadPacket(f *testing.F) {
	f.Add([]byte("0009hello0000"))
	f.Add([]byte("fff0"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bufio.NewReader(bytes.NewReader(wire))
		buf := make([]byte, maxPacket)
		for {
			data, err := readPacket(r, buf)
			if err != nil {
				return
			}
			if len(data) > maxPacket {
				t.Fatalf("a packet of %d bytes", len(data))
			}
		}
	})
}
