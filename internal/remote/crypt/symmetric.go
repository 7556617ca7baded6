package crypt

import (
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
)

// ErrDamaged says that encrypted content was cut off, changed, or encrypted
// with another cipher.
var ErrDamaged = errors.New("the encrypted content is damaged, or was encrypted with another cipher")

// settings are those of gpg where it matters: AES-256 with a modification
// code. The passphrase is 2,500 bits of chance, so stretching it gains nothing.
func settings() *packet.Config {
	return &packet.Config{DefaultCipher: packet.CipherAES256, S2KConfig: &s2k.Config{S2KMode: s2k.IteratedSaltedS2K, S2KCount: 65536}, DefaultCompressionAlgo: packet.CompressionNone}
}

func sealSymmetric(w io.Writer, r io.Reader, passphrase []byte) error {
	plain, err := openpgp.SymmetricallyEncrypt(w, passphrase, &openpgp.FileHints{IsBinary: true}, settings())
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	_, err = io.Copy(plain, r)
	return errors.Join(err, plain.Close())
}

func openSymmetric(r io.Reader, passphrase []byte, read func(io.Reader) error) error {
	asked := false
	prompt := func([]openpgp.Key, bool) ([]byte, error) {
		if asked {
			return nil, ErrDamaged // the only passphrase there is does not fit
		}
		asked = true
		return passphrase, nil
	}
	md, err := openpgp.ReadMessage(r, nil, prompt, settings())
	if err != nil {
		return fmt.Errorf("%w (%v)", ErrDamaged, err)
	}
	body := &bodyReader{r: md.UnverifiedBody}
	if err := read(body); err != nil {
		return err
	}
	// The code that authenticates all stands at the very end.
	_, err = io.Copy(io.Discard, body)
	return err
}

// bodyReader names what goes wrong while the message is read.
type bodyReader struct{ r io.Reader }

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w (%v)", ErrDamaged, err)
	}
	return n, err
}
