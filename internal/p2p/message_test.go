package p2p

import (
	"errors"
	"strings"
	"testing"
)

func TestMessagesReadAndWrite(t *testing.T) {
	for _, line := range []string{
		"AUTH-SUCCESS 05a5ba64-91ae-4c9c-84b3-16ff2cf5c232", "VERSION 1", "CHECKPRESENT SHA256-s5--x",
		"LOCKCONTENT SHA256-s5--x", "UNLOCKCONTENT", "REMOVE WORM-s1-m1287765018--t/a b", "GET 2 a%%b%c.txt SHA256-s5--x",
		"GET 0  SHA256-s5--x", "PUT  SHA256-s5--x", "PUT f.txt SHA256-s5--x", "PUT-FROM 4", "DATA 0", "VALID", "INVALID",
		"ERROR some text  with blanks", "CONNECT git-upload-pack", "CONNECTDONE 1", "REMOVE-BEFORE 7 SHA256-s5--x",
		"SUCCESS-PLUS a b", "BYPASS a b", "AUTH u t", "CHANGED refs/heads/a refs/heads/b",
	} {
		m, err := Parse(line)
		if err != nil || m.String() != line {
			t.Errorf("%q became %q, %v", line, m.String(), err)
		}
	}
	m, _ := Parse("GET 2 a%%b%c.txt SHA256-s5--x")
	if m.Number != 2 || m.Text != "a%b c.txt" || m.Key.Size != 5 {
		t.Errorf("%+v", m)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, line := range []string{
		"", " ", "BOGUS", "success", "SUCCESS x", "VERSION", "VERSION x", "VERSION -1", "VERSION +1", "DATA 99999999999999999999",
		"GET 0 SHA256-s5--x", "GET x  SHA256-s5--x", "GET 0  nokey", "CHECKPRESENT", "CHECKPRESENT nokey", "PUT SHA256-s5--x",
	} {
		if m, err := Parse(line); !errors.Is(err, ErrUnknownMessage) {
			t.Errorf("%q is %+v", line, m)
		}
	}
	if _, err := Parse(strings.Repeat("x", 1<<20)); len(err.Error()) > 200 {
		t.Error("the error repeats it all")
	}
	if s := (Message{Verb: Error, Text: "a\nSUCCESS\r"}).String(); strings.ContainsAny(s, "\r\n") {
		t.Errorf("%q", s)
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{"GET 2 a%%b.txt SHA256-s5--x", "PUT  SHA256-s5--x", "REMOVE-BEFORE 7 K--x", "ERROR a b", "UNLOCKCONTENT x"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		m, err := Parse(line)
		if err != nil {
			return
		}
		if strings.Contains(line, "\n") || strings.Contains(line, "\r") {
			return // not a line
		}
		again, err := Parse(m.String())
		if err != nil {
			t.Fatalf("%q became %q: %v", line, m.String(), err)
		}
		if again.Verb != m.Verb || again.Key != m.Key || again.Number != m.Number {
			t.Fatalf("%q: %+v became %+v", line, m, again)
		}
	})
}
